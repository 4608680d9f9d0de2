"""JUnit reports: what counts, what is odd, what is refused, and that nothing brings the reader down."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cipredict.ingest.interface import Report
from cipredict.records import CaseRun, ReportStatus, RunKey, Verdict

pytest.importorskip("lxml", reason="needs lxml (pip install 'cipredict[store]')")
from lxml import etree

from cipredict.ingest import tally  # after the skip
from cipredict.ingest.junit import read_junit

pytestmark = pytest.mark.learn

ReadReport = Callable[..., tuple[dict[str, CaseRun], Report]]
KEY = RunKey("local", "shop", "1")


def in_suite(*cases: str) -> str:
    return f"<testsuites><testsuite name='pytest'>{''.join(cases)}</testsuite></testsuites>"


def case(name: str, children: str = "", *, time: str | None = "1") -> str:
    timed = "" if time is None else f"time={quoteattr(time)}"
    return f"<testcase classname='tests.test_a' name={quoteattr(name)} {timed}>{children}</testcase>"


def bare_read(content: bytes) -> list[Any]:
    return list(read_junit(io.BytesIO(content), source="report.xml", key=KEY))


def test_a_plain_report_is_valid_and_counted(read_report: ReadReport) -> None:
    cases, report = read_report(
        in_suite(case("good", time="0.25"), case("bad", "<failure/>", time="0.5"), case("off", "<skipped/>"))
    )
    assert {
        "tests/test_a.py::good": CaseRun("tests/test_a.py::good", Verdict.PASSED, 0.25),
        "tests/test_a.py::bad": CaseRun("tests/test_a.py::bad", Verdict.FAILED, 0.5),
        "tests/test_a.py::off": CaseRun("tests/test_a.py::off", Verdict.SKIPPED, 1.0),
    } == cases
    assert (ReportStatus.VALID, 3, 3, 1, 1, 0, 1.75) == (
        report.status,
        report.entries,
        report.cases,
        report.failed,
        report.skipped,
        report.flaky,
        report.cases_s,
    )


@pytest.mark.parametrize("family", ["pytest_xunit1", "pytest_xunit2"])
def test_ids_of_pytest_are_those_of_its_collection(read_report: ReadReport, samples: Path, family: str) -> None:
    cases, report = read_report(samples / "junit" / f"{family}.xml")
    collected = (samples / "junit" / "pytest_collected.txt").read_text(encoding="utf-8").splitlines()
    assert {*collected, "tests/test_broken.py"} == set(cases)
    assert family.replace("_", " ") == report.dialect


def test_failing_body_and_teardown_are_one_attempt(read_report: ReadReport, samples: Path) -> None:
    cases, _ = read_report(samples / "junit" / "pytest_xunit2.xml")
    twice = cases["tests/test_cart.py::test_fails_twice"]
    assert (Verdict.ERROR, 1, False) == (twice.verdict, twice.attempts, twice.is_flaky)
    verdicts = {name: cases[f"tests/test_cart.py::test_{name}"].verdict for name in ("setup_error", "teardown_error")}
    assert {"setup_error": Verdict.ERROR, "teardown_error": Verdict.ERROR} == verdicts
    assert cases["tests/test_cart.py::test_expected_failure"].verdict is Verdict.SKIPPED


def test_retried_attempts_of_pytest_look_passed_but_failed(read_report: ReadReport, samples: Path) -> None:
    cases, report = read_report(samples / "junit" / "pytest_reruns.xml")
    assert {
        "test_flaky": (Verdict.PASSED, 0.02, 2, True),
        "test_always_fails": (Verdict.FAILED, 0.013, 3, False),
        "test_calm": (Verdict.PASSED, 0.001, 1, False),
    } == {
        name.rpartition("::")[2]: (row.verdict, row.duration_s, row.attempts, row.is_flaky)
        for name, row in cases.items()
    }
    assert (6, 3, 1, 1) == (report.entries, report.cases, report.flaky, report.failed)


def test_the_same_case_in_two_suites_is_no_rerun(read_report: ReadReport) -> None:
    suite = f"<testsuite name='pytest'>{case('twice')}</testsuite>"
    cases, _ = read_report(f"<testsuites>{suite}{suite}</testsuites>")
    assert (2, False) == cases["tests/test_a.py::twice"][3:5]


def test_disagreeing_suites_make_a_case_flaky(read_report: ReadReport) -> None:
    first = f"<testsuite name='pytest'>{case('twice', '<failure/>')}</testsuite>"
    second = f"<testsuite name='pytest'>{case('twice', time='2')}</testsuite>"
    cases, _ = read_report(f"<testsuites>{first}{second}</testsuites>")
    assert CaseRun("tests/test_a.py::twice", Verdict.PASSED, 2.0, 2, is_flaky=True) == cases["tests/test_a.py::twice"]


def test_surefire_counts_its_inner_attempts(read_report: ReadReport, samples: Path) -> None:
    cases, report = read_report(samples / "junit" / "surefire_reruns.xml")
    assert {
        "com.acme.NetTest::flaky": (Verdict.PASSED, 0.001, 2, True),
        "com.acme.NetTest::alwaysFails": (Verdict.FAILED, 1234.5, 3, False),
        "com.acme.NetTest$Inner::skipped[1]": (Verdict.SKIPPED, 0.0, 1, False),
        "com.acme.NetTest::calm": (Verdict.PASSED, 0.2, 1, False),
    } == {name: row[1:5] for name, row in cases.items()}
    assert ("surefire", ReportStatus.VALID) == (report.dialect, report.status)


def test_go_parents_give_the_time_of_their_subtests_away(read_report: ReadReport, samples: Path) -> None:
    cases, report = read_report(samples / "junit" / "gotestsum.xml")
    package = "example.org/shop/cart"
    assert {
        f"{package}::TestTotal": 0.5,
        f"{package}::TestTotal/empty": 1.0,
        f"{package}::TestTotal/full": 1.0,
        f"{package}::TestTotal/full/twice": 0.5,
        "example.org/shop/broken::TestMain": 0.0,
    } == {name: row.duration_s for name, row in cases.items()}
    assert ("gotestsum", 3.0, None) == (report.dialect, report.cases_s, report.started_at)


@pytest.mark.parametrize(
    ("sample", "dialect", "ids"),
    [
        pytest.param(
            "jest",
            "jest-junit",
            [
                "src/cart.test.js::cart total works",
                "src/cart.test.js::cart total fails",
                "src/cart.test.js::cart later",
                "src/prices.test.ts",
            ],
            id="jest",
        ),
        pytest.param("vitest", "vitest", ["src/cart.spec.ts::total > works & counts"], id="vitest"),
        pytest.param(
            "playwright",
            "playwright",
            [f"e2e/cart.spec.ts::[{browser}] Cart \u203a pays" for browser in ("chromium", "webkit")],
            id="playwright",
        ),
        pytest.param("ctest", "generic", ["fast", "off", "slow"], id="ctest"),
        pytest.param(
            "mocha",
            "mocha",
            [f"/repo/test/cart.js::cart {title}" for title in ("is empty", "pays", "comes back")],
            id="mocha",
        ),
    ],
)
def test_every_dialect_has_one_id_rule(
    read_report: ReadReport, samples: Path, sample: str, dialect: str, ids: list[str]
) -> None:
    cases, report = read_report(samples / "junit" / f"{sample}.xml")
    assert (dialect, ids, ReportStatus.VALID) == (report.dialect, list(cases), report.status)


def test_status_counts_where_no_child_says_the_outcome(read_report: ReadReport, samples: Path) -> None:
    cases, _ = read_report(samples / "junit" / "ctest.xml")
    assert [Verdict.PASSED, Verdict.SKIPPED, Verdict.FAILED] == [row.verdict for row in cases.values()]


def test_nested_suites_a_namespace_and_odd_times_are_read(read_report: ReadReport, samples: Path) -> None:
    cases, report = read_report(samples / "junit" / "nested.xml")
    assert {
        "spec/outer_spec.rb::innermost::a": (Verdict.PASSED, 1.0),
        "spec/outer_spec.rb::inner::b": (Verdict.PASSED, 2.0),
        "spec/outer_spec.rb::outer::café": (Verdict.PASSED, None),
        "spec/outer_spec.rb::outer::severe": (Verdict.ERROR, 1.0),
        "Loose::c": (Verdict.PASSED, None),
    } == {name: (row.verdict, row.duration_s) for name, row in cases.items()}
    assert report.status is ReportStatus.SUBOPTIMAL
    assert ["1 cases without a time", "1 cases with a time that cannot be (negative, not a number)"] == list(
        report.problems
    )


def test_memory_is_read_from_a_property_of_the_case(read_report: ReadReport) -> None:
    given_bytes = "<properties><property name='peak_memory_bytes' value='{}'/></properties>"
    cases, _ = read_report(
        in_suite(case("big", given_bytes.format(4096)), case("odd", given_bytes.format("lots")), case("none"))
    )
    assert [4096, None, None] == [row.peak_memory_bytes for row in cases.values()]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        pytest.param(b"", "empty file", id="empty"),
        pytest.param(b"hello", "broken XML at line 1: Start tag expected, '<' not found", id="text"),
        pytest.param(b"<test-run><test-case/></test-run>", "the root element is <test-run>, not JUnit's", id="NUnit"),
        pytest.param(
            b"<testsuite><testcase/><testcase time='1'/></testsuite>", "2 cases without a name, skipped", id="nameless"
        ),
        pytest.param(b"<testsuites><testsuite name='s'>", "truncated: the end is missing", id="nothing but a start"),
    ],
)
def test_what_holds_no_case_is_invalid_and_says_why(read_report: ReadReport, content: bytes, problem: str) -> None:
    cases, report = read_report(content)
    assert ({}, ReportStatus.INVALID) == (cases, report.status)
    assert problem in report.problems


def test_an_intact_report_without_cases_is_only_odd(read_report: ReadReport) -> None:
    _, report = read_report("<testsuites/>")
    assert (ReportStatus.SUBOPTIMAL, ("holds no cases",)) == (report.status, report.problems)


@given(st.integers(min_value=1, max_value=400))
def test_a_truncated_report_never_turns_a_failure_into_a_pass(length: int) -> None:
    content = in_suite(*(case(f"bad{number}", "<failure message='no'>no</failure>") for number in range(3)))
    *batches, report = bare_read(content[:length].encode())
    verdicts = [row.verdict for batch in batches for row in batch.cases]
    assert [Verdict.FAILED] * len(verdicts) == verdicts
    assert (report.status is ReportStatus.VALID) == (length >= len(content))


def test_junk_before_the_xml_is_skipped(read_report: ReadReport) -> None:
    cases, report = read_report("warning: junk\n<?xml version='1.0'?>" + in_suite(case("a")))
    assert (1, ("14 bytes of junk before the XML",)) == (len(cases), report.problems)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "iso-8859-1"])
def test_encodings_are_understood(read_report: ReadReport, encoding: str) -> None:
    declared = "utf-8" if encoding == "utf-8-sig" else encoding.removesuffix("-le")
    text = f"<?xml version='1.0' encoding='{declared}'?>" + in_suite(case("é"))
    cases, report = read_report(text.encode(encoding))
    assert (["tests/test_a.py::é"], ReportStatus.VALID) == (list(cases), report.status)


@pytest.mark.parametrize(
    ("declared", "encoding"),
    [
        pytest.param("utf-16", "utf-8", id="StringWriter"),
        pytest.param("UTF-16", "utf-8-sig", id="StringWriter, marked"),
        pytest.param("utf-16le", "utf-8", id="little"),
        pytest.param("ucs-2", "utf-8", id="ucs-2"),
        pytest.param("utf-32", "utf-8", id="utf-32"),
        pytest.param("utf-16", "utf-16-be", id="big without a mark"),
        pytest.param("utf-8", "utf-16-le", id="recoded without a mark"),
    ],
)
def test_bytes_are_believed_rather_than_the_declaration(read_report: ReadReport, declared: str, encoding: str) -> None:
    text = f'<?xml version="1.0" encoding="{declared}"?>' + in_suite(case("é"))
    cases, report = read_report(text.encode(encoding))
    assert (["tests/test_a.py::é"], ReportStatus.VALID) == (list(cases), report.status)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("before", ["", " \r\n"])
def test_utf16_needs_neither_a_mark_nor_a_declaration(read_report: ReadReport, encoding: str, before: str) -> None:
    cases, report = read_report((before + in_suite(case("é"))).encode(encoding))
    assert (["tests/test_a.py::é"], ReportStatus.VALID) == (list(cases), report.status)


def test_a_problem_is_one_line(read_report: ReadReport) -> None:
    _, report = read_report(in_suite(case("a"), "<failure>\0</failure>", "<!-- a -- b", case("b")))
    assert report.problems
    assert [problem for problem in report.problems if problem.strip() != problem or "\n" in problem] == []


def test_a_control_character_costs_a_warning_not_the_report(read_report: ReadReport) -> None:
    cases, report = read_report(in_suite("<testcase classname='t' name='a\x01b' time='1'/>", case("next")))
    assert (2, ReportStatus.SUBOPTIMAL) == (len(cases), report.status)


def test_a_missing_end_tag_does_not_swallow_the_next_case(read_report: ReadReport) -> None:
    cases, _ = read_report(in_suite("<testcase classname='tests.test_a' name='open' time='1'><failure>", case("next")))
    assert [Verdict.FAILED, Verdict.PASSED] == [row.verdict for row in cases.values()]


def test_entities_that_would_explode_do_no_harm(read_report: ReadReport) -> None:
    levels = "".join(f"<!ENTITY a{n} '{f'&a{n - 1};' * 10}'>" for n in range(1, 10))
    bomb = f"<!DOCTYPE t [<!ENTITY a0 'ha'>{levels}]>" + in_suite(case("calm"), "<testcase name='&a9;'/>")
    cases, report = read_report(bomb)
    assert sum(map(len, cases)) < 1_000_000
    assert report.status is not ReportStatus.VALID


@pytest.mark.parametrize(
    "head",
    [
        pytest.param("<!DOCTYPE t SYSTEM '{0}'>", id="external DTD"),
        pytest.param("<!DOCTYPE t [<!ENTITY % p SYSTEM '{0}'> %p;]>", id="parameter entity"),
        pytest.param("<!DOCTYPE t [<!ENTITY x SYSTEM '{0}'>]>", id="external entity"),
    ],
)
def test_external_entities_are_never_opened(read_report: ReadReport, tmp_path: Path, head: str) -> None:
    secret = tmp_path / "secret"
    secret.write_text("<!ENTITY x 'SECRET'>")
    cases, _ = read_report(head.format(secret) + in_suite(case("a", "<failure>&x;</failure>"), case("b")))
    assert not [name for name in cases if "SECRET" in name]
    in_name, _ = read_report(head.format(secret) + in_suite("<testcase classname='tests.test_a' name='n&x;'/>"))
    assert not [name for name in in_name if "SECRET" in name]


def test_ampersands_in_names_survive(read_report: ReadReport) -> None:
    cases, _ = read_report(in_suite(case('a & <b> &amp; "c"')))
    assert ['tests/test_a.py::a & <b> &amp; "c"'] == list(cases)


def test_a_huge_text_is_no_obstacle(read_report: ReadReport) -> None:
    cases, report = read_report(in_suite(case("loud", f"<system-out><![CDATA[{'x' * 11_000_000}]]></system-out>")))
    assert (1, ReportStatus.VALID) == (len(cases), report.status)


def test_a_huge_report_comes_in_parts_that_lose_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tally, "PART_CASES", 100)
    content = in_suite(*(case(f"n{number}") for number in range(5_000)), case("n4999", "<failure/>"))
    *batches, report = bare_read(content.encode())
    assert [("report.xml", 1), ("report.xml", 2)] == [(batch.source, batch.part) for batch in batches[:2]]
    assert [f"tests/test_a.py::n{number}" for number in range(5_000)] == [
        row.case_id for batch in batches for row in batch.cases
    ]
    assert (5_000, 5_001, 1) == (report.cases, report.entries, report.failed)


def test_a_stream_that_breaks_keeps_what_was_read() -> None:
    class Breaking(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            data = super().read(size)
            if not data:
                raise EOFError("cut")
            return data

    stream = Breaking(in_suite(*(case(f"n{number}") for number in range(2_000))).encode())
    *_, report = read_junit(stream, source="report.xml", key=KEY)
    assert isinstance(report, Report)
    assert (2_000, ReportStatus.SUBOPTIMAL) == (report.cases, report.status)
    assert report.problems[-1].startswith("unreadable after")


def test_a_tracked_file_settles_where_the_module_ends(read_report: ReadReport) -> None:
    content = in_suite("<testcase classname='checks.api.users' name='works' time='1'/>")
    cases, _ = read_report(content, known_files=frozenset({"checks/api.py"}))
    assert ["checks/api.py::users::works"] == list(cases)


name = st.text(st.characters(exclude_categories=["C"], exclude_characters="\xa0"), min_size=1, max_size=20).filter(
    str.strip
)
verdict_child = {
    Verdict.PASSED: "",
    Verdict.FAILED: "<failure>no</failure>",
    Verdict.ERROR: "<error/>",
    Verdict.SKIPPED: "<skipped/>",
}


@given(st.dictionaries(name, st.tuples(st.sampled_from(list(verdict_child)), st.floats(0, 1e6)), max_size=20))
def test_what_was_written_is_what_is_read(rows: dict[str, tuple[Verdict, float]]) -> None:
    written = in_suite(*(case(key, verdict_child[verdict], time=repr(s)) for key, (verdict, s) in rows.items()))
    *batches, report = bare_read(written.encode())
    read = {row.case_id: (row.verdict, row.duration_s) for batch in batches for row in batch.cases}
    assert {f"tests/test_a.py::{key}": value for key, value in rows.items()} == read
    assert len(rows) == report.cases


markup = st.lists(
    st.sampled_from(
        [
            *(
                "<testsuites>",
                "</testsuites>",
                "<testsuite name='s'>",
                "</testsuite>",
                "</testcase>",
                "<failure>",
                "&x;",
            ),
            *("<testcase classname='a.test_b' name='c' time='1'>", "<testcase/>", "<![CDATA[", "]]>", "<!--", "\x01"),
            *("<!DOCTYPE a [<!ENTITY x 'y'>]>", "<?xml version='1.0'?>", "time='nan'", "<", ">", "&", "text", "\ufeff"),
        ]
    )
).map("".join)


@given(st.one_of(st.binary(max_size=200), markup.map(str.encode), st.text().map(str.encode)))
def test_no_bytes_bring_the_reader_down(content: bytes) -> None:
    *batches, report = bare_read(content)
    assert isinstance(report, Report)
    assert sum(len(batch.cases) for batch in batches) == report.cases
    assert (report.status is ReportStatus.INVALID) <= (report.cases == 0)


@pytest.mark.shared_data
def test_no_real_report_is_lost(read_report: ReadReport, real_formats: Path) -> None:
    reports = {path.name: read_report(path)[1] for path in sorted(real_formats.glob("*/*.xml"))}
    invalid = {name for name, report in reports.items() if report.status is ReportStatus.INVALID}
    assert {
        "coverage_cobertura.xml",
        "enrico__bad__empty.xml",
        "enrico__no-attributes.xml",
        "jenkins__testXxe-xxe.xml",
        "launchable__broken_xml__broken.xml",
        "launchable__ctest__Testing__latest__Test.xml",
        "launchable__dotnet__test-result.xml",
        "launchable__nunit__nunit-reporter-bug-with-nested-type.xml",
        "launchable__nunit__output-linux.xml",
        "launchable__robot__dryrun.xml",
        "launchable__robot__output.xml",
    } == invalid


@pytest.mark.shared_data
def test_every_case_of_a_real_report_is_read(read_report: ReadReport, real_formats: Path) -> None:
    for path in sorted(real_formats.glob("*/*.xml")):
        _, report = read_report(path)
        if report.status is not ReportStatus.INVALID and not any("truncated" in problem for problem in report.problems):
            walk = etree.iterparse(path, tag="{*}testcase", recover=True, huge_tree=True)
            assert (path.name, sum(1 for _ in walk)) == (path.name, report.entries)


@pytest.mark.shared_data
@pytest.mark.parametrize("report", ["pytest_xunit1.xml", "pytest_xunit2.xml", "pytest_xdist_xunit2.xml"])
def test_real_pytest_reports_name_what_was_collected(read_report: ReadReport, real_formats: Path, report: str) -> None:
    folder = real_formats / "pytest_generated"
    cases, _ = read_report(folder / report)
    collected = set((folder / "collect_only_q.txt").read_text(encoding="utf-8").partition("\n\n")[0].splitlines())
    assert {"tests/test_collect_error.py"} | collected >= set(cases) >= collected


@pytest.mark.parametrize(
    ("outcomes", "is_flaky"),
    [
        pytest.param(["<skipped/>", "<failure/>"], False, id="TestNG retried, and it failed again"),
        pytest.param(["<failure/>", "<skipped/>"], False, id="skipped elsewhere"),
        pytest.param(["<failure/>", ""], True, id="passed in the end"),
        pytest.param(["<failure/>", "<error/>"], False, id="failed differently"),
    ],
)
def test_a_skipped_entry_makes_no_case_flaky(read_report: ReadReport, outcomes: list[str], *, is_flaky: bool) -> None:
    entries = (f"<testcase classname='org.shop.CartTest' name='adds'>{outcome}</testcase>" for outcome in outcomes)
    cases, _ = read_report(f"<testsuite name='org.shop.CartTest'>{''.join(entries)}</testsuite>")
    assert (is_flaky, 2) == (cases["org.shop.CartTest::adds"].is_flaky, cases["org.shop.CartTest::adds"].attempts)


@pytest.mark.parametrize(
    ("suites", "span"),
    [
        pytest.param('<testsuite timestamp="2026-11-01T00:00:00" time="30"/>', (0, 30), id="one"),
        pytest.param(
            '<testsuite timestamp="2026-11-01T00:01:00" time="9"/>'
            '<testsuite timestamp="2026-11-01T00:00:00" time="30"/>',
            (0, 69),
            id="the last one ends it",
        ),
        pytest.param('<testsuite timestamp="2026-11-01T00:00:00" time="soon"/>', (0, None), id="no seconds"),
        pytest.param('<testsuite timestamp="2026-11-01T00:00:00"/>', (0, None), id="no time"),
        pytest.param('<testsuite time="30"/>', (None, None), id="no start"),
    ],
)
def test_suites_tell_when_they_began_and_ended(suites: str, span: tuple[int | None, int | None]) -> None:
    [report] = read_junit(io.BytesIO(f"<testsuites>{suites}</testsuites>".encode()), source="r", key=KEY)
    assert isinstance(report, Report)
    start = datetime(2026, 11, 1, tzinfo=UTC)
    moments = (report.started_at, report.ended_at)
    assert span == tuple(moment and (moment - start).total_seconds() for moment in moments)


def test_a_suite_at_the_end_of_time_does_no_harm() -> None:
    [report] = read_junit(io.BytesIO(b'<testsuite timestamp="9999-12-31T23:59:59" time="30"/>'), source="r", key=KEY)
    assert isinstance(report, Report)
    assert report.ended_at is None
