from __future__ import annotations

from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cipredict.decide.rollout.evidence import alpha_at, binomial_greater, fisher_greater, mann_whitney_greater
from cipredict.plans.rollout import Counts

counts = st.integers(0, 60).flatmap(lambda n: st.builds(Counts, st.just(n), st.integers(0, n)))
values = st.lists(st.integers(0, 9).map(lambda number: number / 100), min_size=1, max_size=12)


@given(counts, counts)
def test_fisher_adds_up_the_hypergeometric_tail(canary: Counts, baseline: Counts) -> None:
    errors, requests = canary.errors + baseline.errors, canary.requests + baseline.requests
    tail = sum(
        comb(canary.requests, k) * comb(baseline.requests, errors - k)
        for k in range(canary.errors, min(errors, canary.requests) + 1)
    )
    assert pytest.approx(tail / comb(requests, errors), abs=1e-9) == fisher_greater(canary, baseline)


@given(counts, st.integers(1, 99).map(lambda percent: percent / 100))
def test_the_binomial_tail_is_the_sum_of_its_terms(seen: Counts, share: float) -> None:
    n = seen.requests
    tail = sum(comb(n, k) * share**k * (1 - share) ** (n - k) for k in range(seen.errors, n + 1))
    assert pytest.approx(tail, abs=1e-9) == binomial_greater(seen, share)


@given(values, values)
def test_a12_counts_the_pairs_that_the_canary_wins(canary: list[float], baseline: list[float]) -> None:
    wins = sum((c > b) + 0.5 * (c == b) for c in canary for b in baseline)
    assert pytest.approx(wins / len(canary) / len(baseline)) == mann_whitney_greater(canary, baseline).a12


def test_mann_whitney_agrees_with_scipy() -> None:
    stats = pytest.importorskip("scipy.stats", reason="the learn extra is not installed")
    canary, baseline = [0.31, 0.5, 0.5, 0.9, 1.2, 0.7], [0.3, 0.31, 0.5, 0.2, 0.25, 0.6, 0.4]
    expected = stats.mannwhitneyu(canary, baseline, alternative="greater", method="asymptotic")
    assert pytest.approx(expected.pvalue) == mann_whitney_greater(canary, baseline).p_value


def test_answers_below_the_clock_are_no_ratio() -> None:
    """A balancer measures whole milliseconds: 0 against 1 is no difference, 0 against 50 is a large one."""
    assert 1.0 == mann_whitney_greater([0.001] * 9, [0.0] * 9).median_ratio
    assert 50.0 == mann_whitney_greater([0.05] * 9, [0.0] * 9).median_ratio


def test_looking_for_ever_spends_no_more_than_alpha() -> None:
    assert pytest.approx(0.01, rel=1e-3) == sum(alpha_at(look, 0.01) for look in range(1, 10_000))


@pytest.mark.parametrize("requests", [10**5, 10**6])
def test_many_requests_are_no_problem(requests: int) -> None:
    assert fisher_greater(Counts(requests, requests // 50), Counts(requests, requests // 100)) < 1e-50
    assert fisher_greater(Counts(requests, 1000), Counts(requests, 1000)) > 0.4
    assert binomial_greater(Counts(requests, requests // 10), 0.05) < 1e-50
    assert binomial_greater(Counts(requests, requests // 100), 0.05) == pytest.approx(1.0)
