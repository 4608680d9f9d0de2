"""Whole sessions: what runs, in which order, what is said, and the exit code."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from cipredict.plans.document import MadeFrom, frame_plan
from cipredict.plans.selection_plan import PlannedCase, Reason, SelectionPlan
from cipredict.pytest_plugin import selector

pytest_plugins = ["pytester"]

SUITE = """
import pytest
@pytest.mark.parametrize("x", ["a::b", "[c]", "d/e", "f@g"])
def test_p(x): pass
class TestC:
    def test_m(self): pass
def test_z(): pass
"""
P = [f"test_a.py::test_p[{parameter}]" for parameter in ("a::b", "[c]", "d/e", "f@g")]
M, Z = "test_a.py::TestC::test_m", "test_a.py::test_z"
IDS = [*P, M, Z]


@pytest.fixture(autouse=True)
def _suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makepyfile(test_a=SUITE)


def write(pytester: pytest.Pytester, document: Mapping[str, object], name: str = "plan.json") -> str:
    path = pytester.path / name
    path.write_text(json.dumps(document))
    return f"--cipredict-plan={path}"


def selection(*skipped: str, order: tuple[str, ...] = tuple(IDS)) -> dict[str, object]:
    """Give a plan as `select-tests` writes it."""
    cases = tuple(PlannedCase(case, case not in skipped, Reason.WITHIN_BUDGET) for case in order)
    return SelectionPlan(cases=cases, made_from=MadeFrom("0")).to_document()


def sharding(*shards: list[str]) -> dict[str, object]:
    body = {"shards": [{"shard_id": number, "tests": tests} for number, tests in enumerate(shards)]}
    return frame_plan("cipredict.shard-plan/1", body)


def run(pytester: pytest.Pytester, *options: str) -> pytest.RunResult:
    return pytester.runpytest_inprocess("-p", "cipredict", "-p", "no:cacheprovider", *options)


def ran(pytester: pytest.Pytester, *options: str) -> list[str]:
    """Give the ids that ran, in order; every one of them passes."""
    report = pytester.path / "ran.jsonl"
    assert run(pytester, f"--cipredict-report={report}", *options).ret == 0
    lines = [json.loads(line) for line in report.read_text().splitlines()]
    return [line["nodeid"] for line in lines if line.get("when") == "call"]


def test_without_options_nothing_happens_and_no_hook_module_is_loaded(pytester: pytest.Pytester) -> None:
    program = (
        "import sys, pytest; pytest.main(['-q', '-p', 'cipredict']); "
        "print(sorted(name for name in sys.modules if name.startswith('cipredict')))"
    )
    output = subprocess.check_output([sys.executable, "-c", program], text=True, cwd=pytester.path)

    assert "6 passed" in output
    assert "['cipredict', 'cipredict.pytest_plugin']" in output


def test_the_plugin_loads_nothing_beyond_the_plans(pytester: pytest.Pytester) -> None:
    program = (
        "import sys, pytest; import cipredict.pytest_plugin.selector, cipredict.pytest_plugin.recorder; "
        "print([name for name in ('numpy', 'onnxruntime', 'typer', 'rich', 'duckdb') if name in sys.modules])"
    )
    assert subprocess.check_output([sys.executable, "-c", program], text=True, cwd=pytester.path) == "[]\n"


def test_skipped_cases_are_deselected_and_the_rest_keeps_its_order(pytester: pytest.Pytester) -> None:
    plan = write(pytester, selection(P[0], Z, order=(Z, M, *P)))

    assert ran(pytester, plan) == [*P[1:], M]
    run(pytester, plan).assert_outcomes(passed=4, deselected=2)


def test_unknown_cases_run(pytester: pytest.Pytester) -> None:
    assert ran(pytester, write(pytester, selection(*P, order=tuple(P)))) == [M, Z]


@pytest.mark.parametrize("flag", ["fallback", "observe", "order_only"])
def test_a_plan_that_runs_everything_deselects_nothing(pytester: pytest.Pytester, flag: str) -> None:
    assert ran(pytester, write(pytester, selection(*P) | {flag: True})) == IDS


def test_the_plans_order_is_followed_when_asked_with_unknown_cases_first(pytester: pytest.Pytester) -> None:
    plan = write(pytester, selection(P[0], order=(M, P[3], P[0], P[1], P[2])))

    assert ran(pytester, plan, "--cipredict-order") == [Z, M, P[3], P[1], P[2]]


def test_pytests_own_selection_comes_first(pytester: pytest.Pytester) -> None:
    assert ran(pytester, write(pytester, selection(P[0])), "-k", "test_p") == P[1:]


def test_the_last_failures_still_come_first_when_pytest_is_asked_for_them(pytester: pytest.Pytester) -> None:
    plan = write(pytester, selection(order=(Z, M, *P)))
    pytester.makepyfile(test_a=SUITE.replace("test_p(x): pass", "test_p(x): assert x != '[c]'"))
    pytester.runpytest_inprocess("-p", "cipredict", plan)

    result = pytester.runpytest_inprocess("-p", "cipredict", plan, "--cipredict-order", "--ff", "-v")

    result.stdout.fnmatch_lines(["*test_p* FAILED*", "*test_z PASSED*", "*test_m PASSED*"])


def test_a_shard_runs_what_its_plan_says_and_unknown_cases_run_once(pytester: pytest.Pytester) -> None:
    plan = write(pytester, sharding([M, P[1]], [P[0], "gone.py::x"]))

    first, second = ran(pytester, plan, "--cipredict-shard=1/2"), ran(pytester, plan, "--cipredict-shard=2/2")

    assert {M, P[1]} <= set(first)
    assert P[0] in second
    assert sorted(first + second) == sorted(IDS)


def test_a_selection_plan_and_a_shard_plan_work_together(pytester: pytest.Pytester) -> None:
    plans = [write(pytester, selection(*P)), write(pytester, sharding([M], [Z]), "shards.json")]

    assert ran(pytester, *plans, "--cipredict-shard=1/2") == [M]
    assert ran(pytester, *plans, "--cipredict-shard=2/2") == [Z]


@pytest.mark.parametrize("with_selection", [False, True])
def test_without_a_shard_plan_the_shards_are_even_and_complete(
    pytester: pytest.Pytester, *, with_selection: bool
) -> None:
    options = [write(pytester, selection(P[0]))] if with_selection else []

    shards = [ran(pytester, *options, f"--cipredict-shard={number}/2") for number in (1, 2)]

    assert sorted(shards[0] + shards[1]) == sorted(IDS[1:] if with_selection else IDS)
    assert {len(shard) for shard in shards} <= {2, 3}


def test_the_header_names_the_plan(pytester: pytest.Pytester) -> None:
    document = selection(P[0])

    result = run(pytester, write(pytester, document), "--cipredict-shard=1/2")

    result.stdout.fnmatch_lines([f"cipredict: selection plan {document['id']} (skips 1 of 6 cases), shard 1/2"])


BROKEN = [
    pytest.param("", "is not JSON", id="empty"),
    pytest.param("{", "is not JSON", id="cut-off"),
    pytest.param("[]", "holds schema None", id="list"),
    pytest.param('{"schema": "cipredict.selection-plan/2"}', "holds schema", id="newer"),
    pytest.param('{"schema": "cipredict.selection-plan/1"}', "'cases' is not a list", id="no-cases"),
    pytest.param('{"schema": "cipredict.shard-plan/1", "shards": []}', "'shards' is empty", id="no-shards"),
    pytest.param(b"\xff\xfe\x00", "is not JSON", id="binary"),
]


@pytest.mark.parametrize(("content", "words"), BROKEN)
def test_a_broken_plan_runs_everything_in_every_shard_and_says_so_in_one_line(
    pytester: pytest.Pytester, content: str | bytes, words: str
) -> None:
    (pytester.path / "plan.json").write_bytes(content.encode() if isinstance(content, str) else content)
    options = ("--cipredict-plan=plan.json", "--cipredict-shard=1/2", "--cipredict-order", "-q")

    assert ran(pytester, *options) == IDS
    result = run(pytester, *options)
    result.stdout.fnmatch_lines([f"cipredict: warning: The plan cannot be followed: *{words}*Every case runs.*"])
    assert str(result.stdout).count("cipredict: warning") == 1


def test_one_broken_plan_of_two_runs_everything(pytester: pytest.Pytester) -> None:
    (pytester.path / "shards.json").write_text("{")

    assert ran(pytester, write(pytester, selection(*P)), "--cipredict-plan=shards.json", "--cipredict-shard=1/2") == IDS


def test_warnings_turned_into_errors_do_not_fail_a_session_with_a_broken_plan(pytester: pytest.Pytester) -> None:
    (pytester.path / "plan.json").write_text("{")

    assert ran(pytester, "--cipredict-plan=plan.json", "-W", "error") == IDS


def test_without_a_terminal_the_warning_goes_to_stderr(pytester: pytest.Pytester) -> None:
    (pytester.path / "plan.json").write_text("{")

    result = run(pytester, "--cipredict-plan=plan.json", "-p", "no:terminal")

    assert result.ret == 0
    result.stderr.fnmatch_lines(["cipredict: warning: The plan cannot be followed: *"])


def test_a_bug_of_ours_runs_everything(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selector, "arrange", lambda *_: [99])
    plan = write(pytester, selection(*P))

    assert ran(pytester, plan) == IDS
    run(pytester, plan).stdout.fnmatch_lines(["cipredict: warning: This is a bug of cipredict, *"])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        pytest.param(("--cipredict-shard=5/4",), "such as 1/4", id="beyond"),
        pytest.param(("--cipredict-shard=0/2",), "such as 1/4", id="zero"),
        pytest.param(("--cipredict-plan=gone.json",), "there is no file", id="missing"),
        pytest.param(("--cipredict-plan=.",), "there is no file", id="folder"),
        pytest.param(("--cipredict-plan=a.json", "--cipredict-plan=b.json"), "second plan of its kind", id="twice"),
    ],
)
def test_an_option_that_cannot_be_meant_is_a_usage_error(
    pytester: pytest.Pytester, options: tuple[str, ...], words: str
) -> None:
    write(pytester, selection(), "a.json")
    write(pytester, selection(P[0]), "b.json")

    result = run(pytester, *options)

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert words in str(result.stderr)


def test_a_shard_plan_without_a_shard_runs_everything_and_says_what_is_missing(pytester: pytest.Pytester) -> None:
    plan = write(pytester, sharding([M], [Z]))

    assert ran(pytester, plan) == IDS
    run(pytester, plan).stdout.fnmatch_lines(["*A shard plan needs --cipredict-shard I/N*"])


def test_a_plan_for_another_number_of_shards_is_dealt_out_and_says_so(pytester: pytest.Pytester) -> None:
    plan = write(pytester, sharding(P, [M], [Z]))

    assert ran(pytester, plan, "--cipredict-shard=1/2") == [*P, Z]
    run(pytester, plan, "--cipredict-shard=1/2").stdout.fnmatch_lines(["*plan holds 3 shards*dealt out to 2 jobs*"])


def test_an_order_without_a_selection_plan_is_said_to_be_missing(pytester: pytest.Pytester) -> None:
    assert ran(pytester, "--cipredict-order") == IDS
    run(pytester, "--cipredict-order").stdout.fnmatch_lines(["*--cipredict-order needs a selection plan*"])


class TestExitCode:
    """5 becomes 0 only where our plan deselected everything that was left."""

    def test_everything_skipped_by_the_plan_is_success(self, pytester: pytest.Pytester) -> None:
        result = run(pytester, write(pytester, selection(*IDS)))

        assert result.ret == pytest.ExitCode.OK
        result.assert_outcomes(deselected=6)

    def test_an_empty_shard_is_success(self, pytester: pytest.Pytester) -> None:
        assert run(pytester, "--cipredict-shard=1/2", "-k", "test_z").ret == pytest.ExitCode.OK
        assert run(pytester, "--cipredict-shard=2/2", "-k", "test_z").ret == pytest.ExitCode.OK

    def test_nothing_matched_before_the_plan_had_a_say_stays_5(self, pytester: pytest.Pytester) -> None:
        result = run(pytester, write(pytester, selection(*IDS)), "-k", "nothing_like_this")

        assert result.ret == pytest.ExitCode.NO_TESTS_COLLECTED

    def test_an_empty_suite_stays_5(self, pytester: pytest.Pytester) -> None:
        (pytester.path / "test_a.py").write_text("")

        assert run(pytester, write(pytester, selection(*IDS))).ret == pytest.ExitCode.NO_TESTS_COLLECTED

    def test_a_collection_error_stays_red(self, pytester: pytest.Pytester) -> None:
        pytester.makepyfile(test_b="import nowhere_to_be_found")

        assert run(pytester, write(pytester, selection(*IDS))).ret == pytest.ExitCode.INTERRUPTED

    def test_a_failing_case_stays_red(self, pytester: pytest.Pytester) -> None:
        pytester.makepyfile(test_b="def test_red(): assert 0")

        assert run(pytester, write(pytester, selection(*IDS))).ret == pytest.ExitCode.TESTS_FAILED


class TestXdist:
    """Real workers, one session per test: they start slowly."""

    @pytest.fixture(autouse=True)
    def _needs_xdist(self) -> None:
        pytest.importorskip("xdist", reason="needs pytest-xdist")

    @staticmethod
    def run(pytester: pytest.Pytester, *options: str) -> pytest.RunResult:
        return pytester.runpytest_subprocess("-p", "xdist", "-p", "cipredict", "-n2", *options)

    @staticmethod
    def ids(path: Path) -> list[str]:
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        return [line["nodeid"] for line in lines if line.get("when") == "call"]

    def test_workers_agree_even_when_the_file_is_gone_before_they_start(self, pytester: pytest.Pytester) -> None:
        plan = write(pytester, selection(P[0], order=(Z, *P, M)))
        pytester.makeconftest(
            "import pathlib\n"
            "def pytest_configure_node(node):\n"
            "    pathlib.Path('plan.json').write_text('{')\n"  # each worker would read something else
        )
        report = pytester.path / "report.jsonl"

        result = self.run(pytester, plan, "--cipredict-order", f"--cipredict-report={report}", "--dist=loadgroup")

        assert result.ret == 0
        assert sorted(self.ids(report)) == sorted(IDS[1:])
        result.stdout.fnmatch_lines(["cipredict: selection plan * (skips 1 of 6 cases)"])

    def test_groups_of_xdist_do_not_hide_a_case_from_its_plan_or_report(self, pytester: pytest.Pytester) -> None:
        grouped = SUITE.replace("def test_z", "@pytest.mark.xdist_group('g')\ndef test_z").replace(
            "@pytest.mark.param", "@pytest.mark.xdist_group('h')\n@pytest.mark.param"
        )
        pytester.makepyfile(test_a=grouped)
        report = pytester.path / "report.jsonl"

        result = self.run(
            pytester, write(pytester, selection(P[0], M)), f"--cipredict-report={report}", "--dist=loadgroup"
        )

        assert result.ret == 0
        assert sorted(self.ids(report)) == sorted([*P[1:], Z])

    def test_everything_skipped_is_success_and_nothing_matched_is_not(self, pytester: pytest.Pytester) -> None:
        plan = write(pytester, selection(*IDS))

        assert self.run(pytester, plan).ret == pytest.ExitCode.OK
        assert self.run(pytester, plan, "-k", "nothing").ret == pytest.ExitCode.NO_TESTS_COLLECTED

    def test_a_broken_plan_runs_everything_and_warns_once(self, pytester: pytest.Pytester) -> None:
        (pytester.path / "plan.json").write_text("{")

        result = self.run(pytester, "--cipredict-plan=plan.json", "--cipredict-shard=1/2")

        result.assert_outcomes(passed=6)
        assert (str(result.stdout) + str(result.stderr)).count("cipredict: warning") == 1

    def test_a_worker_that_dies_costs_its_case_and_not_the_report(self, pytester: pytest.Pytester) -> None:
        pytester.makepyfile(test_a="import os\ndef test_dies(): os._exit(1)\ndef test_lives(): pass")
        report = pytester.path / "report.jsonl"

        result = self.run(pytester, f"--cipredict-report={report}", "--cipredict-shard=1/1")

        assert result.ret == pytest.ExitCode.TESTS_FAILED
        lines = [json.loads(line) for line in report.read_text().splitlines()]
        assert {
            line["nodeid"]: line["outcome"] for line in lines if "when" in line and line["when"] in ("call", "???")
        } == {"test_a.py::test_dies": "failed", "test_a.py::test_lives": "passed"}
