"""`go test -json`: packages that interleave, repeat, break off or only build."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from cipredict.ingest.interface import Report
from cipredict.records import CaseRun, ReportStatus, Verdict

pytestmark = pytest.mark.learn

ReadReport = Callable[..., tuple[dict[str, CaseRun], Report]]


def events(*found: tuple[str, str, str, float]) -> str:
    lines = ({"Action": action, "Package": package, "Test": test, "Elapsed": s} for action, package, test, s in found)
    return "\n".join(json.dumps({key: value for key, value in line.items() if value != ""}) for line in lines) + "\n"


def test_packages_may_interleave(read_any: ReadReport) -> None:
    cases, report = read_any(
        events(("run", "a", "TestX", 0), ("run", "b", "TestX", 0), ("pass", "b", "TestX", 2), ("pass", "b", "", 2))
        + events(("fail", "a", "TestX", 1), ("fail", "a", "", 1))
    )
    assert {"a::TestX": (Verdict.FAILED, 1.0), "b::TestX": (Verdict.PASSED, 2.0)} == {
        name: (case.verdict, case.duration_s) for name, case in cases.items()
    }
    assert ReportStatus.VALID is report.status


def test_a_repeated_test_that_disagrees_is_flaky(read_any: ReadReport) -> None:
    cases, _ = read_any(events(("fail", "a", "TestX", 1), ("pass", "a", "TestX", 2), ("fail", "a", "", 3)))
    assert CaseRun("a::TestX", Verdict.PASSED, 2.0, 2, is_flaky=True) == cases["a::TestX"]


def test_a_package_that_fails_without_a_failing_test_is_a_case(read_any: ReadReport) -> None:
    cases, _ = read_any(events(("pass", "a", "TestX", 1), ("fail", "a", "", 3)))
    assert {"a::TestX": Verdict.PASSED, "a::TestMain": Verdict.FAILED} == {
        name: case.verdict for name, case in cases.items()
    }


def test_a_run_that_breaks_off_keeps_what_ended(read_any: ReadReport) -> None:
    cases, report = read_any(events(("run", "a", "TestX", 0), ("pass", "a", "TestX", 1), ("run", "a", "TestY", 0)))
    assert ["a::TestX"] == list(cases)
    assert ("1 packages that did not end",) == report.problems


def test_packages_without_tests_are_no_cases(read_any: ReadReport) -> None:
    cases, report = read_any(events(("start", "a", "", 0), ("skip", "a", "", 0), ("start", "b", "", 0)))
    assert ({}, ("holds no cases",)) == (cases, report.problems)
