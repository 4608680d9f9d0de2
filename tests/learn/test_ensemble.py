"""Members, their weights, their calibration and their intervals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cipredict.forecast.probability import apply_sigmoid
from cipredict.learn.calibration import fit_sigmoid, reliability
from cipredict.learn.ensemble import combine, fit_weights
from cipredict.learn.history import History
from cipredict.learn.policies import order_of

pytestmark = pytest.mark.learn

ONES = np.ones(200, np.float32)


@pytest.mark.parametrize("task", ["probability", "seconds"])
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 1000), shares=st.tuples(*[st.floats(0.05, 1)] * 3))
def test_weights_are_convex_and_never_worse_than_the_start(
    task: str, seed: int, shares: tuple[float, float, float]
) -> None:
    generator = np.random.default_rng(seed)
    answers = {name: generator.uniform(0.01, 0.99, 200) for name in "abc"}
    y = (generator.uniform(size=200) < answers["b"]).astype(np.float32)
    start = {name: share / sum(shares) for name, share in zip("abc", shares, strict=True)}
    weights = fit_weights(task, answers, y=y, sample_weight=ONES, start=start)  # type: ignore[arg-type]  # both tasks

    def loss(candidate: dict[str, float]) -> float:
        p = combine(answers, candidate)
        return float(np.abs(p - y).mean() if task == "seconds" else -np.log(np.where(y > 0, p, 1 - p)).mean())

    assert min(weights.values()) >= 0
    assert sum(weights.values()) == pytest.approx(1)
    assert loss(weights) <= loss(start) + 1e-6


def test_the_member_that_knows_gets_the_weight() -> None:
    y = (np.arange(200) % 2).astype(np.float32)
    answers = {"knows": np.where(y > 0, 0.95, 0.05), "guesses": np.full(200, 0.5)}
    weights = fit_weights("probability", answers, y=y, sample_weight=ONES, start={"knows": 0.5, "guesses": 0.5})
    assert weights["knows"] > 0.95


def test_an_empty_window_keeps_the_start() -> None:
    empty = np.zeros(0, np.float32)
    weights = fit_weights("probability", {}, y=empty, sample_weight=empty, start={"a": 3.0, "b": 1.0})
    assert weights == {"a": 0.75, "b": 0.25}


@given(
    st.tuples(st.floats(0.05, 5), st.floats(-15, 15)),
    st.lists(st.floats(0, 1), min_size=2, max_size=20).map(sorted),
)
def test_calibration_keeps_ranks_and_range(parameters: tuple[float, float], scores: list[float]) -> None:
    p = apply_sigmoid(np.array(scores), parameters)
    assert (np.diff(p) >= 0).all()
    assert ((p >= 0) & (p <= 1)).all()


def test_calibration_mends_overconfidence() -> None:
    generator = np.random.default_rng(1)
    truth = generator.uniform(0.05, 0.6, 4000)
    y = (generator.uniform(size=4000) < truth).astype(np.float32)
    scores = apply_sigmoid(truth, (2.0, 1.0))
    weight = np.ones(4000, np.float32)
    calibrated = apply_sigmoid(scores, fit_sigmoid(scores, y, weight))
    assert np.abs(calibrated - truth).mean() < 0.02 < np.abs(scores - truth).mean()
    for row in reliability(calibrated, y, weight):
        assert row.mean_forecast == pytest.approx(row.observed, abs=0.03)


def test_one_class_leaves_scores_alone() -> None:
    assert fit_sigmoid(np.full(5, 0.2), np.zeros(5, np.float32), np.ones(5, np.float32)) == (1.0, 0.0)
    assert fit_sigmoid(np.zeros(0), np.zeros(0, np.float32), np.zeros(0, np.float32)) == (1.0, 0.0)


def test_the_calibration_table_counts_every_case_once() -> None:
    p = np.array([0.0, 0.002, 0.05, 0.5, 1.0])
    rows = reliability(p, np.array([0, 0, 0, 1, 1], np.float32), np.full(5, 2, np.float32))
    assert [(row.cases, row.observed) for row in rows] == [(2, 0), (2, 0), (2, 0), (4, 1)]


def test_ties_are_worth_chance() -> None:
    first = [int(order_of(np.zeros(4), seed=(0, number))[0]) for number in range(400)]
    assert all(70 < count < 130 for count in np.bincount(first, minlength=4))
    assert order_of(np.array([1.0, 3.0, 2.0]), seed=(0,)).tolist() == [1, 2, 0]
    assert order_of(np.zeros(9), seed=(0, 1)).tolist() == order_of(np.zeros(9), seed=(0, 1)).tolist()


def test_an_empty_history_of_failures_has_no_rows(make_history: Callable[..., History]) -> None:
    history = make_history("green", n_runs=3)
    assert replace(history, runs=[]).split(0.5) == 0
