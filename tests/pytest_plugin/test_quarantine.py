"""`--cipredict-quarantine`: quarantined cases run, their failures are shown and stored, and only do not count."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from cipredict.plans.document import MadeFrom, plan_id, write_plan
from cipredict.plans.quarantine_plan import EvidenceNote, QuarantinedCase, QuarantinePlan, Terms

pytest_plugins = ["pytester"]

TODAY = datetime.now(UTC).date()
SUITE = """
import pytest
def test_flaky(): assert "the words of the failure" == ""
def test_fine(): pass
@pytest.fixture
def broken(): raise OSError("no connection")
def test_setup(broken): pass
"""
FLAKY, FINE, SETUP = "test_a.py::test_flaky", "test_a.py::test_fine", "test_a.py::test_setup"


@pytest.fixture(autouse=True)
def _suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makepyfile(test_a=SUITE)


def quarantined(case_id: str, *, expires_on: date) -> QuarantinedCase:
    return QuarantinedCase(
        case_id,
        score=0.1,
        low=0.05,
        high=0.2,
        confidence="high",
        results=100,
        flaky_failures=10,
        reasons=("passed and failed on the same code: 10 times",),
        expires_on=expires_on,
        owner="@net",
        evidence=(EvidenceNote("same-commit", "17", "commit o/r f00d", TODAY),),
    )


def write(path: Path, *case_ids: str, days_left: int = 9) -> str:
    """Write a plan made ten days before its entries expire."""
    expires_on = TODAY + timedelta(days=days_left)
    made = expires_on - timedelta(days=10)
    cases = tuple(quarantined(case_id, expires_on=expires_on) for case_id in sorted(case_ids))
    plan = QuarantinePlan(
        cases, (), MadeFrom("0"), since=made - timedelta(days=90), until=made, runs=100, cases=100, terms=Terms()
    )
    write_plan(path, plan.to_document())
    return f"--cipredict-quarantine={path}"


@pytest.fixture(name="plan")
def _plan(pytester: pytest.Pytester) -> Path:
    return pytester.path / "q.json"


def run(pytester: pytest.Pytester, *options: str) -> pytest.RunResult:
    return pytester.runpytest_inprocess("-p", "cipredict", "-p", "no:cacheprovider", *options)


def test_quarantined_failures_run_and_are_shown_but_the_session_is_green(pytester: pytest.Pytester, plan: Path) -> None:
    result = run(pytester, write(plan, FLAKY, SETUP))

    assert result.ret == 0
    result.stdout.fnmatch_lines(
        [
            "cipredict: quarantine plan * (2 cases)",
            "*quarantined failures: reported, not counted*",
            "*test_a.py::test_flaky (call)*",
            "*the words of the failure*",
            "*test_a.py::test_setup (setup)*",
            "*no connection*",
            f"QUARANTINED test_a.py::test_flaky until {TODAY + timedelta(days=9)}, owner @net: passed and failed *",
            "cipredict: quarantine plan *: 2 of its 2 cases ran here, 2 failed without turning the session red.",
            "*1 passed, 2 quarantined*",
        ]
    )


def test_a_failure_of_another_case_turns_the_session_red(pytester: pytest.Pytester, plan: Path) -> None:
    result = run(pytester, write(plan, FLAKY))

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*1 passed, 1 error, 1 quarantined*"])


def test_a_quarantined_case_that_passes_is_counted_as_usual(pytester: pytest.Pytester, plan: Path) -> None:
    result = run(pytester, write(plan, FINE), f"--deselect={FLAKY}", f"--deselect={SETUP}")

    assert result.ret == 0
    result.stdout.fnmatch_lines(["cipredict: *: 1 of its 1 cases ran here, 0 failed *", "*1 passed*"])


def test_the_junit_file_holds_the_failure_so_that_history_sees_it(pytester: pytest.Pytester, plan: Path) -> None:
    run(pytester, write(plan, FLAKY, SETUP), "--junit-xml=r.xml")

    cases = {case.get("name"): case for case in ET.parse(pytester.path / "r.xml").iter("testcase")}  # noqa: S314  # ours
    assert cases["test_flaky"].find("failure") is not None
    assert cases["test_setup"].find("error") is not None


def test_the_report_says_which_failures_did_not_count(pytester: pytest.Pytester, plan: Path) -> None:
    run(pytester, write(plan, FLAKY), "--cipredict-report=r.jsonl")

    lines = [json.loads(line) for line in (pytester.path / "r.jsonl").read_text().splitlines()]
    assert [(line["nodeid"], line["outcome"]) for line in lines if line.get("quarantined")] == [(FLAKY, "failed")]


def test_maxfail_does_not_stop_at_a_quarantined_failure(pytester: pytest.Pytester, plan: Path) -> None:
    result = run(pytester, write(plan, FLAKY, SETUP), "-x")

    assert result.ret == 0
    result.stdout.fnmatch_lines(["*1 passed, 2 quarantined*"])


def test_an_expired_entry_counts_again_and_that_is_said(pytester: pytest.Pytester, plan: Path) -> None:
    result = run(pytester, write(plan, FLAKY, days_left=0), f"--deselect={SETUP}")

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["cipredict: warning: 1 of 1 entries of * have expired. *plugin-quarantine-expired*"])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(None, "Cannot read the plan", id="missing"),
        pytest.param("{", "is not JSON", id="not JSON"),
        pytest.param("[]", "schema None", id="not an object"),
        pytest.param('{"schema": "cipredict.shard-plan/1"}', "shard-plan", id="another plan"),
        pytest.param('{"schema": "cipredict.quarantine-plan/2"}', "quarantine-plan/2", id="a later schema"),
        pytest.param('{"schema": "cipredict.quarantine-plan/1"}', "not a whole quarantine plan", id="empty"),
    ],
)
def test_a_plan_that_cannot_be_followed_is_ignored_loudly(
    content: str | None, words: str, pytester: pytest.Pytester, plan: Path
) -> None:
    if content is not None:
        plan.write_text(content)

    result = run(pytester, f"--cipredict-quarantine={plan}", f"--deselect={SETUP}")

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert re.search(rf"warning: .*{words}.*Every failure counts. \[plugin-quarantine-ignored\]", result.stdout.str())
    result.stdout.fnmatch_lines(["*1 failed, 1 passed*"])


def test_an_entry_added_by_hand_makes_the_plan_ignored(pytester: pytest.Pytester, plan: Path) -> None:
    option = write(plan, FLAKY)
    document = json.loads(plan.read_text())
    document["cases"].append({**document["cases"][0], "id": SETUP})
    plan.write_text(json.dumps(document))

    result = run(pytester, option)

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*changed after it was made*"])


def test_another_action_than_to_report_is_refused(pytester: pytest.Pytester, plan: Path) -> None:
    option = write(plan, FLAKY)
    document = json.loads(plan.read_text()) | {"action": "skip"}
    body = {key: value for key, value in document.items() if key not in {"schema", "id"}}
    plan.write_text(json.dumps(document | {"id": plan_id(body)}))

    assert run(pytester, option, f"--deselect={SETUP}").ret == pytest.ExitCode.TESTS_FAILED


RERUNS = """
import pytest
from _pytest.runner import runtestprotocol
def pytest_runtest_protocol(item, nextitem):
    \"\"\"Run a case up to three times until it passes, as pytest-rerunfailures does.\"\"\"
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    for attempt in range(3):
        reports = runtestprotocol(item, nextitem=nextitem, log=False)
        is_last = attempt == 2 or not any(report.failed for report in reports)
        for report in reports:
            if report.failed and not is_last:
                report.outcome = "rerun"
            item.ihook.pytest_runtest_logreport(report=report)
        if is_last:
            return True
        item._initrequest()
def pytest_report_teststatus(report):
    if report.outcome == "rerun":
        return "rerun", "R", "RERUN"
"""


def test_a_case_that_fails_in_every_attempt_is_no_flake_and_counts(pytester: pytest.Pytester, plan: Path) -> None:
    pytester.makeconftest(RERUNS)

    result = run(pytester, write(plan, FLAKY), f"--deselect={SETUP}")

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        ["*test_flaky is quarantined, but failed in each of 3 attempts. Its failure counts. *plugin-quarantine-steady*"]
    )


def test_without_a_terminal_reporter_it_is_said_on_stderr(pytester: pytest.Pytester, plan: Path) -> None:
    result = pytester.runpytest_subprocess(
        "-p", "cipredict", "-p", "no:terminal", write(plan, FLAKY), f"--deselect={SETUP}"
    )

    assert result.ret == 0
    result.stderr.fnmatch_lines(["QUARANTINED test_a.py::test_flaky *", "cipredict: *1 failed without turning*"])


def test_the_controller_of_xdist_decides_for_its_workers(pytester: pytest.Pytester, plan: Path) -> None:
    pytest.importorskip("xdist")
    grouped = SUITE.replace("def test_flaky", '@pytest.mark.xdist_group("net")\ndef test_flaky')
    pytester.makepyfile(test_a=grouped)
    option = write(plan, FLAKY, SETUP)

    result = pytester.runpytest_subprocess("-p", "xdist", "-p", "cipredict", "-n1", "--dist=loadgroup", option)

    assert result.ret == 0
    result.stdout.fnmatch_lines(["cipredict: *: 2 of its 2 cases ran here, 2 failed *", "*1 passed, 2 quarantined*"])


def test_subtests_of_a_quarantined_case_do_not_count_either(pytester: pytest.Pytester, plan: Path) -> None:
    if not hasattr(pytest, "Subtests"):
        pytest.skip("pytest has subtests since version 9")
    pytester.makepyfile(test_a='def test_flaky(subtests):\n    with subtests.test("one"): assert 0\n')

    assert run(pytester, write(plan, FLAKY)).ret == 0


def test_a_file_that_cannot_be_collected_is_no_flake(pytester: pytest.Pytester, plan: Path) -> None:
    pytester.makepyfile(test_a="import nowhere_to_be_found")

    assert run(pytester, write(plan, "test_a.py")).ret == pytest.ExitCode.INTERRUPTED
