"""What runners, workflows and people see of a selection plan; pytest itself says what its arguments mean."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cipredict.plans.document import MadeFrom, canonical_json
from cipredict.plans.selection_plan import Miss, PlannedCase, Reason, SelectionPlan
from cipredict.render.selection import (
    FORMATS,
    NOTHING_FOR_PYTEST,
    render_explanation,
    render_github,
    render_output,
    render_selection,
    render_step_summary,
    say_selection,
)

RUN, SKIP = Reason.WITHIN_BUDGET, Reason.BEYOND_BUDGET
MISS = Miss(0.05, 0.0164, 0.1128, 100)


def plan_of(run: Sequence[str], skip: Sequence[str] = (), *, miss: Miss | None = MISS) -> SelectionPlan:
    cases = [PlannedCase(name, True, RUN, "imports a changed file", "model", 0.25, 1.5) for name in run]  # noqa: FBT003  # positional tuple
    cases += [PlannedCase(name, False, SKIP, "", "model", 0.0001, 60.0) for name in skip]  # noqa: FBT003  # as above
    made_from = MadeFrom("0.1.0", forecast="0123456789ab", model="7")
    return SelectionPlan(tuple(cases), made_from, "target 0.2", miss=miss, history_share=1.0, budget_s=20.0)


PLAN = plan_of(["a.py::test_a", "b.py::test_b[x]"], ["a.py::test_c"])
EMPTY = plan_of([], ["a.py::test_a"])
FALLBACK = SelectionPlan(
    (PlannedCase("a.py::test_a", is_selected=True, reason=Reason.EVERYTHING),),
    MadeFrom("0.1.0"),
    everything_because="No bundle.",
    fallback=True,
    fallback_reason="No bundle.",
)


def text_of(table: str) -> list[str]:
    return [" ".join(line.split()) for line in table.splitlines()]


@pytest.mark.parametrize(
    ("output_format", "exclude", "expected"),
    [
        ("lines", False, "a.py::test_a\nb.py::test_b[x]\n"),
        ("lines", True, "a.py::test_c\n"),
        ("pytest-args", False, "a.py::test_a\nb.py::test_b[x]\n"),
        ("pytest-args", True, "--deselect=a.py::test_c\n"),
        ("json", False, canonical_json(PLAN.to_document())),
        ("github", False, render_github(PLAN)),
    ],
)
def test_each_format_on_stdout(output_format: str, expected: str, *, exclude: bool) -> None:
    assert output_format in FORMATS
    assert expected == render_output(PLAN, output_format=output_format, exclude=exclude)


def test_an_empty_selection_is_never_an_empty_argument_file() -> None:
    assert render_output(EMPTY, output_format="pytest-args", exclude=False).splitlines() == list(NOTHING_FOR_PYTEST)
    assert render_output(EMPTY, output_format="lines", exclude=False) == ""


def test_observing_and_ordering_list_every_case_and_exclude_none() -> None:
    for plan in (replace(PLAN, observe=True), replace(PLAN, order_only=True)):
        assert render_output(plan, output_format="lines", exclude=False).count("\n") == 3
        assert render_output(plan, output_format="pytest-args", exclude=True) == ""


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    tests = tmp_path / "tests"
    tests.mkdir()
    functions = "".join(f"def {name}(): pass\n" for name in ("test_a", "test_ab", "test_b"))
    parametrised = "import pytest\n@pytest.mark.parametrize('x', ['1', '1 2', 'ä'])\ndef test_p(x): pass\n"
    (tests / "test_one.py").write_text(functions + parametrised, encoding="utf-8")
    (tmp_path / "test_two.py").write_text(functions, encoding="utf-8")
    return tmp_path


def run_pytest(folder: Path, *arguments: str) -> tuple[int, list[str]]:
    """Run pytest for real; give its exit code and the ids that ran."""
    command = [sys.executable, "-m", "pytest", "-v", "-p", "no:cacheprovider", *arguments]
    bare = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": ""}  # plugins take seconds to load
    done = subprocess.run(command, cwd=folder, env=bare, capture_output=True, text=True, check=False)
    return done.returncode, [line.partition(" PASSED")[0] for line in done.stdout.splitlines() if " PASSED" in line]


def write_arguments(folder: Path, plan: SelectionPlan, *, exclude: bool = False) -> str:
    path = folder / "arguments.txt"
    path.write_text(render_output(plan, output_format="pytest-args", exclude=exclude), encoding="utf-8")
    return f"@{path}"


@pytest.mark.parametrize(
    "besides",
    [
        pytest.param((), id="alone"),
        pytest.param(("tests",), id="with a folder"),
        pytest.param(("tests/test_one.py::test_a",), id="with a case by name"),
        pytest.param((".", "--rootdir=.."), id="with another root"),
    ],
)
def test_pytest_runs_nothing_for_an_empty_selection(suite: Path, besides: tuple[str, ...]) -> None:
    code, ran = run_pytest(suite, write_arguments(suite, EMPTY), *besides)
    assert (code, ran) == (pytest.ExitCode.NO_TESTS_COLLECTED, [])


def test_pytest_runs_the_selected_cases_in_order(suite: Path) -> None:
    chosen = ["tests/test_one.py::test_p[1 2]", "test_two.py::test_b", "tests/test_one.py::test_a"]
    code, ran = run_pytest(suite, write_arguments(suite, plan_of(chosen)))
    assert (code, sorted(ran)) == (0, sorted(chosen))


def test_pytest_runs_all_but_the_excluded_cases_and_never_fewer(suite: Path) -> None:
    """`--deselect` goes by prefix: `test_a` would take `test_ab` with it, so it stays in."""
    everything = run_pytest(suite)[1]
    excluded = ["tests/test_one.py::test_a", "tests/test_one.py::test_b", "tests/test_one.py::test_p[1]"]
    plan = plan_of([case for case in everything if case not in excluded], excluded)
    code, ran = run_pytest(suite, write_arguments(suite, plan, exclude=True))
    assert (code, sorted(set(everything) - set(ran))) == (0, excluded[1:])


@given(data=st.data(), ids=st.lists(st.text("ab[", min_size=1, max_size=4), max_size=8, unique=True))
def test_no_exclusion_takes_a_running_case_with_it(data: st.DataObject, ids: list[str]) -> None:
    running = data.draw(st.sets(st.sampled_from(ids)) if ids else st.just(set()))
    plan = plan_of(sorted(running), [one for one in ids if one not in running])
    lines = render_output(plan, output_format="pytest-args", exclude=True).splitlines()
    prefixes = [line.removeprefix("--deselect=") for line in lines]
    assert not any(case.startswith(prefix) for case in running for prefix in prefixes)


def outputs_of(plan: SelectionPlan, *, exclude: bool = False) -> dict[str, str]:
    return dict(line.split("=", 1) for line in render_github(plan, exclude=exclude).splitlines())


def test_github_outputs_of_a_plan() -> None:
    expected = {
        "has_tests": "true",
        "count": "2",
        "total": "3",
        "est_seconds": "3.0",
        "est_saved_seconds": "60.0",
        "confidence": "0.9500",
        "model_version": "7",
        "fallback": "false",
        "fallback_reason": "",
        "observe": "false",
        "tests": '["a.py::test_a", "b.py::test_b[x]"]',
    }
    assert expected == outputs_of(PLAN)


def test_github_outputs_of_a_fallback_claim_no_seconds() -> None:
    outputs = outputs_of(FALLBACK)
    assert (outputs["fallback"], outputs["fallback_reason"]) == ("true", "No bundle.")
    assert (outputs["est_seconds"], outputs["est_saved_seconds"]) == ("", "")
    assert (outputs["confidence"], outputs["model_version"]) == ("1.0000", "")


def test_github_outputs_of_an_empty_selection_say_so() -> None:
    outputs = outputs_of(EMPTY)
    assert (outputs["has_tests"], outputs["count"], outputs["tests"]) == ("false", "0", "[]")


def test_github_outputs_while_observing_tell_what_really_runs() -> None:
    outputs = outputs_of(replace(PLAN, observe=True))
    assert (outputs["count"], outputs["est_saved_seconds"], outputs["confidence"]) == ("3", "0.0", "1.0000")


def test_github_outputs_can_name_the_skipped_cases() -> None:
    outputs = outputs_of(PLAN, exclude=True)
    assert json.loads(outputs["skipped_tests"]) == ["a.py::test_c"]
    assert "tests" not in outputs


def test_github_outputs_leave_out_lists_that_are_too_large() -> None:
    outputs = outputs_of(plan_of([f"tests/test_{at}.py::test_{'x' * 40}" for at in range(10_000)]))
    assert "tests" not in outputs
    assert outputs["count"] == "10000"


@pytest.mark.parametrize(
    ("miss", "confidence"),
    [
        pytest.param(Miss(0.0, 0.0, 0.04, 90), "0.9999", id="never a false certainty"),
        pytest.param(None, "", id="unknown"),
    ],
)
def test_confidence_is_no_more_than_was_measured(miss: Miss | None, confidence: str) -> None:
    assert confidence == outputs_of(plan_of(["a"], ["b"], miss=miss))["confidence"]


def test_the_table_has_subset_remainder_and_total() -> None:
    rows = text_of(render_selection(PLAN))
    assert rows[0] == "Selection"
    assert rows[1] == "cases of cases of time expected"
    assert rows[3:] == [
        "selected 2 66.7% 4.8% 3.0 s",
        "remainder 1 33.3% 95.2% 1m00s",
        "total 3 100.0% 100.0% 1m03s",
    ]


def test_a_small_share_is_never_shown_as_none_or_all() -> None:
    rows = text_of(render_selection(plan_of([f"t{at}" for at in range(3_000)], ["x"], miss=None)))
    assert rows[3].split()[2] == ">99.9%"
    assert rows[4].split()[2] == "<0.1%"


def test_a_fallback_shows_dashes_for_time() -> None:
    assert text_of(render_selection(FALLBACK))[3:] == [
        "selected 1 100.0% - -",
        "remainder 0 0.0% - -",
        "total 1 100.0% - -",
    ]


def test_the_table_of_no_candidates_divides_by_nothing() -> None:
    assert text_of(render_selection(SelectionPlan((), MadeFrom("0"))))[3] == "selected 0 - - -"


@pytest.mark.parametrize(
    ("plan", "sentence"),
    [
        (PLAN, "A failing run would slip through with 5.0% (1.6% to 11.3%, from 100 failing runs of the backtest)."),
        (PLAN, "100.0% of the candidates have history."),
        (replace(PLAN, budget_s=1.0), "The cases that always run exceed the budget."),
        (replace(PLAN, everything_because="uv.lock can move any case"), "Everything runs: uv.lock can move any case."),
        (replace(PLAN, observe=True), "Observing: the plan is logged, everything runs."),
        (replace(PLAN, order_only=True), "Only the order follows the plan: everything runs."),
        (EMPTY, "No case runs (has_tests=false): do not start the runner with an empty list."),
    ],
)
def test_people_are_told(plan: SelectionPlan, sentence: str) -> None:
    assert sentence in say_selection(plan)


def test_a_fallback_claims_no_share_of_history() -> None:
    assert say_selection(FALLBACK) == []


def test_each_case_is_explained() -> None:
    rows = text_of(render_explanation(PLAN))
    assert rows[0] == "Why"
    assert rows[3] == "a.py::test_a run its risk for its time is within the budget imports a changed file 25.0% 1.500"
    assert rows[5] == "a.py::test_c skip its risk for its time is beyond the budget - <0.1% 60.000"


def test_an_explanation_of_many_cases_says_what_it_leaves_out() -> None:
    rows = text_of(render_explanation(PLAN, limit=1))
    assert rows[0] == "Why (the first 1 of 3; all are in the plan)"
    assert len(rows) == 4


def test_an_unforecast_case_is_explained_by_dashes() -> None:
    assert text_of(render_explanation(FALLBACK))[3] == "a.py::test_a run everything runs - - -"


def test_the_step_summary_holds_sums_reasons_and_cases() -> None:
    lines = render_step_summary(PLAN).splitlines()
    assert "| selected | 2 | 66.7% | 4.8% | 3.0 s |" in lines
    assert "| run | its risk for its time is within the budget | 2 |" in lines
    assert "| skip | its risk for its time is beyond the budget | 1 |" in lines
    assert "<details><summary>The first 2 of 2 cases</summary>" in lines
    assert "| <code>a.py::test_a</code> | its risk for its time is within the budget | 25.0% |" in lines


def test_the_step_summary_of_a_fallback_says_why_and_lists_no_case() -> None:
    summary = render_step_summary(FALLBACK)
    assert "**Fallback, everything runs:** No bundle." in summary
    assert "details" not in summary


def test_the_step_summary_of_no_candidates_is_short() -> None:
    assert "reason" not in render_step_summary(SelectionPlan((), MadeFrom("0")))
