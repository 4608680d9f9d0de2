"""The suite of this repository as a pipeline of the local runner: planned, sharded with the plugin, scored, gated.

`run_alone` and `run_sharded` run it and read the reports back; `plan` and `score` are what two of its stages call::

    lint
    plan -> unit 1/N, 2/N, … -> score -> quality-gates
    history (the bundled one, into a store of its own)
"""

from __future__ import annotations

import json
import shlex
import shutil
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from cipredict.decide.division import ShardOptions
from cipredict.decide.shard import plan_even_split, plan_shards
from cipredict.forecast.interface import Basis, DurationForecast
from cipredict.local_runner import LocalExecution, LocalRunner
from cipredict.pipeline import PipelineManager
from cipredict.plans.document import MadeFrom, write_plan
from cipredict.plans.pipeline_model import Pipeline, Stage
from cipredict.plans.shard_plan import ShardPlan

PAPERS = Path(".cipredict/acceptance")
TAIL_SHARE = 0.15
_PYTHON = shlex.quote(sys.executable)
_OURS = f"{_PYTHON} -m benchmarks.pipelines.sharded_suite"
Seconds = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class SuiteRun:
    """What a run of the suite took.

    Attributes
    ----------
    seconds : of every case, all phases
    sessions_s : wall seconds of each pytest process
    cpu_s : seconds that each of them and its children computed, which other people's load does not change
    wall_s : from the first process's start to the last one's end
    """

    execution: LocalExecution
    seconds: Seconds
    sessions_s: Sequence[float]
    cpu_s: Sequence[float]
    wall_s: float

    @property
    def overhead_s(self) -> float:
        """Give what a process costs beside its cases: Python, imports, collection."""
        return max(0.0, sum(self.sessions_s) - sum(self.seconds.values())) / len(self.sessions_s)


def run_alone(tests: Sequence[str]) -> SuiteRun:
    """Run the suite in one process, as a pipeline of one stage."""
    _clean()
    pipeline = Pipeline("alone", (Stage("unit", run=_pytest(tests), env={"SHARD": "1"}),))
    return _run(pipeline, slots=1)


def run_sharded(tests: Sequence[str], *, shards: int, past: Seconds, beside: bool) -> SuiteRun:
    """Run it in shards at once; without past seconds they are dealt out evenly, and the queue balances them.

    `beside` adds the stages that compete with them for the processors.
    """
    _clean()
    (PAPERS / "past.json").write_text(json.dumps(past), encoding="utf-8")
    follow = f"--cipredict-plan {PAPERS}/plan.json --cipredict-shard $SHARD/$SHARDS"
    follow += f" --cipredict-queue dir:{PAPERS}/queue --cipredict-build acceptance"
    store = f"CIPREDICT_STORE={PAPERS}/history.duckdb"
    others = (
        Stage("lint", run="ruff check cipredict", expected_s=5),
        Stage("history", run=f"{store} {_PYTHON} -m cipredict ingest history data/sqlparse-ci", expected_s=60),
    )
    stages = (
        *(others if beside else ()),
        Stage("plan", run=f"{_OURS} plan {shards} {shlex.join(tests)}"),
        Stage("unit", run=_pytest(tests, follow), needs=("plan",), shards=shards, expected_s=300),
        Stage("score", run=f"{_OURS} score", needs=("unit",)),
    )
    nothing_failed = {"metric": "failed_cases", "threshold": 0, "comparison": "less_than_or_equal"}
    gates: dict[str, object] = {"failed_cases": nothing_failed}
    return _run(Pipeline("sharded", stages, gates=gates), slots=shards)


def plan_of(seconds: Seconds, shards: int, *, tail_share: float = 0.0) -> ShardPlan:
    """Plan by what cases took last time."""
    cases = [DurationForecast(case, value, value / 2, value * 2, Basis.HISTORY, 1) for case, value in seconds.items()]
    return plan_shards(cases, shards, made_from=MadeFrom("benchmark"), options=ShardOptions(tail_share=tail_share))


def _pytest(tests: Sequence[str], follow: str = "") -> str:
    """Give the commands of a process; the shell's `times` tells what it and its children computed."""
    options = f"--cipredict-report {PAPERS}/report-$SHARD.jsonl {follow}"
    command = f"{_PYTHON} -m pytest -q -p no:cacheprovider {shlex.join(tests)} {options}"
    return f"code=0; {command} || code=$?; times > {PAPERS}/times-$SHARD; exit $code"


def _clean() -> None:
    shutil.rmtree(PAPERS, ignore_errors=True)
    PAPERS.mkdir(parents=True)
    shutil.rmtree(".cipredict/gates", ignore_errors=True)


def _run(pipeline: Pipeline, *, slots: int) -> SuiteRun:
    manager = PipelineManager(None, runner=LocalRunner(slots=slots))
    manager.use(pipeline)
    execution = manager.execute()
    assert isinstance(execution, LocalExecution)
    sessions = [result.duration_s for result in execution.results if result.stage.startswith("unit")]
    cpu = [_read_times(path) for path in sorted(PAPERS.glob("times-*"))]
    return SuiteRun(execution, _read_seconds(), sessions, cpu, max(sessions, default=0.0))


def _read_times(path: Path) -> float:
    """Add up what `times` printed: minutes and seconds, of the shell and of its children, as `0m1.20s 0m0.30s`."""
    parts = [word.rstrip("s").split("m") for word in path.read_text(encoding="ascii").split()]
    return sum(60 * int(minutes) + float(seconds) for minutes, seconds in parts)


def _read_reports() -> Iterator[dict[str, object]]:
    for path in sorted(PAPERS.glob("report-*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            yield json.loads(line)


def _read_seconds() -> Seconds:
    seconds: Counter[str] = Counter()
    for line in _read_reports():
        if line["$report_type"] == "TestReport":
            seconds[str(line["nodeid"])] += line["duration"]  # type: ignore[assignment]  # seconds are no whole numbers
    return dict(seconds)


def _plan(shards: int, tests: Sequence[str]) -> None:
    """Plan what pytest collects: known cases by their seconds, new ones by the median."""
    from cipredict.act.collect import collect_cases  # noqa: PLC0415  # only this stage starts pytest to ask

    past: Seconds = json.loads((PAPERS / "past.json").read_text(encoding="utf-8"))
    cases = collect_cases(tests).candidates
    if past:
        usual_s = median(past.values())
        made = plan_of({case: past.get(case, usual_s) for case in cases}, shards, tail_share=TAIL_SHARE)
    else:
        made_from, options = MadeFrom("benchmark"), ShardOptions(tail_share=TAIL_SHARE)
        made = plan_even_split(cases, shards, reason="first run", made_from=made_from, options=options)
    write_plan(PAPERS / "plan.json", made.to_document())


def _score() -> None:
    """Count the failures for the gate."""
    outcomes = Counter(line["outcome"] for line in _read_reports() if line["$report_type"] == "TestReport")
    folder = Path(".cipredict/gates")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "suite.json").write_text(json.dumps({"failed_cases": outcomes["failed"]}), encoding="utf-8")


if __name__ == "__main__":
    if sys.argv[1] == "plan":
        _plan(int(sys.argv[2]), sys.argv[3:])
    else:
        _score()
