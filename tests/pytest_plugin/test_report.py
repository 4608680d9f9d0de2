"""`--cipredict-report`: a line per phase, whatever becomes of the case or of the file."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from cipredict.pytest_plugin import recorder

pytest_plugins = ["pytester"]


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")


def report(pytester: pytest.Pytester, code: str, *options: str) -> list[dict[str, object]]:
    pytester.makepyfile(test_a=code)
    pytester.runpytest_inprocess("-p", "cipredict", "--cipredict-report=out/report.jsonl", *options)
    return [json.loads(line) for line in (pytester.path / "out" / "report.jsonl").read_text().splitlines()]


def phases(lines: list[dict[str, object]]) -> list[tuple[object, object]]:
    return [(line["when"], line["outcome"]) for line in lines if line["$report_type"] == "TestReport"]


def test_every_phase_is_a_line_between_start_and_exit_code(pytester: pytest.Pytester) -> None:
    lines = report(pytester, "def test_x(): pass")

    assert [line["$report_type"] for line in lines] == ["SessionStart", *["TestReport"] * 3, "SessionFinish"]
    assert phases(lines) == [("setup", "passed"), ("call", "passed"), ("teardown", "passed")]
    assert {line["nodeid"] for line in lines[1:-1]} == {"test_a.py::test_x"}
    assert lines[0]["pytest_version"] == pytest.__version__
    assert lines[-1]["exitstatus"] == 0


def test_setup_is_timed_apart_from_the_call(pytester: pytest.Pytester) -> None:
    code = """
        import pytest, time
        @pytest.fixture
        def slow(): time.sleep(0.05)
        def test_x(slow): pass
    """
    durations = {line["when"]: line["duration"] for line in report(pytester, code) if "when" in line}

    setup = durations["setup"]
    assert isinstance(setup, float)
    assert setup >= 0.05


def test_errors_skips_and_expected_failures_are_told_apart(pytester: pytest.Pytester) -> None:
    code = """
        import pytest
        @pytest.fixture
        def broken(): raise OSError
        def test_error(broken): pass
        @pytest.mark.skip
        def test_skip(): pass
        @pytest.mark.xfail(reason="why")
        def test_xfail(): assert 0
    """
    lines = report(pytester, code)

    assert [(when, outcome) for when, outcome in phases(lines) if outcome != "passed"] == [
        ("setup", "failed"),
        ("setup", "skipped"),
        ("call", "skipped"),
    ]
    assert [line["wasxfail"] for line in lines if "wasxfail" in line] == ["why"]


def test_a_file_that_cannot_be_collected_is_a_line(pytester: pytest.Pytester) -> None:
    lines = report(pytester, "import nowhere_to_be_found")

    assert {"$report_type": "CollectReport", "nodeid": "test_a.py", "outcome": "failed"} in lines
    assert lines[-1] == {"$report_type": "SessionFinish", "exitstatus": 2}


def test_the_exit_code_is_the_one_the_plan_turned_into_success(pytester: pytest.Pytester) -> None:
    lines = report(pytester, "def test_x(): pass", "--cipredict-shard=1/2")

    assert lines[-1] == {"$report_type": "SessionFinish", "exitstatus": 0}


def test_subtests_do_not_count_as_phases_of_their_case(pytester: pytest.Pytester) -> None:
    code = """
        def test_x(subtests):
            with subtests.test("one"): pass
            with subtests.test("two"): assert 0
    """
    if not hasattr(pytest, "Subtests"):
        pytest.skip("pytest has subtests since version 9")
    lines = report(pytester, code)

    assert phases(lines) == [("setup", "passed"), ("call", "failed"), ("teardown", "passed")]
    assert sum(line["$report_type"] == "SubtestReport" for line in lines) == 2


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not tell the peak memory")
def test_the_memory_of_a_subtest_belongs_to_its_case(pytester: pytest.Pytester) -> None:
    if not hasattr(pytest, "Subtests"):
        pytest.skip("pytest has subtests since version 9")
    code = f"""
        import resource
        def test_x(subtests):
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * {1 if sys.platform == "darwin" else 1024}
            with subtests.test("big"): bytearray(peak)
    """
    (growth,) = (line["peak_memory_growth_bytes"] for line in report(pytester, code) if _is_call(line))

    assert isinstance(growth, int)
    assert growth > 10_000_000


def _is_call(line: dict[str, object]) -> bool:
    return (line["$report_type"], line.get("when")) == ("TestReport", "call")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not tell the peak memory")
def test_memory_goes_to_the_phase_that_needed_it(pytester: pytest.Pytester) -> None:
    code = f"""
        import resource
        def test_small(): pass
        def test_big():
            bytearray(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * {1 if sys.platform == "darwin" else 1024})
    """
    growth = {
        (str(line["nodeid"]).rpartition("::")[2], line["when"]): line["peak_memory_growth_bytes"]
        for line in report(pytester, code)
        if "when" in line
    }

    big = growth["test_big", "call"]
    assert isinstance(big, int)
    assert big > 10_000_000
    assert growth["test_big", "teardown"] == 0


def test_where_the_platform_tells_no_memory_the_field_is_left_out(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "resource", None)

    assert recorder.peak_memory_bytes() is None
    assert not any("peak_memory_growth_bytes" in line for line in report(pytester, "def test_x(): pass"))


def test_a_report_that_cannot_be_opened_costs_no_case(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_a="def test_x(): pass")
    (pytester.path / "out").write_text("a file, not a folder")

    result = pytester.runpytest_inprocess("-p", "cipredict", "--cipredict-report=out/report.jsonl")

    assert result.ret == 0
    result.stdout.fnmatch_lines(["cipredict: warning: cannot write the report *"])


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_costs_no_case(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_a="def test_x(): pass")

    result = pytester.runpytest_inprocess("-p", "cipredict", "--cipredict-report=/dev/full")

    assert result.ret == 0
    result.stdout.fnmatch_lines(["cipredict: warning: cannot write the report *No space left*"])
