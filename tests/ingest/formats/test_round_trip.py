"""A random run, rendered as every format would write it, is read back identically."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import NamedTuple
from xml.sax.saxutils import quoteattr

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from cipredict.ingest.interface import Report
from cipredict.records import CaseBatch, ReportStatus, RunKey, Verdict

pytest.importorskip("lxml", reason="needs lxml (pip install 'cipredict[store]')")
from cipredict.ingest.reports import read_report  # after the skip

pytestmark = pytest.mark.learn

PASSED, FAILED, ERROR, SKIPPED = Verdict.PASSED, Verdict.FAILED, Verdict.ERROR, Verdict.SKIPPED


class Done(NamedTuple):
    """One case of the run: where it stands, how it is called, what became of it."""

    file: str
    suite: str
    name: str
    verdict: Verdict
    took_ms: int


WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"], exclude_characters="\ufffd"), min_size=1)
NAMES = st.one_of(WORDS, st.sampled_from(["a[b::c]", "x / y", "t[a/b.py-[1]]", "<&\"'>", "1 > 2", "{}", "say \\n"]))
RUNS = st.lists(
    st.builds(
        Done,
        file=st.sampled_from(["src/a.x", "src/b/c.x", "d.x"]),
        suite=st.sampled_from(["Cart", "Cart total", "Prices"]),
        name=NAMES,
        verdict=st.sampled_from([PASSED, FAILED, SKIPPED]),
        took_ms=st.integers(0, 10_000_000),
    ),
    min_size=1,
    max_size=12,
    unique_by=lambda done: (done.file, done.suite, done.name),
)
Render = Callable[[list[Done]], tuple[str, list[str]]]
"""Gives the report, and the id of each case."""


def lines(*events: dict[str, object]) -> str:
    return "".join(json.dumps(event) + "\n" for event in events)


def pytest_log(run: list[Done]) -> tuple[str, list[str]]:
    ids = [f"{done.file}::{done.suite}::{done.name}" for done in run]
    outcomes = [{PASSED: "passed", FAILED: "failed", SKIPPED: "skipped"}[done.verdict] for done in run]
    events: list[dict[str, object]] = []
    for case_id, outcome, done in zip(ids, outcomes, run, strict=True):
        for when, result, ms in (("setup", "passed", 0), ("call", outcome, done.took_ms), ("teardown", "passed", 0)):
            event = {"nodeid": case_id, "when": when, "outcome": result, "duration": ms / 1e3}
            events.append({"$report_type": "TestReport", **event})
    return lines({"$report_type": "SessionStart"}, *events, {"$report_type": "SessionFinish"}), ids


def pytest_json(run: list[Done]) -> tuple[str, list[str]]:
    ids = [f"{done.file}::{done.suite}::{done.name}" for done in run]
    outcomes = [{PASSED: "passed", FAILED: "failed", SKIPPED: "xfailed"}[done.verdict] for done in run]
    tests = [
        {
            "nodeid": case_id,
            "outcome": outcome,
            "call": {"duration": done.took_ms / 1e3, "outcome": outcome.replace("xfailed", "skipped")},
        }
        for case_id, outcome, done in zip(ids, outcomes, run, strict=True)
    ]
    return json.dumps({"collectors": [], "tests": tests}), ids


def go_test(run: list[Done]) -> tuple[str, list[str]]:
    names = [f"{done.suite}_{done.name}".replace("/", "|") for done in run]
    actions = [{PASSED: "pass", FAILED: "fail", SKIPPED: "skip"}[done.verdict] for done in run]
    events = [
        {"Action": action, "Package": done.file, "Test": name, "Elapsed": done.took_ms / 1e3}
        for action, name, done in zip(actions, names, run, strict=True)
    ]
    ends = [{"Action": "pass", "Package": file, "Elapsed": 1} for file in {done.file for done in run}]
    ids = [f"{done.file}::{name}" for name, done in zip(names, run, strict=True)]
    return lines({"Action": "start", "Package": run[0].file}, *events, *ends), ids


def dart(run: list[Done]) -> tuple[str, list[str]]:
    results = [{PASSED: "success", FAILED: "failure", SKIPPED: "success"}[done.verdict] for done in run]
    events: list[dict[str, object]] = []
    for number, (result, done) in enumerate(zip(results, run, strict=True)):
        test = {"id": number, "suiteID": number, "name": f"{done.suite} {done.name}"}
        events += [
            {"type": "suite", "suite": {"id": number, "path": done.file}},
            {"type": "testStart", "test": test, "time": 7},
            {"type": "testDone", "testID": number, "result": result, "hidden": False, "time": 7 + done.took_ms}
            | {"skipped": done.verdict is SKIPPED},
        ]
    start: dict[str, object] = {"protocolVersion": "0.1.1", "type": "start"}
    return lines(start, *events, {"type": "done"}), [f"{done.file}::{done.suite} {done.name}" for done in run]


def jest_like(run: list[Done], **more: object) -> str:
    statuses = {PASSED: "passed", FAILED: "failed", SKIPPED: "pending"}
    results = [
        {
            "name": done.file,
            "status": "passed",
            "assertionResults": [
                {"ancestorTitles": [done.suite], "title": done.name, "fullName": f"{done.suite} {done.name}"}
                | {"status": statuses[done.verdict], "duration": done.took_ms}
            ],
        }
        for done in run
    ]
    return json.dumps({"testResults": results, **more}, ensure_ascii=False)


def jest(run: list[Done]) -> tuple[str, list[str]]:
    return jest_like(run, numRuntimeErrorTestSuites=0), [f"{done.file}::{done.suite} {done.name}" for done in run]


def vitest(run: list[Done]) -> tuple[str, list[str]]:
    return jest_like(run), [f"{done.file}::{done.suite} > {done.name}" for done in run]


def mocha(run: list[Done]) -> tuple[str, list[str]]:
    tests = [
        {"fullTitle": f"{done.suite} {done.name}", "file": done.file, "duration": done.took_ms, "currentRetry": 0}
        | {"err": {"message": "no"} if done.verdict is FAILED else {}}
        for done in run
    ]
    pending = [test for test, done in zip(tests, run, strict=True) if done.verdict is SKIPPED]
    document = {"stats": {}, "tests": tests, "pending": pending, "failures": [], "passes": []}
    return json.dumps(document, indent=1), [f"{done.file}::{done.suite} {done.name}" for done in run]


def rspec(run: list[Done]) -> tuple[str, list[str]]:
    statuses = {PASSED: "passed", FAILED: "failed", SKIPPED: "pending"}
    examples = [
        {"id": f"./{done.file}[1:{number}]", "full_description": f"{done.suite} {done.name}"}
        | {"status": statuses[done.verdict], "run_time": done.took_ms / 1e3}
        for number, done in enumerate(run)
    ]
    ids = [f"{done.file}::{done.suite} {done.name}" for done in run]
    return json.dumps({"examples": examples, "summary_line": ""}), ids


def cucumber(run: list[Done]) -> tuple[str, list[str]]:
    statuses = {PASSED: "passed", FAILED: "failed", SKIPPED: "undefined"}
    features = [
        {
            "uri": done.file,
            "name": done.suite,
            "elements": [
                {
                    "type": "scenario",
                    "name": done.name,
                    "steps": [{"result": {"status": statuses[done.verdict], "duration": done.took_ms * 1_000_000}}],
                }
            ],
        }
        for done in run
    ]
    return json.dumps(features), [f"{done.file}::{done.suite}::{done.name}" for done in run]


def playwright(run: list[Done]) -> tuple[str, list[str]]:
    statuses = {PASSED: "expected", FAILED: "unexpected", SKIPPED: "skipped"}
    suites = [
        {
            "title": done.file,
            "file": done.file,
            "suites": [
                {
                    "title": done.suite,
                    "specs": [
                        {
                            "title": done.name,
                            "tests": [
                                {"projectName": "webkit", "status": statuses[done.verdict]}
                                | {"results": [{"status": "passed", "duration": done.took_ms}]}
                            ],
                        }
                    ],
                }
            ],
        }
        for done in run
    ]
    ids = [f"{done.file}::[webkit] {done.suite} \u203a {done.name}" for done in run]
    return json.dumps({"config": {}, "suites": suites}), ids


def ctrf(run: list[Done]) -> tuple[str, list[str]]:
    tests = [
        {"name": done.name, "status": done.verdict.value, "duration": done.took_ms, "filePath": done.file}
        | {"suite": [done.suite]}
        for done in run
    ]
    ids = [f"{done.file}::{done.suite}::{done.name}" for done in run]
    return json.dumps({"reportFormat": "CTRF", "results": {"tool": {"name": "any"}, "tests": tests}}), ids


def robot(run: list[Done]) -> tuple[str, list[str]]:
    statuses = {PASSED: "PASS", FAILED: "FAIL", SKIPPED: "SKIP"}
    suites = "".join(
        f"<suite name={quoteattr(done.suite)} source={quoteattr(done.file)}>"
        f"<test name={quoteattr(done.suite + done.name)}><kw><status status='FAIL'/></kw>"
        f"<status status='{statuses[done.verdict]}' elapsed='{done.took_ms / 1e3}'/></test></suite>"
        for done in run
    )
    return f"<robot><suite name='all'>{suites}</suite></robot>", [f"{d.file}::{d.suite}{d.name}" for d in run]


def dotnet_class(done: Done) -> str:
    return f"Shop.{done.file.replace('/', '_')}.{done.suite.replace(' ', '_')}"


def nunit(run: list[Done]) -> tuple[str, list[str]]:
    results = {PASSED: "Passed", FAILED: "Failed", SKIPPED: "Skipped"}
    cases = "".join(
        f"<test-case name={quoteattr(done.name)} fullname={quoteattr(f'{dotnet_class(done)}.{done.name}')} "
        f"result='{results[done.verdict]}' duration='{done.took_ms / 1e3}'/>"
        for done in run
    )
    return f"<test-run><test-suite>{cases}</test-suite></test-run>", [f"{dotnet_class(d)}::{d.name}" for d in run]


def xunit(run: list[Done]) -> tuple[str, list[str]]:
    results = {PASSED: "Pass", FAILED: "Fail", SKIPPED: "Skip"}
    tests = "".join(
        f"<test name={quoteattr(f'{dotnet_class(done)}.{done.name}')} type={quoteattr(dotnet_class(done))} "
        f"result='{results[done.verdict]}' time='{done.took_ms / 1e3}'/>"
        for done in run
    )
    return f"<assemblies><assembly>{tests}</assembly></assemblies>", [f"{dotnet_class(d)}::{d.name}" for d in run]


def trx(run: list[Done]) -> tuple[str, list[str]]:
    outcomes = {PASSED: "Passed", FAILED: "Failed", SKIPPED: "NotExecuted"}
    spans = [f"{ms // 3_600_000:02}:{ms // 60_000 % 60:02}:{ms % 60_000 / 1e3:010.7f}" for _, _, _, _, ms in run]
    results = "".join(
        f"<UnitTestResult testId='{number}' testName={quoteattr(done.name)} outcome='{outcomes[done.verdict]}' "
        f"duration='{span}'/>"
        for number, (done, span) in enumerate(zip(run, spans, strict=True))
    )
    classes = "".join(
        f"<UnitTest id='{number}'><TestMethod className={quoteattr(dotnet_class(done))}/></UnitTest>"
        for number, done in enumerate(run)
    )
    content = f"<TestRun xmlns='http://x'><Results>{results}</Results>{classes}</TestRun>"
    return content, [f"{dotnet_class(done)}::{done.name}" for done in run]


def ctest(run: list[Done]) -> tuple[str, list[str]]:
    statuses = {PASSED: "passed", FAILED: "failed", SKIPPED: "notrun"}
    ids = [f"{done.file} {done.suite} {done.name}" for done in run]
    tests = "".join(
        f"<Test Status='{statuses[done.verdict]}'><Name><![CDATA[{name}]]></Name><Results>"
        f"<NamedMeasurement name='Execution Time'><Value>{done.took_ms / 1e3}</Value></NamedMeasurement>"
        "<Measurement><Value>output</Value></Measurement></Results></Test>"
        for name, done in zip(ids, run, strict=True)
    )
    return f"<Site><Testing><TestList><Test>./x</Test></TestList>{tests}</Testing></Site>", ids


FORMATS: list[Render] = [
    pytest_log, pytest_json, go_test, dart, jest, vitest, mocha, rspec, cucumber, playwright, ctrf,
    robot, nunit, xunit, trx, ctest,
]  # fmt: skip


@pytest.mark.parametrize("render", FORMATS, ids=lambda render: render.__name__)
@given(run=RUNS)
@settings(max_examples=40, deadline=None)
def test_what_a_format_says_is_read_back(render: Render, run: list[Done]) -> None:
    content, ids = render(run)
    assume(len(set(ids)) == len(ids) and not any("]]>" in case_id for case_id in ids))
    *batches, report = read_report(io.BytesIO(content.encode()), source="report", key=RunKey("local", "shop", "1"))
    assert isinstance(report, Report)
    assert ((), ReportStatus.VALID) == (report.problems, report.status)
    found = [case for batch in batches if isinstance(batch, CaseBatch) for case in batch.cases]
    verdicts = {case.case_id: (case.verdict, case.attempts) for case in found}
    assert {case_id: (done.verdict, 1) for case_id, done in zip(ids, run, strict=True)} == verdicts
    seconds = {case.case_id: case.duration_s for case in found}
    assert [done.took_ms / 1e3 for done in run] == pytest.approx([seconds[case_id] for case_id in ids])
