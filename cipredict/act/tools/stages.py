"""Ready-made stages: how each tool is called so that a gate can read what it says.

The extra `tools` pins their versions. A stage fails only where its tool did not come to an end: what was found is the
gate's business.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ToolStage:
    """One tool.

    Attributes
    ----------
    tool : its name in reports; `command` begins with the program
    distribution : what is installed, whose version is recorded
    metric : what a gate asks for
    takes_paths : whether files and folders follow the command
    timeout_s : a tool that takes longer hangs
    """

    tool: str
    command: tuple[str, ...]
    distribution: str
    metric: str
    takes_paths: bool = True
    timeout_s: float = 900.0

    def call(self, paths: tuple[str, ...], extra: tuple[str, ...] = ()) -> list[str]:
        """Give the whole command line; `extra` are the user's own options."""
        return [*self.command, *extra, *(paths if self.takes_paths else ())]

    def to_stage(self, paths: tuple[str, ...], output: str) -> dict[str, object]:
        """Describe it as a stage of a pipeline, whose output a gate reads."""
        name = self.tool.replace(" ", "-")
        told = "".join(f" --path {path}" for path in paths)
        return {
            "name": name,
            "script": f"cipredict gate run {name}{told} --output-dir {output}",
            "timeout": self.timeout_s,
            "parallel": True,
            "outputs": [f"{output}/{name}.json"],
            "metric": self.metric,
        }


STAGES: Mapping[str, ToolStage] = {
    "ruff": ToolStage("ruff", ("ruff", "check", "--output-format", "json", "--no-fix"), "ruff", "lint_findings"),
    "ruff-format": ToolStage("ruff format", ("ruff", "format", "--check"), "ruff", "format_findings"),
    "black": ToolStage("black", ("black", "--check", "--no-color"), "black", "format_findings"),
    "isort": ToolStage("isort", ("isort", "--check-only"), "isort", "format_findings"),
    "mypy": ToolStage(
        "mypy", ("mypy", "--no-color-output", "--no-pretty", "--show-error-codes"), "mypy", "type_errors"
    ),
    "bandit": ToolStage("bandit", ("bandit", "-q", "-r", "-f", "json"), "bandit", "security_vulnerabilities"),
    "pip-audit": ToolStage(
        "pip-audit",
        ("pip-audit", "--format", "json", "--progress-spinner", "off"),
        "pip-audit",
        "security_vulnerabilities",
        takes_paths=False,
    ),
}
"""Name on the command line → stage. pip-audit looks at the environment, or with `--option=-rFILE` at that file."""
