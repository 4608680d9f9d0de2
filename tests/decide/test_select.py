"""Selecting: laws that hold for any suite, and the decisions that users rely on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import fsum
from random import Random
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cipredict.decide.goal import Confidence, Goal, Target, Time
from cipredict.decide.select import (
    SelectionRequest,
    choose,
    in_plan_order,
    plan_everything,
    plan_selection,
    rank,
)
from cipredict.forecast.interface import Basis, CaseForecast, ConfidenceCurve
from cipredict.forecast.priority import MIN_SECONDS
from cipredict.plans.document import MadeFrom, canonical_json
from cipredict.plans.selection_plan import ChangeSummary, Miss, Reason, SelectionPlan

CURVE = ConfidenceCurve(tuple(at / 100 for at in range(1, 101)))
HALF = Target(0.5)
SOURCE = ChangeSummary(base="b", head="h", paths=("src/cart.py",))


def case(
    name: str, p_fail: float = 0.1, expected_s: float = 1.0, *, runs: int = 9, is_red: bool = False
) -> CaseForecast:
    return CaseForecast(f"tests/test_a.py::{name}", p_fail, expected_s, Basis.MODEL, runs, is_red)


def request(
    forecasts: Sequence[CaseForecast], goal: Goal = HALF, *, change: ChangeSummary = SOURCE
) -> SelectionRequest:
    return SelectionRequest(
        forecasts=forecasts,
        change=change,
        goal=goal,
        curve=CURVE,
        made_from=MadeFrom("0"),
        is_mapped=lambda path: path.startswith("src/"),
        runs=100,
        min_runs=20,
        run_all=("*.lock",),
        ignored=("*.md",),
    )


def names(case_ids: Sequence[str]) -> list[str]:
    return [case_id.rpartition("::")[2] for case_id in case_ids]


def reasons(plan: SelectionPlan) -> dict[str, Reason]:
    return {name: one.reason for name, one in zip(names([c.case_id for c in plan.cases]), plan.cases, strict=True)}


CASES = st.builds(
    lambda name, p, s, runs, is_red: case(f"t{name}", p, s, runs=runs, is_red=is_red),
    st.integers(0, 10_000),
    st.floats(0, 1),
    st.floats(0, 100),
    st.sampled_from([0, 5, 5, 5, 5]),
    st.sampled_from([True, False, False, False]),
)
SUITES = st.lists(CASES, max_size=25, unique_by=lambda one: one.case_id)
GOALS = st.one_of(
    st.floats(0.001, 1.0).map(Target),
    st.floats(0.001, 500.0).map(Time),
    st.floats(0.05, 0.99).map(Confidence),
)


@given(suite=SUITES, goal=GOALS)
def test_every_candidate_is_decided_once(suite: list[CaseForecast], goal: Goal) -> None:
    plan = plan_selection(request(suite, goal))
    assert sorted(plan.selected + plan.skipped) == sorted(one.case_id for one in suite)


@given(suite=SUITES, goal=GOALS)
def test_what_must_run_runs(suite: list[CaseForecast], goal: Goal) -> None:
    plan = plan_selection(request(suite, goal))
    assert {one.case_id for one in suite if one.runs == 0 or one.is_red_at_base} <= set(plan.selected)


@given(suite=SUITES, goal=GOALS)
def test_the_budget_is_kept_unless_rules_overdraw_it(suite: list[CaseForecast], goal: Goal) -> None:
    plan = plan_selection(request(suite, goal))
    if plan.budget_s is not None:
        ruled_s = fsum(one.expected_s for one in suite if one.runs == 0 or one.is_red_at_base)
        assert plan.selected_s <= max(plan.budget_s, ruled_s) + 1e-6


@given(suite=SUITES, goal=GOALS)
def test_nothing_skipped_would_still_fit(suite: list[CaseForecast], goal: Goal) -> None:
    plan = plan_selection(request(suite, goal))
    if plan.budget_s is not None and plan.skipped:
        costs = {one.case_id: max(one.expected_s, MIN_SECONDS) for one in suite}
        left_s = plan.budget_s - fsum(costs[case_id] for case_id in plan.selected)
        assert min(costs[case_id] for case_id in plan.skipped) > left_s - 1e-6


@given(suite=SUITES, low=st.floats(0.001, 1.0), high=st.floats(0.001, 1.0))
def test_the_beginning_of_the_order_that_fits_runs_and_grows_with_the_budget(
    suite: list[CaseForecast], low: float, high: float
) -> None:
    """The curve's promise. All that runs need not grow: see the next test."""
    ordered = in_plan_order(suite, {})
    beginnings = []
    for share in sorted((low, high)):
        budget_s, beginning = share * fsum(max(one.expected_s, MIN_SECONDS) for one in ordered), 0
        while beginning < len(ordered):
            if fsum(max(one.expected_s, MIN_SECONDS) for one in ordered[: beginning + 1]) > budget_s:
                break
            beginning += 1
        assert {one.case_id for one in ordered[:beginning]} <= choose(ordered, {}, budget_s)
        beginnings.append(beginning)
    assert beginnings == sorted(beginnings)


def test_a_larger_budget_may_drop_a_short_case_for_a_riskier_long_one() -> None:
    ordered = [case("risky", 0.9, 10.0), case("short", 0.01, 5.0)]
    assert choose(ordered, {}, 9.0) == {ordered[1].case_id}
    assert choose(ordered, {}, 10.0) == {ordered[0].case_id}


@given(suite=SUITES, goal=GOALS, random=st.randoms(use_true_random=False))
def test_the_same_inputs_in_any_order_give_the_same_bytes(
    suite: list[CaseForecast], goal: Goal, random: Random
) -> None:
    shuffled = suite.copy()
    random.shuffle(shuffled)
    first, second = (canonical_json(plan_selection(request(one, goal)).to_document()) for one in (suite, shuffled))
    assert first == second


def test_risk_counts_per_second_and_ties_go_by_id() -> None:
    ranked = rank([case("slow", 0.5, 10.0), case("b", 0.1, 0.0), case("a", 0.1, 0.0), case("quick", 0.5, 0.1)])
    assert names([one.case_id for one in ranked]) == ["a", "b", "quick", "slow"]


def test_cases_that_always_run_come_first_and_pay() -> None:
    suite = [
        case("risky", 0.9, 4.0),
        case("red", 0.1, 3.0, is_red=True),
        case("new", 0.1, 1.0, runs=0),
        case("last", 0, 2.0),
    ]
    plan = plan_selection(request(suite, Time(7.0)))
    assert names([one.case_id for one in plan.cases]) == ["new", "red", "risky", "last"]
    assert names(plan.selected) == ["new", "red", "last"]
    assert reasons(plan) == {
        "new": Reason.NEW,
        "red": Reason.RED_AT_BASE,
        "risky": Reason.BEYOND_BUDGET,
        "last": Reason.WITHIN_BUDGET,
    }


def test_rules_may_overdraw_the_budget_and_leave_nothing() -> None:
    plan = plan_selection(request([case("red", 0.1, 9.0, is_red=True), case("other", 0.9, 0.0)], Time(1.0)))
    assert names(plan.selected) == ["red"]


def test_a_target_of_the_whole_suite_runs_it() -> None:
    plan = plan_selection(request([case(f"t{at}", 0.1, 0.1 * at) for at in range(50)], Target(1.0)))
    assert plan.skipped == []
    assert plan.miss == Miss(0.0, 0.0, 0.0, 100)
    assert plan.everything_because == ""


def test_a_confidence_is_answered_by_the_miss_it_asked_for() -> None:
    """Also where the last seconds of the budget fit no case."""
    plan = plan_selection(request([case(f"t{at:03}", 0.1, 1.0) for at in range(7)], Confidence(0.9)))
    assert plan.budget_s == pytest.approx(0.91 * 7)
    assert len(plan.selected) == 6
    assert plan.miss is not None
    assert plan.miss.p_miss_given_failure == pytest.approx(0.09)
    assert plan.miss.low < 0.09 < plan.miss.high


def test_rules_that_overdraw_the_budget_are_credited_for_what_they_catch() -> None:
    plan = plan_selection(request([case("red", 0.1, 8.0, is_red=True), case("x", 0.1, 2.0)], Target(0.1)))
    assert plan.miss is not None
    assert plan.miss.p_miss_given_failure == pytest.approx(0.2)


def test_a_drawn_commit_runs_in_full_and_says_why() -> None:
    plan = plan_selection(replace(request([case("a"), case("b")], Target(0.5)), full_run_share=1.0))
    assert plan.skipped == []
    assert plan.everything_because.startswith("one run in 1 runs in full")


def test_a_drawn_commit_that_moves_nothing_still_runs_nothing() -> None:
    prose = ChangeSummary(base="b", head="h", paths=("a.md",))
    plan = plan_selection(replace(request([case("a")], change=prose), full_run_share=1.0))
    assert plan.selected == []


def test_reruns_of_the_red_do_not_crowd_out_a_new_failure() -> None:
    red = [case(f"red{at:02}", 0.5)._replace(failed_last=True) for at in range(20)]
    order = names([one.case_id for one in rank([*red, case("fresh", 0.3)])])
    assert order.index("fresh") == 2
    assert order[3:6] == [f"red{at:02}" for at in range(2, 5)]


def test_a_confidence_beyond_the_evidence_runs_everything_and_says_so() -> None:
    plan = plan_selection(request([case("a"), case("b")], Confidence(0.999)))
    assert plan.skipped == []
    assert plan.everything_because.startswith(
        "a confidence of 0.999 needs 3688 failing runs in the backtest, it has 100"
    )
    assert not plan.fallback
    assert plan.budget_s is None
    assert set(reasons(plan).values()) == {Reason.EVERYTHING}


@pytest.mark.parametrize(
    ("path", "why"),
    [
        pytest.param("uv.lock", "uv.lock can move any case", id="rule"),
        pytest.param("lib/unknown.c", "nothing is known of what lib/unknown.c moves", id="unmapped"),
    ],
)
def test_everything_runs_in_order_of_risk_when_a_path_demands_it(path: str, why: str) -> None:
    change = replace(SOURCE, paths=("src/cart.py", path))
    plan = plan_selection(request([case("low", 0.1), case("high", 0.2)], Target(0.1), change=change))
    assert names(plan.selected) == ["high", "low"]
    assert plan.everything_because == why


def test_a_change_of_prose_runs_only_what_always_runs() -> None:
    change = replace(SOURCE, paths=("README.md",))
    plan = plan_selection(request([case("risky", 0.9, 0.0), case("red", 0.1, is_red=True)], Target(1.0), change=change))
    assert names(plan.selected) == ["red"]
    assert reasons(plan)["risky"] is Reason.NOTHING_MOVED
    assert plan.miss is None


def test_a_change_of_prose_may_select_nothing_and_says_so() -> None:
    plan = plan_selection(request([case("a")], change=replace(SOURCE, paths=("README.md",))))
    assert plan.to_document()["has_tests"] is False


def test_a_changed_test_file_runs_its_cases_though_nothing_else_is_known_of_it() -> None:
    change = replace(SOURCE, paths=("tests/test_a.py",))
    plan = plan_selection(request([case("a"), case("b")], Target(0.01), change=change))
    assert set(reasons(plan).values()) == {Reason.CHANGED}
    assert plan.everything_because == ""


def test_must_run_globs_are_heard() -> None:
    asked = replace(request([case("a"), case("smoke_b")], Target(0.01)), must_run=("**::smoke*",))
    assert reasons(plan_selection(asked))["smoke_b"] is Reason.MUST_RUN


def test_a_repeated_candidate_is_decided_once() -> None:
    assert len(plan_selection(request([case("a"), case("a", 0.5)])).cases) == 1


def test_no_candidate_is_no_division_by_zero() -> None:
    plan = plan_selection(request([]))
    assert (plan.cases, plan.history_share, plan.to_run) == ((), None, [])


def test_without_a_curve_the_miss_is_unknown() -> None:
    asked = replace(request([case("a"), case("b")]), curve=ConfidenceCurve(()))
    assert plan_selection(asked).miss is None


def test_observing_and_ordering_run_everything_and_still_decide() -> None:
    for flags in ({"observe": True}, {"order_only": True}):
        plan = plan_selection(replace(request([case("a", 0.2), case("b")]), **flags))  # type: ignore[arg-type]  # a dict hides the types
        assert names(plan.to_run) == ["a", "b"]
        assert names(plan.skipped) == ["b"]
        assert plan.to_run_s == 2.0


def test_the_share_of_candidates_with_history_is_told() -> None:
    assert plan_selection(request([case("a"), case("b", runs=0)])).history_share == 0.5


def test_everything_without_a_forecast_is_a_fallback_that_says_why() -> None:
    plan = plan_everything(["b", "a", "b"], reason="No bundle.", made_from=MadeFrom("0"))
    assert plan.selected == ["b", "a"]
    assert (plan.fallback, plan.fallback_reason) == (True, "No bundle.")
    assert (plan.is_timed, plan.history_share) == (False, None)


def test_ten_thousand_candidates_are_chosen_in_30_ms() -> None:
    ordered = in_plan_order([case(f"t{at}", (at % 97) / 97, (at % 89) / 10) for at in range(10_000)], {})
    always = {one.case_id: Reason.CHANGED for one in ordered[::50]}
    seconds = []
    for _ in range(5):
        begun = process_time()
        choose(ordered, always, 9_000.0)
        seconds.append(process_time() - begun)
    assert min(seconds) < 0.030
