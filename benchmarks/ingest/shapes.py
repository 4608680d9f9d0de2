"""Reports of the shapes that CI produces, of any size: what the benchmarks of this folder read.

Deterministic, and written as a stream: a report of a gigabyte costs no memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

Chunks = Iterator[str]

TRACEBACK = "E   assert 1 == 2\n" * 20
LONG_TRACEBACK = (
    "    at com.acme.shop.Cart.total(Cart.java:42) <- expected <12> but was <13>\n".replace("<", "&lt;") * 260
)


def pytest_xunit2(cases: int) -> Chunks:
    """Write one suite; a failure in fifty with its traceback, a skip in thirty-three."""
    yield '<?xml version="1.0" encoding="utf-8"?><testsuites name="pytest tests">'
    yield f'<testsuite name="pytest" tests="{cases}" time="1" timestamp="2026-11-23T21:37:31.246762+00:00">'
    for number in range(cases):
        module = number // 40
        yield f'<testcase classname="tests.unit.package{module % 37}.test_module{module}.TestThing" '
        yield f'name="test_case[{number % 40}]" time="{number * 7919 % 1000 / 1000:.3f}"'
        yield _outcome(number)
    yield "</testsuite></testsuites>"


def pytest_xunit1(cases: int) -> Chunks:
    """Write the same with file and line."""
    yield '<?xml version="1.0" encoding="utf-8"?><testsuites><testsuite name="pytest" errors="0">'
    for number in range(cases):
        module = number // 40
        folder = f"package{module % 37}"
        yield f'<testcase classname="tests.unit.{folder}.test_module{module}.TestThing" name="test_case[{number % 40}]"'
        yield f' file="tests/unit/{folder}/test_module{module}.py" line="{number % 400}"'
        yield f' time="{number * 7919 % 1000 / 1000:.3f}"'
        yield _outcome(number)
    yield "</testsuite></testsuites>"


def long_failures(cases: int) -> Chunks:
    """Let one case in fifty carry 20 kB of text."""
    yield '<testsuites><testsuite name="pytest">'
    for number in range(cases):
        yield f'<testcase classname="tests.test_module{number // 40}" name="test_case[{number % 40}]" time="0.01"'
        is_failed = number % 50 == 0
        yield f'><failure message="assert">{LONG_TRACEBACK}</failure></testcase>\n' if is_failed else " />\n"
    yield "</testsuite></testsuites>"


def surefire(cases: int) -> Chunks:
    """Write suites of twenty cases under sixty properties; one of them prints."""
    location = "https://maven.apache.org/surefire/maven-surefire-plugin/xsd/surefire-test-report-3.0.xsd"
    properties = "".join(f'    <property name="java.property.{n}" value="some value of {n}"/>\n' for n in range(60))
    yield "<testsuites>"
    for begin in range(0, cases, 20):
        suite = f"com.acme.package{begin % 37}.Thing{begin // 20}Test"
        yield '<testsuite xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        yield f'xsi:noNamespaceSchemaLocation="{location}" name="{suite}" time="0.2" tests="20">\n'
        yield f"  <properties>\n{properties}  </properties>\n"
        for number in range(begin, min(begin + 20, cases)):
            yield f'  <testcase name="testCase{number}" classname="{suite}" time="0.{number % 1000:03}"'
            is_loud = number % 20 == 7
            yield f"><system-out><![CDATA[{TRACEBACK * 5}]]></system-out></testcase>\n" if is_loud else "/>\n"
        yield "</testsuite>\n"
    yield "</testsuites>"


def lonely(cases: int) -> Chunks:
    """Write a suite for every case."""
    yield "<testsuites>"
    for number in range(cases):
        yield f'<testsuite name="Suite{number}" tests="1" failures="0" time="0.1" timestamp="2026-11-23T21:37:31">'
        yield f'<testcase name="case" classname="shop.Suite{number}" time="0.1"/></testsuite>\n'
    yield "</testsuites>"


def _outcome(number: int) -> str:
    if number % 50 == 0:
        return f'><failure message="assert 1 == 2">{TRACEBACK}</failure></testcase>'
    if number % 33 == 0:
        return '><skipped type="pytest.skip" message="no">no</skipped></testcase>'
    return " />"


SHAPES: dict[str, Callable[[int], Chunks]] = {
    shape.__name__: shape for shape in (pytest_xunit2, pytest_xunit1, long_failures, surefire, lonely)
}


def write_report(path: Path, cases: int, *, shape: str = "pytest_xunit2") -> None:
    """Write a report of that many cases."""
    with path.open("w", encoding="utf-8") as file:
        file.writelines(SHAPES[shape](cases))
