"""Exact intervals of shares, held against brute force everywhere and against scipy where it is installed."""

from __future__ import annotations

from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cipredict.stats import beta_cdf, binomial_cdf, clopper_pearson, fewest_trials, jeffreys


@given(trials=st.integers(1, 40), p=st.floats(0.001, 0.999), data=st.data())
def test_the_binomial_tail_is_the_sum_of_its_terms(trials: int, p: float, data: st.DataObject) -> None:
    successes = data.draw(st.integers(0, trials))
    expected = sum(comb(trials, k) * p**k * (1 - p) ** (trials - k) for k in range(successes + 1))
    assert expected == pytest.approx(binomial_cdf(successes, trials, p), abs=1e-10)


@pytest.mark.parametrize(
    ("successes", "p", "expected"),
    [
        pytest.param(-1, 0.5, 0.0, id="fewer than none"),
        pytest.param(3, 0.5, 1.0, id="all"),
        pytest.param(1, 0.0, 1.0, id="never succeeds"),
        pytest.param(1, 1.0, 0.0, id="always succeeds"),
    ],
)
def test_the_binomial_tail_has_ends(successes: int, p: float, expected: float) -> None:
    assert expected == binomial_cdf(successes, 3, p)


def test_nothing_tried_means_nothing_known() -> None:
    assert clopper_pearson(0, 0) == (0.0, 1.0)


@given(trials=st.integers(1, 200), data=st.data())
def test_an_interval_holds_its_share_and_mirrors(trials: int, data: st.DataObject) -> None:
    successes = data.draw(st.integers(0, trials))
    low, high = clopper_pearson(successes, trials)
    assert 0 <= low <= successes / trials <= high <= 1
    mirrored_low, mirrored_high = clopper_pearson(trials - successes, trials)
    assert (low, high) == pytest.approx((1 - mirrored_high, 1 - mirrored_low), abs=1e-9)


@pytest.mark.learn
@pytest.mark.parametrize("trials", [1, 7, 89, 2_000, 100_000])
@pytest.mark.parametrize("share", [0.0, 0.02, 0.5, 0.97, 1.0])
@pytest.mark.parametrize("level", [0.8, 0.95, 0.999])
def test_an_interval_is_the_beta_quantile_of_scipy(trials: int, share: float, level: float) -> None:
    beta = pytest.importorskip("scipy.stats", reason="scipy comes with the learn extra").beta
    successes, tail = round(share * trials), (1 - level) / 2
    low = beta.ppf(tail, successes, trials - successes + 1) if successes else 0.0
    high = beta.ppf(1 - tail, successes + 1, trials - successes) if successes < trials else 1.0
    assert (low, high) == pytest.approx(clopper_pearson(successes, trials, level=level), abs=1e-9)


@given(share=st.floats(0.5, 0.999))
def test_the_fewest_trials_just_show_the_share(share: float) -> None:
    trials = fewest_trials(share)
    assert clopper_pearson(trials, trials)[0] >= share - 1e-9
    assert trials == 1 or clopper_pearson(trials - 1, trials - 1)[0] < share


@given(trials=st.integers(0, 400), data=st.data())
def test_a_posterior_holds_its_mean_and_mirrors(trials: int, data: st.DataObject) -> None:
    successes = data.draw(st.integers(0, trials))
    mean, low, high = jeffreys(successes, trials)
    mirrored = jeffreys(trials - successes, trials)

    assert 0 <= low < mean < high <= 1
    assert (mean, low, high) == pytest.approx((1 - mirrored[0], 1 - mirrored[2], 1 - mirrored[1]), abs=1e-9)


def test_more_trials_make_a_posterior_narrower() -> None:
    widths = [high - low for _, low, high in (jeffreys(n // 10, n) for n in (10, 100, 1000))]
    assert widths == sorted(widths, reverse=True)


@pytest.mark.learn
@given(
    x=st.floats(0, 1),
    a=st.integers(0, 2000).map(lambda n: n + 0.5),
    b=st.integers(0, 2000).map(lambda n: n + 0.5),
)
def test_the_beta_distribution_is_scipys(x: float, a: float, b: float) -> None:
    beta = pytest.importorskip("scipy.stats", reason="scipy comes with the learn extra").beta
    assert float(beta.cdf(x, a, b)) == pytest.approx(beta_cdf(x, a, b), abs=1e-8)
