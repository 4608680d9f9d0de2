"""CTRF: the id that each tool's own formats give, attempts, and statuses."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from cipredict.ingest.interface import Report
from cipredict.records import CaseRun, ReportStatus, Verdict

pytestmark = pytest.mark.learn

ReadReport = Callable[..., tuple[dict[str, CaseRun], Report]]


def ctrf(*tests: dict[str, object], tool: str = "any") -> str:
    filled = [{"name": "adds", "status": "passed", "duration": 1, **test} for test in tests]
    return json.dumps({"reportFormat": "CTRF", "results": {"tool": {"name": tool}, "tests": filled}})


@pytest.mark.parametrize(
    ("tool", "test", "expected"),
    [
        pytest.param("pytest", {"name": "tests/test_a.py::test_b[x::y]", "filePath": "tests/test_a.py"},
                     "tests/test_a.py::test_b[x::y]", id="pytest"),
        pytest.param("jest", {"name": "cart adds", "suite": "a.test.js > cart", "filePath": "src/a.test.js"},
                     "src/a.test.js::cart adds", id="jest, full name"),
        pytest.param("jest", {"suite": ["a.test.js", "cart"], "filePath": "src/a.test.js"},
                     "src/a.test.js::cart adds", id="jest, title"),
        pytest.param("vitest", {"suite": ["src/a.spec.ts", "cart", "total"], "filePath": "src/a.spec.ts"},
                     "src/a.spec.ts::cart > total > adds", id="vitest"),
        pytest.param("playwright", {"suite": ["webkit", "a.spec.ts", "Cart"], "filePath": "e2e/a.spec.ts"},
                     "e2e/a.spec.ts::[webkit] Cart \u203a adds", id="playwright"),
        pytest.param("playwright", {"suite": ["a.spec.ts", "Cart"], "filePath": "e2e/a.spec.ts"},
                     "e2e/a.spec.ts::Cart \u203a adds", id="playwright without projects"),
        pytest.param("cipredict", {"name": "any::id", "filePath": "a.py", "suite": ["s"]}, "any::id", id="our own"),
        pytest.param("x", {"suite": ["adds"]}, "adds", id="suite repeats the name"),
        pytest.param("x", {"suite": ["Cart", "Total"], "filePath": "./a.x"}, "a.x::Cart > Total::adds", id="any"),
        pytest.param("x", {"suite": [1, None, "Cart"]}, "Cart::adds", id="odd parts"),
    ],
)  # fmt: skip
def test_a_tools_ids_are_those_of_its_own_formats(
    read_any: ReadReport, tool: str, test: dict[str, object], expected: str
) -> None:
    assert [expected] == list(read_any(ctrf(test, tool=tool))[0])


@pytest.mark.parametrize(
    ("test", "expected"),
    [
        pytest.param({"retries": 0}, (Verdict.PASSED, 1, False), id="none"),
        pytest.param({"retries": 2}, (Verdict.PASSED, 3, False), id="retried, nobody says that it failed"),
        pytest.param({"flaky": True}, (Verdict.PASSED, 2, True), id="flaky"),
        pytest.param({"retryAttempts": [{"status": "failed"}]}, (Verdict.PASSED, 2, True), id="a failed attempt"),
        pytest.param({"status": "failed", "flaky": True, "retries": 1}, (Verdict.FAILED, 2, False), id="it failed"),
        pytest.param({"status": "failed", "rawStatus": "error"}, (Verdict.ERROR, 1, False), id="an error"),
        pytest.param({"status": "other", "rawStatus": "timedOut"}, (Verdict.FAILED, 1, False), id="a time-out"),
        pytest.param({"status": "other", "rawStatus": "todo"}, (Verdict.SKIPPED, 1, False), id="to do"),
        pytest.param({"retries": "two"}, (Verdict.PASSED, 1, False), id="no number"),
    ],
)
def test_attempts_and_statuses(
    read_any: ReadReport, test: dict[str, object], expected: tuple[Verdict, int, bool]
) -> None:
    case = read_any(ctrf(test))[0]["adds"]
    assert expected == (case.verdict, case.attempts, case.is_flaky)


def test_an_unknown_status_is_left_out_and_counted(read_any: ReadReport) -> None:
    cases, report = read_any(ctrf({"status": "exploded"}, {"name": ""}, {"name": "pays"}))
    assert ["pays"] == list(cases)
    assert ("1 cases without a name, skipped", "1 cases without a known outcome, skipped") == report.problems
    assert ReportStatus.SUBOPTIMAL is report.status
