"""What another product makes of the same real files: the same outcomes and seconds, under names that ours contain.

Its expectations are in `launchable_json/`: an event per entry, `status` 0 failed, 1 passed, 2 skipped.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from cipredict.ingest.interface import Report
from cipredict.records import CaseRun, Verdict

pytestmark = [pytest.mark.learn, pytest.mark.shared_data]

ReadReport = Callable[..., tuple[dict[str, CaseRun], Report]]
STATUSES = {Verdict.FAILED: 0, Verdict.ERROR: 0, Verdict.PASSED: 1, Verdict.SKIPPED: 2}


@pytest.mark.parametrize(
    ("report", "expectation"),
    [
        pytest.param("junit/launchable__robot__output.xml", "robot__record_test_result", id="robot"),
        pytest.param("junit/launchable__ctest__Testing__latest__Test.xml", "ctest__record_test_result", id="ctest"),
        pytest.param("junit/launchable__dotnet__test-result.xml", "dotnet__record_test_result", id="dotnet"),
        pytest.param("junit/launchable__nunit__output-linux.xml", "nunit__record_test_result-linux", id="nunit"),
        pytest.param("junit/launchable__nunit__nunit-reporter-bug-with-nested-type.xml",
                     "nunit__nunit-reporter-bug-with-nested-type", id="nunit logger"),
        pytest.param("launchable_json/launchable__flutter__report.json", "flutter__record_test_result", id="flutter"),
        pytest.param("junit/launchable__cypress__test-result.xml", "cypress__record_test_result", id="cypress"),
        pytest.param("junit/launchable__behave__reports__report.xml", "behave__record_test_result", id="behave"),
        pytest.param("junit/launchable__pytest__report.xml", "pytest__record_test_result", id="pytest"),
        pytest.param("junit/launchable__playwright__report.xml", "playwright__record_test_result", id="playwright"),
    ],
)  # fmt: skip
def test_outcomes_agree(read_any: ReadReport, real_formats: Path, report: str, expectation: str) -> None:
    cases, _ = read_any(real_formats / report)
    path = real_formats / "launchable_json" / f"launchable__{expectation}.json"
    events = json.loads(path.read_text(encoding="utf-8"))["events"]
    expected = Counter((event["testPath"][-1]["name"].strip(), event["status"]) for event in events)
    found: Counter[tuple[str, int]] = Counter()
    for case_id, case in cases.items():
        names = [name for name, status in expected if case_id.endswith(name) and status == STATUSES[case.verdict]]
        assert names, f"{case_id} is {case.verdict}, which nobody expected"
        found[max(names, key=len), STATUSES[case.verdict]] += 1
    assert expected == found
