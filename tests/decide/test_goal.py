"""Goals become seconds, and the backtest's curve answers for them."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cipredict.decide.goal import Budget, Confidence, Goal, Target, Time, budget_of, caught_at, needed_share
from cipredict.forecast.interface import ConfidenceCurve
from cipredict.stats import clopper_pearson

HUNDRED = ConfidenceCurve(tuple(at / 100 for at in range(1, 101)))
CURVES = st.lists(st.floats(0.001, 1.0), min_size=1, max_size=60).map(
    lambda shares: ConfidenceCurve(tuple(sorted(shares)))
)


@pytest.mark.parametrize(
    ("goal", "expected"),
    [
        pytest.param(Target(0.3), Budget(60.0), id="target"),
        pytest.param(Time(90.0), Budget(90.0), id="time"),
        pytest.param(Time(900.0), Budget(900.0), id="time above the suite's"),
        pytest.param(Confidence(0.95), Budget(192.0), id="confidence"),
        pytest.param(Confidence(0.07), Budget(16.0), id="a low confidence"),
    ],
)
def test_a_goal_is_seconds(goal: Goal, expected: Budget) -> None:
    assert expected.seconds == pytest.approx(budget_of(goal, total_s=200.0, curve=HUNDRED).seconds)
    assert not budget_of(goal, total_s=200.0, curve=HUNDRED).unmet


@pytest.mark.parametrize(
    ("share", "runs", "why"),
    [
        pytest.param(0.95, 71, "a confidence of 0.95 needs 72 failing runs in the backtest, it has 71", id="one short"),
        pytest.param(
            0.99, 100, "a confidence of 0.99 needs 368 failing runs in the backtest, it has 100", id="far off"
        ),
        pytest.param(0.5, 0, "a confidence of 0.5 needs 6 failing runs in the backtest, it has 0", id="no curve"),
        pytest.param(1.0, 10_000, "no backtest can show that every failing run is caught", id="certainty"),
    ],
)
def test_a_confidence_beyond_the_evidence_says_what_is_missing(share: float, runs: int, why: str) -> None:
    curve = ConfidenceCurve((0.1,) * runs)
    assert Budget(50.0, why) == budget_of(Confidence(share), total_s=50.0, curve=curve)


def test_a_confidence_is_met_as_soon_as_the_evidence_reaches() -> None:
    assert not budget_of(Confidence(0.95), total_s=50.0, curve=ConfidenceCurve((0.1,) * 72)).unmet


@given(curve=CURVES, share=st.floats(0.01, 1.0))
def test_the_needed_share_is_the_smallest_that_catches_enough(curve: ConfidenceCurve, share: float) -> None:
    """Enough counts the next run among those that may lie beyond."""
    needed = needed_share(curve, share)
    assert caught_at(curve, needed).p_caught >= share - 1e-6
    gaps = len(curve.needed_shares) + 1
    assert sum(one < needed for one in curve.needed_shares) < max(share * gaps, 1)


def test_floats_do_not_cost_a_place() -> None:
    """0.07 times 100 is a little more than 7 in floats."""
    assert needed_share(ConfidenceCurve(HUNDRED.needed_shares[:99]), 0.07) == 0.07


def test_a_confidence_beyond_the_last_run_needs_everything() -> None:
    assert needed_share(ConfidenceCurve((0.1, 0.2)), 0.9) == 1.0


@pytest.mark.parametrize("runs", [20, 89])
@pytest.mark.parametrize("share", [0.5, 0.8, 0.9])
def test_a_promise_is_kept_over_many_histories(runs: int, share: float) -> None:
    """The next failing run is caught at least as often as promised, and hardly more often, whatever runs need."""
    generator = Random(runs)  # noqa: S311  # a simulation, no secret
    caught, histories = 0, 4000
    for _ in range(histories):
        *past, following = (generator.betavariate(0.3, 3.0) for _ in range(runs + 1))
        caught += following <= needed_share(ConfidenceCurve(tuple(sorted(past))), share)
    noise = 3 * (share * (1 - share) / histories) ** 0.5
    assert share - noise <= caught / histories <= share + 1 / (runs + 1) + noise


@given(curve=CURVES, low=st.floats(0, 1), high=st.floats(0, 1))
def test_more_time_never_catches_less(curve: ConfidenceCurve, low: float, high: float) -> None:
    less, more = sorted((low, high))
    assert caught_at(curve, less).p_caught <= caught_at(curve, more).p_caught
    assert caught_at(curve, 1.0).p_caught == 1.0


def test_what_is_caught_has_an_exact_interval() -> None:
    estimate = caught_at(HUNDRED, 0.2)
    assert (estimate.p_caught, estimate.failing_runs) == (0.2, 100)
    assert (estimate.low, estimate.high) == clopper_pearson(20, 100)


def test_an_empty_curve_knows_nothing() -> None:
    assert caught_at(ConfidenceCurve(()), 0.5) == (0.0, 0.0, 1.0, 0)


@pytest.mark.parametrize(
    ("goal", "words"),
    [
        (Target(0.3), "target 0.3 of the suite's time"),
        (Time(600.0), "time 600 s"),
        (Confidence(0.95), "confidence 0.95 that a failing run is caught"),
    ],
)
def test_a_goal_says_itself(goal: Goal, words: str) -> None:
    assert words == str(goal)
