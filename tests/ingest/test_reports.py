"""The sniffing reader: who reads what, that formats of one framework agree, and that damage never brings it down."""

from __future__ import annotations

import codecs
import io
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cipredict.ingest.interface import Report
from cipredict.records import CaseBatch, CaseRun, ReportStatus, RunKey, Verdict

pytest.importorskip("lxml", reason="needs lxml (pip install 'cipredict[store]')")
from cipredict.ingest.reports import read_report  # after the skip

pytestmark = pytest.mark.learn

ReadReport = Callable[..., tuple[dict[str, CaseRun], Report]]
SAMPLE_NAMES = sorted(
    path.relative_to(path.parents[1]).as_posix()
    for folder in ("reports", "junit")
    for path in (Path(__file__).parents[2] / "data" / "samples" / folder).iterdir()
    if path.suffix != ".txt"
)


COVERAGE = "; `cipredict ingest coverage` takes it in"
REPEATED = {"tests/test_cart.py::test_fails_twice", "tests/test_net.py::test_always_fails"}
"""Cases with several JUnit entries: where the last one is cut off, the earlier ones say something else."""


def verdicts(cases: dict[str, CaseRun]) -> dict[str, Verdict]:
    return {name: case.verdict for name, case in cases.items()}


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        pytest.param(b"", "empty file", id="empty"),
        pytest.param(b"  \n", "no test report: neither XML nor JSON", id="blank"),
        pytest.param(b"ran 3 tests, all fine\n", "no test report: neither XML nor JSON", id="text"),
        pytest.param(b"\x89PNG\r\n\x1a\n\0\0\0", "no test report: neither XML nor JSON", id="binary"),
        pytest.param(b"<html><body/></html>", "the root element is <html>, not JUnit's", id="another root"),
        pytest.param(b'{"name": "shop", "version": "1.0"}', "JSON, but no known test report", id="package.json"),
        pytest.param(b"<coverage/>", f"the root element is <coverage>, not JUnit's{COVERAGE}", id="Cobertura"),
        pytest.param(b"TN:\nSF:a.js\n", f"no test report: neither XML nor JSON{COVERAGE}", id="lcov"),
        pytest.param(b'{"files": {}, "totals": {}}', f"JSON, but no known test report{COVERAGE}", id="coverage json"),
        pytest.param(b"[]", "JSON, but no known test report", id="empty list"),
        pytest.param(b"null", "no test report: neither XML nor JSON", id="null"),
    ],
)
def test_what_is_no_report_is_invalid_and_says_why(read_any: ReadReport, content: bytes, problem: str) -> None:
    cases, report = read_any(content)
    assert ({}, ReportStatus.INVALID) == (cases, report.status)
    assert problem in report.problems


@pytest.mark.parametrize(
    ("content", "dialect"),
    [
        pytest.param(b"<!-- <testsuite/> --><robot/>", "robot", id="comment before the root"),
        pytest.param(b'<?xml version="1.0"?>\n<a:TestRun xmlns:a="x"/>', "trx", id="namespace prefix"),
        pytest.param(b"Starting...\n<Site/>", "ctest", id="junk before XML"),
        pytest.param("<robot/>".encode("utf-16"), "robot", id="UTF-16"),
        pytest.param(b'> jest --json\n{"testResults": [], "numRuntimeErrorTestSuites": 0}', "jest json", id="npm"),
        pytest.param(b'[1]\n{"Action":"start","Package":"a"}\n', "go test", id="list before lines"),
        pytest.param(b'building\n{"protocolVersion":"0.1.1","type":"start"}\n', "dart", id="text before lines"),
        pytest.param(b'{"results": {"tool": {"name": "x"}, "tests": []}}', "CTRF x", id="CTRF without its name"),
    ],
)
def test_the_format_is_told_by_its_first_bytes(read_any: ReadReport, content: bytes, dialect: str) -> None:
    assert dialect == read_any(content)[1].dialect


@pytest.mark.parametrize(
    ("first", "second", "known_files"),
    [
        pytest.param("junit/gotestsum.xml", "reports/go_test.jsonl", (), id="go"),
        pytest.param("junit/jest.xml", "reports/jest.json", ("src/cart.test.js", "src/prices.test.ts"), id="jest"),
        pytest.param("junit/vitest.xml", "reports/vitest.json", ("src/cart.spec.ts",), id="vitest"),
        pytest.param("junit/ctest.xml", "reports/ctest_Test.xml", (), id="ctest"),
        pytest.param("junit/pytest_xunit1.xml", "junit/pytest_xunit2.xml", (), id="pytest xunit"),
        pytest.param("junit/pytest_xunit2.xml", "reports/pytest_reportlog.jsonl", (), id="pytest reportlog"),
        pytest.param("junit/pytest_xunit2.xml", "reports/pytest_json_report.json", (), id="pytest json-report"),
        pytest.param("junit/pytest_xunit2.xml", "reports/cipredict_report.jsonl", (), id="cipredict"),
    ],
)
def test_formats_of_one_framework_agree(
    read_any: ReadReport, samples: Path, first: str, second: str, known_files: tuple[str, ...]
) -> None:
    one, _ = read_any(samples / first, known_files=frozenset(known_files))
    other, _ = read_any(samples / second, known_files=frozenset(known_files))
    assert verdicts(one) == verdicts(other)


@pytest.mark.parametrize(
    ("part", "whole"),
    [
        pytest.param("junit/mocha.xml", "reports/mocha.json", id="mocha, which leaves skipped ones out"),
        pytest.param("junit/playwright.xml", "reports/playwright.json", id="playwright, which leaves files out"),
        pytest.param("reports/pytest_ctrf.json", "junit/pytest_xunit2.xml", id="CTRF, which leaves files out"),
    ],
)
def test_a_poorer_format_has_the_same_ids(read_any: ReadReport, samples: Path, part: str, whole: str) -> None:
    poorer, richer = read_any(samples / part)[0], read_any(samples / whole)[0]
    assert [] == [name for name in poorer if name not in richer]
    assert len(poorer) > 1


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("first", "second", "known_file"),
    [
        pytest.param("pytest_generated/pytest_xunit1.xml", "pytest_generated/pytest_xunit2.xml", "", id="pytest xunit"),
        pytest.param("js_generated/vitest-junit.xml", "js_generated/vitest.json", "a.spec.js", id="vitest"),
        pytest.param("junit/launchable__playwright__report.xml", "launchable_json/launchable__playwright__report.json",
                     "", id="playwright"),
    ],
)  # fmt: skip
def test_real_formats_of_one_framework_agree(
    read_any: ReadReport, real_formats: Path, first: str, second: str, known_file: str
) -> None:
    known = frozenset({known_file})
    one, other = (read_any(real_formats / path, known_files=known)[0] for path in (first, second))
    assert verdicts(one) == verdicts(other)


@pytest.mark.shared_data
@pytest.mark.parametrize("name", ["pytest_reportlog.jsonl", "pytest_json_report.json", "pytest_xdist_xunit2.xml"])
def test_real_formats_of_pytest_agree(read_any: ReadReport, real_formats: Path, name: str) -> None:
    """These runs left out the module that does not import; json-report does not tell that a subtest failed."""
    folder = real_formats / "pytest_generated"
    one, other = read_any(folder / "pytest_xunit2.xml")[0], read_any(folder / name)[0]
    hidden = {"tests/sub/test_beta.py::TestU::test_subt"} if "json_report" in name else set()
    assert one.keys() - {"tests/test_collect_error.py"} == other.keys()
    assert hidden == {case for case in other if one[case].verdict is not other[case].verdict}


@pytest.mark.shared_data
def test_real_formats_of_jest_agree(read_any: ReadReport, real_formats: Path) -> None:
    """Only the JSON knows the file that does not load, and the test that is still to be written."""
    known = frozenset({"jt/a.test.js", "jt/b.test.js"})
    one = read_any(real_formats / "js_generated/jest-junit.xml", known_files=known)[0]
    other = read_any(real_formats / "js_generated/jest.json", known_files=known)[0]
    assert other.keys() - {"jt/b.test.js"} == one.keys()
    differing = {case for case in one if one[case].verdict is not other[case].verdict}
    assert {"jt/a.test.js::outer inner later"} == differing


def read_quickly(content: bytes) -> Report:
    begin = time.process_time()
    items = list(read_report(io.BytesIO(content), source="report", key=RunKey("local", "shop", "1")))
    assert time.process_time() - begin < 5.0
    *batches, report = items
    assert isinstance(report, Report)
    assert all(isinstance(batch, CaseBatch) for batch in batches)
    return report


@pytest.mark.parametrize("sample", SAMPLE_NAMES)
def test_a_report_cut_off_anywhere_keeps_only_finished_cases(samples: Path, read_any: ReadReport, sample: str) -> None:
    content = (samples / sample).read_bytes()
    whole, _ = read_any(content)
    for end in range(0, len(content), max(1, len(content) // 60)):
        cases, _ = read_any(content[:end])
        assert read_quickly(content[:end]).cases == len(cases)
        wrong = {name for name, case in cases.items() if name in whole and whole[name].verdict is not case.verdict}
        assert wrong <= REPEATED


@pytest.mark.parametrize("sample", SAMPLE_NAMES)
@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda content: codecs.BOM_UTF8 + content.removeprefix(codecs.BOM_UTF8), id="BOM"),
        pytest.param(lambda content: content.replace(b"a", b"\xff"), id="wrong encoding"),
        pytest.param(lambda content: content.replace(b'"', b"\0"), id="zeros"),
        pytest.param(lambda content: content + content, id="twice"),
        pytest.param(lambda content: b"garbage \x01\n" + content, id="garbage before"),
        pytest.param(lambda content: content + b"\n%&/ garbage", id="garbage after"),
        pytest.param(lambda content: content[::-1], id="backwards"),
        pytest.param(lambda content: content.replace(b":", b";"), id="no colons"),
        pytest.param(lambda content: content.replace(b"{", b"["), id="other brackets"),
        pytest.param(lambda content: content.replace(b"1", b"-1e999"), id="odd numbers"),
    ],
)
def test_damage_gives_one_report_and_no_error(samples: Path, sample: str, damage: Callable[[bytes], bytes]) -> None:
    read_quickly(damage((samples / sample).read_bytes()))


@pytest.mark.parametrize("sample", [name for name in SAMPLE_NAMES if name.endswith((".json", ".jsonl"))])
def test_json_may_be_utf16(samples: Path, read_any: ReadReport, sample: str) -> None:
    text = (samples / sample).read_text(encoding="utf-8")
    assert read_any(text)[0] == read_any(text.encode("utf-16"))[0]


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"[" * 200_000, id="arrays"),
        pytest.param(b'{"a":' * 200_000, id="objects"),
        pytest.param(b'{"suites":[' * 100_000, id="suites"),
        pytest.param(b"<robot>" + b"<suite name='a'>" * 100_000, id="robot suites"),
        pytest.param(b"<TestRun>" + b"<UnitTestResult>" * 100_000, id="trx results"),
        pytest.param(b'{"Action":"run","Package":"p","Test":' + b"[" * 100_000, id="a line"),
        pytest.param(b'{"testResults": ' + b"9" * 100_000 + b"}", id="a long number"),
        pytest.param(b'{"a": "' + b'\\"' * 1_000_000, id="a string of quotes"),
    ],
)
def test_deep_nesting_is_survived(content: bytes) -> None:
    read_quickly(content)


@pytest.mark.parametrize("root", ["robot", "test-run", "test-results", "assemblies", "TestRun", "Site"])
def test_entities_are_not_expanded(root: str) -> None:
    bomb = "".join(f'<!ENTITY e{level} "{f"&e{level - 1};" * 10}">' for level in range(1, 12))
    read_quickly(f'<!DOCTYPE r [<!ENTITY e0 "lol">{bomb}]><{root}><test name="&e11;"/>&e11;</{root}>'.encode())


def test_a_stream_that_breaks_is_a_report() -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise EOFError(f"Compressed file ended before {size} bytes")

    items = list(read_report(Broken(), source="report.gz", key=RunKey("local", "shop", "1")))
    assert ["unreadable after 0 bytes (Compressed file ended before 65536 bytes)"] == [
        problem for item in items if isinstance(item, Report) for problem in item.problems
    ]


def with_wrong_values(value: object, wrong: object) -> Iterator[object]:
    """Give the value once for each place in it, with something else there."""
    yield wrong
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from ({**value, key: other} for other in with_wrong_values(inner, wrong))
    elif isinstance(value, list):
        for place, inner in enumerate(value[:3]):
            yield from ([*value[:place], other, *value[place + 1 :]] for other in with_wrong_values(inner, wrong))


@pytest.mark.parametrize("wrong", [None, True, -1, 1e308, "x", [], {}, [[1]], {"a": {}}], ids=repr)
@pytest.mark.parametrize("sample", [name for name in SAMPLE_NAMES if name.endswith((".json", ".jsonl"))])
def test_a_value_of_a_wrong_kind_is_survived(samples: Path, sample: str, wrong: object) -> None:
    lines = (samples / sample).read_text(encoding="utf-8").splitlines()
    if sample.endswith(".json"):
        for document in with_wrong_values(json.loads("\n".join(lines)), wrong):
            read_quickly(json.dumps(document).encode())
    else:
        for place, line in enumerate(lines[:12]):
            for other in with_wrong_values(json.loads(line), wrong) if line.startswith("{") else ():
                read_quickly("\n".join([*lines[:place], json.dumps(other), *lines[place + 1 :]]).encode())
