"""Reports read in worker processes: the same in the same order, whatever becomes of a worker."""

from __future__ import annotations

import io
import os
import signal
from collections.abc import Iterable, Iterator
from typing import BinaryIO

import pytest

from cipredict.ingest.interface import Report, invalid_report
from cipredict.records import CaseBatch, ReportStatus, RunKey

pytest.importorskip("lxml", reason="needs lxml (pip install 'cipredict[store]')")

from cipredict.ingest import workers  # after the skip
from cipredict.ingest.junit import read_junit
from cipredict.ingest.workers import Task, default_jobs, read_reports

pytestmark = pytest.mark.learn

KEY = RunKey("local", "shop", "1")


def report_of(cases: int, first: int = 0) -> bytes:
    rows = "".join(
        f"<testcase classname='tests.test_a' name='n{first + number}' time='0.5'>"
        f"{'<failure/>' if number % 7 == 0 else ''}</testcase>"
        for number in range(cases)
    )
    return f"<testsuites><testsuite name='pytest'>{rows}</testsuite></testsuites>".encode()


def tasks(*contents: bytes) -> Iterator[Task | Report]:
    for number, content in enumerate(contents):
        yield Task(f"{number}.xml", io.BytesIO(content), KEY, job_id="unit")


def everything(
    items: Iterable[Task | Report],
    *,
    jobs: int,
    known_files: frozenset[str] = frozenset(),
    read: workers.Reader = read_junit,
) -> list[CaseBatch | Report]:
    every = read_reports(items, jobs=jobs, known_files=known_files, read=read)
    return [item for _, given in every for item in given]


@pytest.fixture
def _eager(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "WORTH_BYTES", 1)
    monkeypatch.setattr(workers, "HELD_BYTES", 100_000)


CONTENTS = (report_of(5), b"", b"<broken", report_of(300), b"no XML", *(report_of(20, first) for first in range(12)))


@pytest.mark.usefixtures("_eager")
def test_workers_give_what_one_process_gives() -> None:
    files = frozenset({"tests/test_a.py"})
    alone = everything(tasks(*CONTENTS), jobs=1, known_files=files)
    assert alone == everything(tasks(*CONTENTS), jobs=2, known_files=files)


@pytest.mark.usefixtures("_eager")
def test_reports_among_the_tasks_and_huge_ones_keep_their_place() -> None:
    def mixed() -> Iterator[Task | Report]:
        first, huge, last = tasks(report_of(3), report_of(5_000), report_of(4))
        yield from (first, invalid_report("archive.zip", "damaged"), huge, last)

    given = [item for item in everything(mixed(), jobs=2) if isinstance(item, Report)]
    assert [("0.xml", 3), ("archive.zip", 0), ("1.xml", 5_000), ("2.xml", 4)] == [
        (report.source, report.cases) for report in given
    ]


@pytest.mark.usefixtures("_eager")
def test_a_stream_that_breaks_keeps_what_was_read() -> None:
    class Breaking(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            data = super().read(size)
            if not data:
                raise EOFError("cut")
            return data

    def broken() -> Iterator[Task]:
        yield Task("cut.xml", Breaking(report_of(50)), KEY)

    *_, report = everything(broken(), jobs=2)
    assert isinstance(report, Report)
    assert (50, ReportStatus.SUBOPTIMAL) == (report.cases, report.status)
    assert "(cut)" in report.problems[-1]


def test_few_small_reports_start_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "ProcessPoolExecutor", None)
    assert 2 == len([item for item in everything(tasks(b"", report_of(3)), jobs=4) if isinstance(item, Report)])


def read_or_die(
    stream: BinaryIO, *, source: str, key: RunKey, job_id: str, known_files: frozenset[str]
) -> Iterator[CaseBatch | Report]:
    content = stream.read()
    if b"deadly" in content:
        os.kill(os.getpid(), signal.SIGKILL)
    yield from read_junit(io.BytesIO(content), source=source, key=key, job_id=job_id, known_files=known_files)


@pytest.mark.usefixtures("_eager")
def test_a_worker_that_dies_costs_the_report_it_was_reading() -> None:
    contents = [report_of(10, first) for first in range(8)]
    contents[3] = b"<deadly/>"
    given = [item for item in everything(tasks(*contents), jobs=2, read=read_or_die) if isinstance(item, Report)]
    assert [f"{number}.xml" for number in range(8)] == [report.source for report in given]
    assert ["3.xml"] == [report.source for report in given if report.status is ReportStatus.INVALID]
    assert "ended the worker process" in given[3].problems[0]
    assert [10] * 7 == [report.cases for report in given if report.status is ReportStatus.VALID]


def test_at_most_four_processes_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(64)), raising=False)
    assert 4 == default_jobs()
