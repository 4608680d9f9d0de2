from __future__ import annotations

import resource
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cipredict.act.stages.interface import Artifact, Outcome, StageResult
from cipredict.act.stages.journal import Journal, read_journal
from cipredict.errors import UsageError

NOW = datetime(2026, 11, 25, tzinfo=UTC)
RESULT = StageResult(
    "a", Outcome.SUCCESS, "left 1 processes running", 0, 2, 1.5, "f" * 64, (Artifact("dist/a", "0" * 64, 7),)
)


def written(path: Path, *results: StageResult) -> Path:
    journal = Journal(path, now=lambda: NOW)
    journal.write("run-started", cookie="c1", stages=["a"])
    for result in results:
        journal.finish_stage(result)
    journal.close()
    return path


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    account = read_journal(written(tmp_path / "journal.jsonl", RESULT))
    assert ({"a": RESULT}, ("c1",), 0) == (account.finished, account.cookies, account.damaged)


def test_the_last_result_of_a_stage_counts(tmp_path: Path) -> None:
    failed = StageResult("a", Outcome.FAILURE, "sh exited with 1", 1, 1, 0.5)
    assert {"a": RESULT} == read_journal(written(tmp_path / "journal.jsonl", failed, RESULT)).finished


@pytest.mark.parametrize("kept", range(0, 120, 7))
def test_a_torn_last_line_costs_nothing_else(tmp_path: Path, kept: int) -> None:
    """Whatever a kill left of it, also for those who write on."""
    path = written(tmp_path / "journal.jsonl", RESULT)
    whole = path.read_bytes()
    path.write_bytes(
        whole + b'{"event":"stage-finished","at":"2026-11-25T00:00:00+00:00","stage":"b","outcome":"succ'[:kept]
    )
    assert {"a": RESULT} == read_journal(path).finished
    other = StageResult("c", Outcome.SKIPPED, "no page changed")
    assert {"a": RESULT, "c": other} == read_journal(written(path, other)).finished


def test_no_journal_is_an_empty_account(tmp_path: Path) -> None:
    account = read_journal(tmp_path / "missing.jsonl")
    assert ({}, (), False) == (account.finished, account.cookies, account.is_finished)


def test_a_second_runner_is_kept_out(tmp_path: Path) -> None:
    first = Journal(tmp_path / "journal.jsonl", now=lambda: NOW)
    with pytest.raises(UsageError, match="still going on"):
        Journal(tmp_path / "journal.jsonl", now=lambda: NOW)
    first.close()
    Journal(tmp_path / "journal.jsonl", now=lambda: NOW).close()


FULL = """
import sys
from pathlib import Path
from cipredict.act.stages.interface import Limits, RunFolder, Stage
from cipredict.act.stages.journal import JournalBroken
from cipredict.act.stages.runner import run_stages
folder = Path(sys.argv[1])
stages = [Stage(f"s{n}", (("sleep", "0.02"),), inputs=()) for n in range(50)]
stages.append(Stage("long", (("sleep", "60"),)))
try:
    run_stages(stages, RunFolder(folder / "runs" / "1", folder), limits=Limits({"slots": 2}), tree_id="")
except JournalBroken as error:
    print(error)
"""


def test_a_full_disk_stops_the_run_with_one_clear_line_and_no_process_left(tmp_path: Path) -> None:
    def fill() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # writing further is an error then, as on a full disk
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))

    done = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path)],
        capture_output=True,
        text=True,
        preexec_fn=fill,  # nothing else runs in this process
        timeout=30,
        check=True,
    )
    assert "journal.jsonl: File too large; the run was stopped. [run-journal]" in done.stdout, done.stderr
    assert "" == done.stderr
