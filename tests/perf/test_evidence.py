from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

stats = pytest.importorskip("scipy.stats", reason="the perf extra is not installed")

from cipredict.perf.evidence import (  # noqa: E402  # after the skip
    Groups,
    benjamini_hochberg,
    cliffs_delta,
    fewest_runs,
    hodges_lehmann,
    p_values,
)

pytestmark = pytest.mark.learn
VALUES = st.lists(st.floats(-100, 100), min_size=2, max_size=8)


@pytest.mark.parametrize(("tests", "runs"), [(1, 4), (60, 7), (200, 8), (1000, 9)])
def test_fewest_runs_that_can_pass(tests: int, runs: int) -> None:
    assert fewest_runs(tests, 0.05) == runs


@pytest.mark.parametrize(("runs", "can_pass"), [(5, False), (6, False), (7, True)])
def test_five_against_five_over_sixty_benchmarks_can_never_pass(runs: int, *, can_pass: bool) -> None:
    rng = np.random.default_rng(0)
    groups = [Groups(rng.normal(size=runs), rng.normal(size=runs), paired=False) for _ in range(59)]
    clear = Groups(np.arange(runs, dtype=float), np.arange(100, 100 + runs, dtype=float), paired=False)

    assert (benjamini_hochberg(p_values([clear, *groups]))[0] <= 0.05) == can_pass


@given(VALUES, VALUES)
def test_p_values_are_scipys(base: list[float], head: list[float]) -> None:
    a, b = np.array(base), np.array(head)
    expected = 1.0 if np.ptp([*base, *head]) == 0 else stats.mannwhitneyu(b, a).pvalue

    assert p_values([Groups(a, b, paired=False)])[0] == pytest.approx(expected)


def test_pairs_are_tested_as_pairs() -> None:
    base = np.array([1.0, 5.0, 9.0, 2.0, 7.0, 4.0])
    head = base + np.array([0.1, 0.2, 0.3, 0.15, 0.25, 0.12])

    assert p_values([Groups(base, head, paired=True)])[0] == pytest.approx(stats.wilcoxon(head - base).pvalue)
    assert p_values([Groups(base, head, paired=False)])[0] > 0.5


def test_one_run_per_side_has_no_p_value_and_equal_runs_have_one() -> None:
    one, same = np.array([1.0]), np.ones(5)

    assert np.isnan(p_values([Groups(one, one, paired=False)])[0])
    assert p_values([Groups(same, same, paired=True), Groups(same, same, paired=False)]).tolist() == [1.0, 1.0]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_adjusted_p_values_are_scipys(p: list[float]) -> None:
    assert benjamini_hochberg(np.array(p)).tolist() == pytest.approx(stats.false_discovery_control(p).tolist())


@given(VALUES, st.floats(-50, 50))
def test_the_shift_of_a_shifted_group_is_that_shift(values: list[float], shift: float) -> None:
    groups = Groups(np.array(values), np.array(values) + shift, paired=True)

    assert hodges_lehmann(groups).middle == pytest.approx(shift, abs=1e-6)


@given(VALUES, VALUES)
def test_the_interval_holds_the_shift(base: list[float], head: list[float]) -> None:
    low, high = (fn(hodges_lehmann(Groups(np.array(base), np.array(head), paired=False))[1:]) for fn in (min, max))

    assert low <= hodges_lehmann(Groups(np.array(base), np.array(head), paired=False)).middle <= high


def test_the_interval_covers_in_95_of_100_cases() -> None:
    rng = np.random.default_rng(1)
    shifts = [hodges_lehmann(Groups(rng.normal(size=10), rng.normal(1, size=10), paired=False)) for _ in range(200)]

    assert np.mean([one.low <= 1 <= one.high for one in shifts]) == pytest.approx(0.95, abs=0.04)


@given(VALUES, VALUES)
def test_delta_is_the_share_of_pairs(base: list[float], head: list[float]) -> None:
    signs = [np.sign(b - a) for a in base for b in head]

    assert cliffs_delta(Groups(np.array(base), np.array(head), paired=False)) == pytest.approx(float(np.mean(signs)))
