"""Whether gates are enforced: every action, comparison and measurement through a real pipeline with a deployment.

Run: ``python -m benchmarks.pipelines.enforcement``. Each combination is a pipeline of three stages in a repository of
its own: one measures, the gates judge, one deploys by making a file. What must happen is written down here and not
asked of the package. Exits 1 where a deployment happened that must not, or did not that must.
"""

from __future__ import annotations

import operator
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path
from typing import NamedTuple

from cipredict.decide.gating.definition import Action, Comparison
from cipredict.local_runner import LocalExecution
from cipredict.pipeline import PipelineManager
from cipredict.render.plain import plain_table

THRESHOLD = 10.0
MEASURED: tuple[float | None, ...] = (9.0, 10.0, 11.0, None)
"""Below, at and above the threshold, and nothing at all."""
HOLDS: dict[str, Callable[[float, float], bool]] = {
    "less_than": operator.lt,
    "less_than_or_equal": operator.le,
    "greater_than": operator.gt,
    "greater_than_or_equal": operator.ge,
    "equal": operator.eq,
    "not_equal": operator.ne,
}


class Trial(NamedTuple):
    """One pipeline: what its gate says, what is measured, and whether it may deploy."""

    action: str
    comparison: str
    measured: float | None

    @property
    def may_deploy(self) -> bool:
        """A warning lets on what was measured; nobody approves here; a pipeline that measured nothing does not pass."""
        if self.measured is None:
            return False
        return HOLDS[self.comparison](self.measured, THRESHOLD) or self.action == "warn"


def trials() -> Iterator[Trial]:
    """Give every combination that the package knows; a new one without an entry above is a KeyError."""
    for action, comparison, measured in product(Action, Comparison, MEASURED):
        yield Trial(action.value, comparison.value, measured)


def run_trial(trial: Trial) -> tuple[bool, LocalExecution]:
    """Run a trial's pipeline; tell whether it deployed."""
    with tempfile.TemporaryDirectory(prefix="cipredict-gates-") as name:
        folder = Path(name)
        _make_repository(folder)
        pipeline = PipelineManager(folder)
        written = "" if trial.measured is None else f'{{"speed": {trial.measured}}}'
        measure = f"mkdir -p .cipredict/gates; printf '%s' '{written}' > .cipredict/gates/speed.json"
        pipeline.add_stage("measure", {"run": measure if written else "true"})
        gate: dict[str, object] = {"metric": "speed", "threshold": THRESHOLD, "comparison": trial.comparison}
        approvers = {"approvers": ["somebody"]} if trial.action == "require_approval" else {}
        pipeline.set_quality_gates({"speed": {**gate, "action": trial.action, **approvers}})
        pipeline.configure_deployment({"strategy": "rolling", "command": "touch deployed", "approval": False})
        execution = pipeline.execute()
        assert isinstance(execution, LocalExecution)
        return (folder / "deployed").exists(), execution


def _make_repository(folder: Path) -> None:
    (folder / "pipeline.toml").write_text('name = "gates"\n[stages.build]\nrun = "true"\n')
    git = ["git", "-c", "user.name=me", "-c", "user.email=me@example.com"]
    for command in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "-m", "Begin"]):
        subprocess.run([*git, *command], cwd=folder, check=True, capture_output=True)


def enforced() -> tuple[int, int, list[str]]:
    """Give how many trials did as they must, of how many, and those that did not."""
    every = list(trials())
    with ThreadPoolExecutor(2) as threads:
        outcomes = list(threads.map(run_trial, every))
    wrong = [
        f"{trial}: deployed={deployed}, gates_passed={execution.gates_passed}, {execution.status}"
        for trial, (deployed, execution) in zip(every, outcomes, strict=True)
        if not deployed == trial.may_deploy == execution.gates_passed == (execution.status == "success")
    ]
    return len(every) - len(wrong), len(every), wrong


def main() -> int:
    kept, count, wrong = enforced()
    blocked = sum(not trial.may_deploy for trial in trials())
    print(plain_table("Gates", ("pipelines", "must stop", "as they must"), [(str(count), str(blocked), str(kept))]))
    print("\n".join(wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
