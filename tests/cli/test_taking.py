"""What an ingest survives: a kill, a rival, a full disk. `benchmarks/ingest/faults.py` does the same at length."""

from __future__ import annotations

import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytest.importorskip("duckdb", reason="the store extra is not installed")
pytest.importorskip("pyarrow", reason="the store extra is not installed")
pytest.importorskip("lxml", reason="the store extra is not installed")

from cipredict.cli.taking import take_in  # after the skips
from cipredict.ingest.interface import Report
from cipredict.records import CaseBatch, CaseRun, ReportStatus, RunKey, Verdict
from cipredict.store.database import open_store

pytestmark = pytest.mark.learn

INGEST = "from cipredict.cli.app import main; import sys; sys.exit(main(sys.argv[1:]))"
TELLING = """
import sys
from cipredict.cli import storing
store = storing.store_chunk
def telling(chunk, path, tally):
    store(chunk, path, tally)
    print(len(tally.reports), flush=True)  # what the progress bar shows next
storing.store_chunk = telling
from cipredict.cli.app import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture
def _reports(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        for number in range(20):
            rows = "".join(
                f"<testcase classname='tests.test_{folder}' name='n{n}' time='1'/>" for n in range(number + 1)
            )
            content = f"<testsuite name='pytest' timestamp='2026-11-01T00:00:00'>{rows}</testsuite>"
            (tmp_path / folder / f"{number:02}.xml").write_text(content)


def start(
    folder: Path, *paths: str, store: str = "s.duckdb", script: str = INGEST, before: Callable[[], None] | None = None
) -> subprocess.Popen[str]:
    run = ["--repository", "me/it", "--run-id", "1", "--store", store]
    command = [sys.executable, "-c", script, "ingest", "junit", *paths, *run]
    return subprocess.Popen(
        command,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=before,  # noqa: PLW1509
    )


def stored(path: Path) -> list[tuple[str, int, int]]:
    """Give every report with the cases that it shall have and those that it has."""
    with open_store(path, read_only=True) as store:
        return store.connection.execute(
            "select source, cases, (select count(*) from case_runs where case_runs.batch_seq = batches.batch_seq)"
            " from batches order by source"
        ).fetchall()


WHOLE = [(f"{folder}/{number:02}.xml", number + 1, number + 1) for folder in "ab" for number in range(20)]


@pytest.mark.usefixtures("_reports")
def test_a_kill_costs_nothing_that_was_shown_as_done(tmp_path: Path) -> None:
    shown = 15
    with start(tmp_path, "a", "b", script=TELLING) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if int(line) >= shown:
                process.kill()
                break
        told = max([shown, *map(int, process.stdout.read().split())])
    survived = stored(tmp_path / "s.duckdb")
    assert told <= len(survived)
    assert WHOLE[: len(survived)] == survived
    start(tmp_path, "a", "b").communicate()
    assert WHOLE == stored(tmp_path / "s.duckdb")


@pytest.mark.usefixtures("_reports")
@pytest.mark.parametrize("second", ["b", "a"], ids=["different files", "the same files"])
def test_two_at_once_both_complete(tmp_path: Path, second: str) -> None:
    both = [start(tmp_path, "a"), start(tmp_path, second)]
    said = [process.communicate()[1] for process in both]
    assert [0, 0] == [process.returncode for process in both], said
    assert [row for row in WHOLE if row[0][0] in {"a", second}] == stored(tmp_path / "s.duckdb")


@pytest.mark.usefixtures("_reports")
def test_a_full_disk_is_one_clear_line_and_costs_nothing(tmp_path: Path) -> None:
    start(tmp_path, "a").communicate()
    path = tmp_path / "s.duckdb"
    size_bytes = path.stat().st_size

    def fill_disk() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # writing further is an error then, as on a full disk
        resource.setrlimit(resource.RLIMIT_FSIZE, (min(4096, size_bytes), resource.RLIM_INFINITY))

    process = start(tmp_path, "b", before=fill_disk)
    _, said = process.communicate()
    last = said.strip().splitlines()[-1]
    assert (2, True) == (process.returncode, last.startswith("cipredict: Cannot use the history")), said
    assert "Traceback" not in said
    survived = stored(path)
    assert 20 <= len(survived) < len(WHOLE)
    assert WHOLE[: len(survived)] == survived
    start(tmp_path, "b").communicate()
    assert WHOLE == stored(path)


def test_a_report_is_stored_before_the_next_one_is_read(tmp_path: Path) -> None:
    path = tmp_path / "s.duckdb"

    def items() -> Iterator[CaseBatch | Report]:
        for number in range(3):
            if number:
                assert [f"{n}.xml" for n in range(number)] == [source for source, _, _ in stored(path)]
            case = CaseRun(f"t::{number}", Verdict.PASSED, 1.0)
            yield CaseBatch(RunKey("l", "r", "1"), f"{number}.xml", (case,))
            yield Report(f"{number}.xml", ReportStatus.VALID, cases=1)

    assert 3 == take_in(items(), path).cases
    assert [(f"{n}.xml", 1, 1) for n in range(3)] == stored(path)
