"""What the page of `report html` shows of caches, gates and shards, beyond what one query gives."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cipredict.cli.report_learned import Gaps
from cipredict.errors import CipredictError, UsageError
from cipredict.render.html.facts import columns_of

if TYPE_CHECKING:
    from cipredict.forecast.bundle import Manifest
    from cipredict.render.html.facts import Columns
    from cipredict.settings import Settings

COMMITS = 300
_STAGE = {
    "stage": "stage",
    "runs": "runs",
    "predicted": "predicted_hit_rate",
    "historical": "historical_hit_rate",
    "coverage": "expected_coverage",
    "saved_s": "cache_benefit_score",
    "served_by": "served_by",
    "recommendation": "recommendation",
    "reason": "reason",
}
"""Column → field of a stage's prediction."""


def load_cache_stages(settings: Settings, gaps: Gaps, *, quota_bytes: int) -> Columns:
    """Give what the git history of this checkout says of its described caches: hits and coverage; empty without any."""
    from cipredict.cli.cache_predicting import predict_stages  # noqa: PLC0415  # git, and not for --help

    try:
        found = predict_stages(settings, stage=None, base=None, commits=COMMITS, quota_bytes=quota_bytes)
    except UsageError:  # none is described, which is what the page says anyway
        found = []
    except CipredictError as error:
        gaps.note("cache_stages", error)
        found = []
    return columns_of(tuple(_STAGE), ([getattr(one, field) for field in _STAGE.values()] for one in found))


def needs_of(manifest: Manifest | None, workflow: str) -> dict[str, list[str]]:
    """Give which job of a workflow waits for which, as the published forecast has read it off past runs."""
    from cipredict.forecast.run_features import JOB_SEPARATOR  # noqa: PLC0415  # numpy

    prefix = f"{workflow or 'run'}{JOB_SEPARATOR}"
    series = manifest.series.items() if manifest else ()
    return {
        name.removeprefix(prefix): list(map(str, memory["needs"]))  # type: ignore[call-overload]  # by the schema
        for name, memory in series
        if name.startswith(prefix) and "needs" in memory
    }
