"""Orders are scored as the papers say, written out case by case."""

from __future__ import annotations

import doctest
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cipredict.learn import metrics
from cipredict.learn.metrics import OrderScore, score_order

pytestmark = pytest.mark.learn
SUITES = st.lists(st.tuples(st.floats(0.002, 100), st.booleans()), min_size=1, max_size=8).filter(
    lambda suite: any(target for _, target in suite)
)


def naive(order: list[int], seconds: list[float], targets: list[bool]) -> OrderScore:
    n, m, total = len(order), sum(targets), sum(seconds)
    ranks, costs, firsts = 0, 0.0, []
    for rank, case in enumerate(order, start=1):
        if targets[case]:
            ranks += rank
            costs += sum(seconds[later] for later in order[rank - 1 :]) - seconds[case] / 2
            firsts.append(sum(seconds[earlier] for earlier in order[:rank]) / total)
    return OrderScore(1 - ranks / (n * m) + 1 / (2 * n), costs / (total * m), firsts[0])


def test_the_example_in_the_docstring_holds() -> None:
    assert doctest.testmod(metrics) == (0, 1)


@given(SUITES, st.randoms(use_true_random=False))
def test_scores_agree_with_a_naive_computation(suite: list[tuple[float, bool]], random: object) -> None:
    order = list(range(len(suite)))
    random.shuffle(order)  # type: ignore[attr-defined]  # hypothesis types its Random as object
    seconds, targets = [s for s, _ in suite], [t for _, t in suite]
    expected, actual = (
        naive(order, seconds, targets),
        score_order(np.array(order), np.array(seconds), np.array(targets)),
    )
    assert pytest.approx((expected.apfd, expected.apfdc, expected.first_share)) == (
        actual.apfd,
        actual.apfdc,
        actual.first_share,
    )


@given(SUITES.filter(lambda suite: len(suite) <= 5))
def test_failing_quickest_first_is_the_best_order_for_time(suite: list[tuple[float, bool]]) -> None:
    seconds, targets = np.array([s for s, _ in suite]), np.array([t for _, t in suite])
    best = np.lexsort((seconds, ~targets))
    scores = [score_order(np.array(order), seconds, targets) for order in permutations(range(len(suite)))]
    assert pytest.approx(max(score.apfdc for score in scores)) == score_order(best, seconds, targets).apfdc
    assert pytest.approx(min(score.first_share for score in scores)) == score_order(best, seconds, targets).first_share


def test_a_target_at_the_very_budget_is_caught() -> None:
    score = score_order(np.array([0, 1]), np.array([1.0, 4.0]), np.array([True, False]))
    assert (score.is_caught(0.2), score.is_caught(0.19)) == (True, False)
