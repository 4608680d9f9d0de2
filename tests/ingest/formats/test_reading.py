"""Cases into batches and one report: parts, attempts, classes."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import BinaryIO

import pytest

from cipredict.ingest import tally
from cipredict.ingest.formats.interface import Findings
from cipredict.ingest.formats.reading import DecodedReader
from cipredict.ingest.interface import Report
from cipredict.records import CaseBatch, CaseRun, ReportStatus, RunKey, Verdict

KEY = RunKey("local", "shop", "1")


def read(*cases: CaseRun, problem: str = "", breaks: bool = False) -> tuple[list[CaseBatch], Report]:
    def decode(stream: BinaryIO, findings: Findings) -> Iterator[CaseRun]:
        stream.read(5)
        findings.problems += [problem] if problem else []
        yield from cases
        if breaks:
            raise EOFError("cut")

    reader = DecodedReader(decode, "made up")
    *batches, report = reader(io.BytesIO(b"12345678"), source="a.json", key=KEY, job_id="tests")
    assert isinstance(report, Report)
    return [batch for batch in batches if isinstance(batch, CaseBatch)], report


def passed(case_id: str, seconds: float | None = 1.0) -> CaseRun:
    return CaseRun(case_id, Verdict.PASSED, seconds)


def test_a_report_is_one_batch_with_its_sums() -> None:
    batches, report = read(passed("a"), CaseRun("b", Verdict.ERROR, None), CaseRun("c", Verdict.SKIPPED, None))
    assert [("a.json", "tests", KEY, 3)] == [(b.source, b.job_id, b.key, len(b.cases)) for b in batches]
    assert (ReportStatus.VALID, "made up", 3, 3, 1, 1, 1.0, 5) == (
        report.status, report.dialect, report.entries, report.cases, report.failed, report.skipped, report.cases_s,
        report.size_bytes,
    )  # fmt: skip


def test_a_huge_report_comes_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tally, "PART_CASES", 10)
    batches, report = read(*(passed(f"case {number}") for number in range(35)))
    assert [("a.json", 1), ("a.json", 2), ("a.json", 3)] == [(batch.source, batch.part) for batch in batches]
    names = [case.case_id for batch in batches for case in batch.cases]
    assert [f"case {number}" for number in range(35)] == names
    assert (35, 35.0) == (report.cases, report.cases_s)


def test_entries_that_disagree_make_a_case_flaky() -> None:
    batches, report = read(CaseRun("a", Verdict.FAILED, 3.0), passed("a"))
    assert (CaseRun("a", Verdict.PASSED, 1.0, 2, is_flaky=True),) == batches[0].cases
    assert (2, 1, 1) == (report.entries, report.cases, report.flaky)


@pytest.mark.parametrize(
    ("cases", "problem", "status"),
    [
        pytest.param([passed("a")], "", ReportStatus.VALID, id="fine"),
        pytest.param([passed("a", None)], "", ReportStatus.SUBOPTIMAL, id="no time"),
        pytest.param([passed("a")], "odd", ReportStatus.SUBOPTIMAL, id="a problem"),
        pytest.param([], "", ReportStatus.SUBOPTIMAL, id="no cases"),
        pytest.param([], "odd", ReportStatus.INVALID, id="a problem and no cases"),
    ],
)
def test_a_report_is_classed(cases: list[CaseRun], problem: str, status: ReportStatus) -> None:
    _, report = read(*cases, problem=problem)
    assert status is report.status
    assert (status is ReportStatus.VALID) == (report.problems == ())


def test_a_stream_that_breaks_keeps_what_was_read() -> None:
    batches, report = read(passed("a"), breaks=True)
    assert [1] == [len(batch.cases) for batch in batches]
    assert ("unreadable after 5 bytes (cut)",) == report.problems


def test_entries_without_a_name_or_outcome_are_counted() -> None:
    findings = Findings()
    assert [[], [], [passed("a")]] == [
        findings.case("", Verdict.PASSED, 1.0),
        findings.case("a", None, 1.0),
        findings.case("a", Verdict.PASSED, 1.0),
    ]
    assert (1, 1) == (findings.unnamed, findings.unjudged)
