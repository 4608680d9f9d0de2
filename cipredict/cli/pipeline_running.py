"""`pipeline run` and `approve`: the stages of a pipeline as processes here, told as they go."""

from __future__ import annotations

import getpass
import json
import os
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from cipredict.act.cluster.executor import Cluster, open_cluster
from cipredict.act.stages.approvals import Decision, answer
from cipredict.act.stages.interface import Outcome, RunFolder, StageResult
from cipredict.act.stages.runner import Listener
from cipredict.cli.options import load_settings
from cipredict.cli.outputs import run_key, warn
from cipredict.cli.pipeline_planning import choose, load_pipeline, stage_history
from cipredict.errors import EXIT_VERDICT_NO, UsageError
from cipredict.events import append_event
from cipredict.local_runner import RUNS, LocalExecution, LocalRunner
from cipredict.pipeline import PipelineManager

EXECUTORS = ("local", "dask")
_WORDS = {
    Outcome.SUCCESS: "ok",
    Outcome.SKIPPED: "skipped",
    Outcome.FAILURE: "FAILED",
    Outcome.TIMEOUT: "TIMED OUT",
    Outcome.BLOCKED: "BLOCKED",
    Outcome.DENIED: "DENIED",
    Outcome.CANCELLED: "not run",
}


def run_pipeline(
    source: Path | None,
    *,
    commit: str,
    base: str | None,
    changed: tuple[str, ...],
    everything: bool,
    max_parallel: int | None,
    resume: str | None,
    quiet: bool,
    forecast: Path | None,
    events: Path | None,
    cluster: Cluster | None = None,
) -> int:
    """Run a pipeline and say what became of it: exit 0 where it is green."""
    settings = load_settings(forecast=forecast, events=events)
    pipeline = load_pipeline(source, max_parallel=max_parallel)
    skip = {}
    if not everything:
        choices = choose(pipeline, settings, base=base, changed=changed, selection=None)
        skip = {choice.stage.name: choice.reason for choice in choices if not choice.runs}
    run_id = _latest() if resume == "" else resume or ""
    runner = LocalRunner(
        run_id=run_id,
        resume=resume is not None,
        slots=max_parallel or 0,
        skip=skip,
        listener=_listener(quiet=quiet),
        tell=warn,
        cluster=cluster,
    )
    manager = PipelineManager(None, history=stage_history(settings), runner=runner)
    manager.use(pipeline)
    execution = manager.execute(commit)
    assert isinstance(execution, LocalExecution)  # noqa: S101  # of our own runner
    document = to_document(execution)
    sys.stdout.write(json.dumps(document, indent=2) + "\n")
    try:
        body = json.dumps(document)
        append_event(settings.events, "pipeline-run", datetime.now(UTC), run=run_key(), body=body)
    except OSError as error:
        warn(f"The run is not remembered: {error.strerror}.")
    return 0 if execution.status == "success" else EXIT_VERDICT_NO


@contextmanager
def open_executor(name: str, *, scheduler: str | None, workers: int | None) -> Iterator[Cluster | None]:
    """Give the cluster that runs the stages, None for this machine; one of our own ends with the block."""
    if name not in EXECUTORS:
        raise UsageError(f"Unknown executor '{name}': choose from {', '.join(EXECUTORS)}.", slug="unknown-executor")
    if name == "local" and scheduler is not None:
        raise UsageError("--dask-scheduler needs --executor dask.", slug="unknown-executor")
    if name == "local":
        yield None
        return
    with open_cluster(scheduler, workers=workers or os.cpu_count() or 1) as cluster:
        yield cluster


def to_document(execution: LocalExecution) -> dict[str, object]:
    """Give a run as JSON values; seconds. `efficiency` is the share of the slots' time that jobs used."""
    capacity_s = execution.duration * execution.slots
    return {
        "run": execution.run_id,
        "status": execution.status,
        "duration_s": round(execution.duration, 3),
        "busy_s": round(execution.busy_s, 3),
        "efficiency": round(execution.busy_s / capacity_s, 3) if capacity_s else None,
        "gates_passed": execution.gates_passed,
        "jobs": [
            {key: value for key, value in asdict(result).items() if key != "artifacts"}
            | {"artifacts": [artifact.path for artifact in result.artifacts]}
            for result in execution.results
        ],
    }


def decide_approval(run: str, stage: str, *, by: str, reason: str, is_approved: bool) -> None:
    """Answer a stage that waits; the first answer counts."""
    papers = RUNS / (run or _latest())
    if not papers.is_dir():
        raise UsageError(f"There is no run {papers}.", slug="run-unknown")
    path = RunFolder(papers.absolute(), Path()).approval(f"approve {stage}")
    answer(path, Decision(by or getpass.getuser(), is_approved=is_approved, reason=reason))


def _latest() -> str:
    runs: Sequence[str] = sorted(path.parent.name for path in RUNS.glob("*/journal.jsonl"))
    if not runs:
        raise UsageError(f"There is no run in {RUNS} to go on with.", slug="run-unknown")
    return runs[-1]


def _listener(*, quiet: bool) -> Listener:
    """Tell on stderr, line by line; jobs print at the same time."""
    lock = threading.Lock()

    def write(line: str) -> None:
        with lock:
            sys.stderr.write(line + "\n")

    def finished(result: StageResult) -> None:
        how = f" in {result.duration_s:.1f} s" if result.attempts else ""
        why = f": {result.reason}" if result.reason else ""
        again = " (of an earlier run)" if result.is_reused else ""
        write(f"{_WORDS[result.outcome]:>9}  {result.stage}{how}{again}{why}")

    return Listener(
        started=lambda stage: write(f"{'start':>9}  {stage}"),
        printed=(lambda _, __: None) if quiet else (lambda stage, line: write(f"{stage} | {line}")),
        finished=finished,
    )
