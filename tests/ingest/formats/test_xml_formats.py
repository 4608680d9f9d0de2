"""XML besides JUnit: what stands at odd places, and what a broken end costs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from cipredict.ingest.interface import Report
from cipredict.records import CaseRun, ReportStatus, Verdict

pytestmark = pytest.mark.learn

ReadReport = Callable[..., tuple[dict[str, CaseRun], Report]]


def test_robot_without_files_is_called_by_its_suites(read_any: ReadReport) -> None:
    test = "<test name='Pays'><status status='PASS' elapsed='1'/></test>"
    cases, _ = read_any(f"<robot><suite name='Shop'><suite name='Cart'>{test}</suite>{test}</suite></robot>")
    assert ["Shop.Cart::Pays", "Shop::Pays"] == list(cases)


def test_a_robot_test_without_its_own_status_is_counted(read_any: ReadReport) -> None:
    keyword = "<kw><status status='PASS'/></kw>"
    cases, report = read_any(f"<robot><suite name='Shop'><test name='Pays'>{keyword}</test></suite></robot>")
    assert ({}, ("1 cases without a known outcome, skipped",)) == (cases, report.problems)


def test_trx_cut_off_before_its_classes_keeps_the_names(read_any: ReadReport, samples: Path) -> None:
    content = (samples / "reports" / "results.trx").read_bytes()
    cases, report = read_any(content[: content.index(b"<TestDefinitions>")])
    assert {"Pays", "Later", 'Shop.CartTests::Total(price: 1.5, name: "a.b")'} < set(cases)
    assert ("truncated: the end is missing",) == report.problems


@pytest.mark.parametrize(
    ("duration", "seconds"),
    [("00:00:00.0170545", 0.0170545), ("1.02:03:04", 93784.0), ("", None), ("soon", None), ("-00:00:01", None)],
)
def test_trx_spells_seconds_as_a_time_span(read_any: ReadReport, duration: str, seconds: float | None) -> None:
    cases, _ = read_any(f"<TestRun><Results><UnitTestResult testName='A' duration='{duration}'/></Results></TestRun>")
    assert (Verdict.PASSED, seconds) == cases["A"][1:3]


@pytest.mark.parametrize(
    ("attributes", "verdict"),
    [
        ("result='Failed'", Verdict.FAILED),
        ("result='Failed' label='Error'", Verdict.ERROR),
        ("result='Failed' label='Cancelled'", Verdict.ERROR),
        ("result='Failed' label='Unheard of'", Verdict.FAILED),
        ("result='Warning'", Verdict.PASSED),
        ("result='Skipped' label='Explicit'", Verdict.SKIPPED),
    ],
)
def test_nunit_labels_tell_failures_from_errors(read_any: ReadReport, attributes: str, verdict: Verdict) -> None:
    cases, _ = read_any(f"<test-run><test-case name='A' fullname='Shop.T.A' duration='1' {attributes}/></test-run>")
    assert {"Shop.T::A": verdict} == {name: case.verdict for name, case in cases.items()}


def test_captured_output_may_hold_anything(read_any: ReadReport) -> None:
    output = "<Output><StdOut><![CDATA[<UnitTestResult testName='B' outcome='Failed'/>]]></StdOut></Output>"
    content = f"<TestRun><UnitTestResult testName='A' duration='00:00:01'>{output}</UnitTestResult></TestRun>"
    assert ["A"] == list(read_any(content)[0])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le"])
def test_a_declaration_of_utf16_is_not_believed(read_any: ReadReport, encoding: str) -> None:
    content = "<?xml version='1.0' encoding='utf-16'?><test-run><test-case name='é' fullname='Shop.T.é' duration='1'"
    cases, report = read_any((content + " result='Passed'/></test-run>").encode(encoding))
    assert ({"Shop.T::é"}, ReportStatus.VALID) == (set(cases), report.status)


def test_an_entry_larger_than_libxmls_limit_is_read(read_any: ReadReport) -> None:
    text = "x" * 11_000_000
    cases, report = read_any(
        f"<assemblies><test name='A.B.C' type='A.B' time='1' result='Fail'><failure><message>{text}</message></failure>"
        "</test></assemblies>"
    )
    assert ({"A.B::C"}, ReportStatus.VALID) == (set(cases), report.status)
