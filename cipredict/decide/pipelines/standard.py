"""The pipeline of whoever defined none: the brief's quality checks and its matrix of suites, as make targets."""

from __future__ import annotations

from cipredict.plans.pipeline_model import Pipeline, Stage

SUITES = ("unit", "integration", "quality", "performance")


def standard_pipeline() -> Pipeline:
    """Give quality checks first, then four suites side by side."""
    return Pipeline(
        stages=(
            Stage("quality-checks", run="make lint\nmake type-check\nmake security-scan", timeout_s=900),
            Stage(
                "tests",
                run="make test-$SUITE",
                needs=("quality-checks",),
                matrix={"suite": SUITES},
                timeout_s=1800,
                artifacts=("reports/",),
            ),
        )
    )
