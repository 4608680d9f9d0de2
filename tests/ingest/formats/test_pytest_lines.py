"""Phases of pytest's cases: attempts, subtests, memory, sessions that end early."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cipredict.ingest.interface import Report
from cipredict.records import CaseRun, ReportStatus, Verdict

pytestmark = pytest.mark.learn

ReadReport = Callable[..., tuple[dict[str, CaseRun], Report]]
START = {"$report_type": "SessionStart", "pytest_version": "9.2.0"}
FINISH = {"$report_type": "SessionFinish", "exitstatus": 0}


def phase(when: str, outcome: str = "passed", **more: object) -> dict[str, object]:
    fields = {"nodeid": "tests/test_a.py::test_b", "when": when, "outcome": outcome, "duration": 0.5}
    return {"$report_type": "TestReport", **fields, **more}


def log(*lines: dict[str, object], ends: bool = True) -> str:
    return "\n".join(json.dumps(line) for line in [START, *lines, *([FINISH] if ends else [])]) + "\n"


def only(cases: dict[str, CaseRun]) -> tuple[Verdict, float | None, int, bool, int | None]:
    assert list(cases) == ["tests/test_a.py::test_b"]
    return cases["tests/test_a.py::test_b"][1:]


def test_the_seconds_are_those_of_all_phases(read_any: ReadReport) -> None:
    cases, report = read_any(log(phase("setup"), phase("call"), phase("teardown")))
    assert (Verdict.PASSED, 1.5, 1, False, None) == only(cases)
    assert (ReportStatus.VALID, "pytest-reportlog") == (report.status, report.dialect)


@pytest.mark.parametrize(
    ("phases", "verdict"),
    [
        pytest.param([("setup", "failed"), ("teardown", "passed")], Verdict.ERROR, id="setup"),
        pytest.param([("setup", "passed"), ("call", "failed"), ("teardown", "passed")], Verdict.FAILED, id="body"),
        pytest.param([("setup", "passed"), ("call", "passed"), ("teardown", "failed")], Verdict.ERROR, id="teardown"),
        pytest.param([("setup", "passed"), ("call", "failed"), ("teardown", "failed")], Verdict.ERROR, id="both"),
        pytest.param([("setup", "skipped"), ("teardown", "passed")], Verdict.SKIPPED, id="skipped"),
        pytest.param([("setup", "passed"), ("call", "skipped"), ("teardown", "passed")], Verdict.SKIPPED, id="xfail"),
        pytest.param([("setup", "passed"), ("call", "skipped"), ("teardown", "failed")], Verdict.ERROR, id="late"),
    ],
)
def test_a_verdict_is_that_of_its_worst_phase(
    read_any: ReadReport, phases: list[tuple[str, str]], verdict: Verdict
) -> None:
    cases, _ = read_any(log(*(phase(when, outcome) for when, outcome in phases)))
    assert verdict is only(cases)[0]


@pytest.mark.parametrize("has_teardown", [True, False])
def test_a_rerun_is_another_attempt(read_any: ReadReport, *, has_teardown: bool) -> None:
    first = [phase("setup"), phase("call", "rerun", duration=9), *([phase("teardown")] if has_teardown else [])]
    cases, _ = read_any(log(*first, phase("setup"), phase("call"), phase("teardown")))
    assert (Verdict.PASSED, 1.5, 2, True, None) == only(cases)


def test_a_case_that_fails_every_attempt_is_not_flaky(read_any: ReadReport) -> None:
    first = [phase("setup"), phase("call", "rerun"), phase("teardown")]
    cases, report = read_any(log(*first, *first, phase("setup"), phase("call", "failed"), phase("teardown")))
    assert (Verdict.FAILED, 1.5, 3, False, None) == only(cases)
    assert (1, 0) == (report.failed, report.flaky)


@pytest.mark.parametrize("kind", ["SubTestReport", "SubtestReport"])
def test_a_failing_subtest_fails_its_case_and_costs_nothing(read_any: ReadReport, kind: str) -> None:
    subtest = {**phase("call", "failed"), "$report_type": kind}
    cases, _ = read_any(log(phase("setup"), subtest, phase("call"), phase("teardown")))
    assert (Verdict.FAILED, 1.5, 1, False, None) == only(cases)


def test_a_crashed_worker_is_an_error(read_any: ReadReport) -> None:
    cases, _ = read_any(log(phase("setup"), phase("???", "failed")))
    assert Verdict.ERROR is only(cases)[0]


def test_modules_that_fail_or_skip_are_cases(read_any: ReadReport) -> None:
    collected: list[dict[str, object]] = [
        {"$report_type": "CollectReport", "nodeid": f"tests/test_{outcome}.py", "outcome": outcome}
        for outcome in ("passed", "failed", "skipped")
    ]
    cases, report = read_any(log(*collected))
    assert {"tests/test_failed.py": Verdict.ERROR, "tests/test_skipped.py": Verdict.SKIPPED} == {
        name: case.verdict for name, case in cases.items()
    }
    assert ReportStatus.VALID is report.status


def test_memory_is_what_the_phases_grew(read_any: ReadReport) -> None:
    grown = [phase(when, peak_memory_growth_bytes=size) for when, size in (("setup", 10), ("call", 0), ("teardown", 5))]
    assert 15 == only(read_any(log(*grown))[0])[4]


def test_memory_that_the_case_measured_counts_first(read_any: ReadReport) -> None:
    own: dict[str, Any] = {
        "user_properties": [["owner", "me"], ["peak_memory_bytes", 4096]],
        "peak_memory_growth_bytes": 1,
    }
    assert 4096 == only(read_any(log(phase("setup"), phase("call", **own), phase("teardown", **own)))[0])[4]


def test_cases_of_workers_may_interleave(read_any: ReadReport) -> None:
    other = {"nodeid": "tests/test_a.py::test_c"}
    lines = [line for when in ("setup", "call", "teardown") for line in (phase(when), phase(when, **other))]
    cases, _ = read_any(log(*lines))
    assert [1.5, 1.5] == [case.duration_s for case in cases.values()]


def test_a_session_that_was_killed_loses_the_open_case_only(read_any: ReadReport) -> None:
    done = [phase(when, nodeid="tests/test_a.py::test_c") for when in ("setup", "call", "teardown")]
    content = log(*done, phase("setup"), phase("call", "failed"), ends=False)
    cases, report = read_any(content + '{"$report_type": "TestRep')
    assert ["tests/test_a.py::test_c"] == list(cases)
    assert (
        "truncated: the last line is cut off",
        "1 cases that did not end, skipped",
        "the session did not end",
    ) == report.problems
    assert ReportStatus.SUBOPTIMAL is report.status


def test_the_report_of_our_own_plugin_is_known(read_any: ReadReport, samples: Path) -> None:
    cases, report = read_any(samples / "reports" / "cipredict_report.jsonl")
    assert ("cipredict report", ReportStatus.VALID) == (report.dialect, report.status)
    assert all(case.peak_memory_bytes is not None for name, case in cases.items() if "::" in name)


def test_a_node_id_may_hold_anything(read_any: ReadReport) -> None:
    name = "tests/test_a.py::test_b[a::b/c[d] \N{SNOWMAN}-\\x01]"
    cases, _ = read_any(log(*(phase(when, nodeid=name) for when in ("setup", "call", "teardown"))))
    assert [name] == list(cases)
