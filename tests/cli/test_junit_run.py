"""What the reports of one run say about the run: when it was, and which run it is where no CI says so."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

pytest.importorskip("lxml", reason="the store extra is not installed")

from cipredict.cli.junit_run import local_id, run_of_reports  # after the skips
from cipredict.ingest.interface import Report
from cipredict.records import JobRecord, ReportStatus, Result, RunKey, RunRecord

pytestmark = pytest.mark.learn
NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)


def at(seconds: float) -> datetime:
    """Give a moment so long after (or before) now."""
    return NOW + timedelta(seconds=seconds)


def read(
    cases_s: float, started_at: datetime | None = None, ended_at: datetime | None = None, failed: int = 0
) -> Report:
    return Report(
        "r.xml",
        ReportStatus.VALID,
        cases=2,
        failed=failed,
        cases_s=cases_s,
        started_at=started_at,
        ended_at=ended_at,
    )


@pytest.mark.parametrize(
    ("reports", "span"),
    [
        pytest.param([read(10, at(-60))], (-60, -50), id="a report without its wall time"),
        pytest.param([read(900, at(-60), at(-30))], (-60, -30), id="xdist, whose suite knows its wall time"),
        pytest.param([read(900, at(-60))], (-60, 0), id="cases beside each other never end after now"),
        pytest.param([read(50, at(-90)), read(40, at(-60))], (-90, -20), id="shards are not added up"),
        pytest.param([read(10, at(-90), at(-40)), read(5)], (-90, -40), id="a shard that tells no time"),
        pytest.param([read(10), read(20)], (-30, 0), id="no times at all"),
        pytest.param([read(10, at(7200), at(7260))], (-10, 0), id="local times of a zone before UTC"),
    ],
)
def test_a_run_spans_its_reports_and_never_ends_after_now(reports: list[Report], span: tuple[float, float]) -> None:
    key = RunKey("local", "me/it", "1")
    run, job = run_of_reports(reports, RunRecord(key, NOW), JobRecord(key, "", "tests"), now=NOW)

    assert (at(span[0]), at(span[1])) == (run.started_at, run.finished_at)
    assert (run.started_at, run.finished_at, run.result) == (job.started_at, job.finished_at, job.result)


@pytest.mark.parametrize(("failed", "result"), [(0, Result.SUCCESS), (1, Result.FAILURE)])
def test_a_run_fails_if_a_case_did(failed: int, result: Result) -> None:
    key = RunKey("local", "me/it", "1")
    run, _ = run_of_reports([read(1), read(1, failed=failed)], RunRecord(key, NOW), JobRecord(key, "", ""), now=NOW)
    assert result is run.result


def test_a_rewritten_report_is_another_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    report = tmp_path / "reports" / "good.xml"
    report.parent.mkdir()
    report.write_text("<testsuites/>")
    ways = ["reports/good.xml", "./reports/good.xml", str(report), "reports", "reports/*.xml"]

    before = {local_id([way], (".xml",), now=NOW) for way in ways}
    os.utime(report, ns=(1, 1))
    after = {local_id([way], (".xml",), now=NOW) for way in ways}

    assert [1, 1, 2] == [len(before), len(after), len(before | after)]


def test_what_comes_through_a_pipe_is_a_run_of_its_time() -> None:
    ids = [local_id(["-"], (".xml",), now=now) for now in (NOW, NOW, at(1))]
    assert (ids[0], 2) == (ids[1], len(set(ids)))
