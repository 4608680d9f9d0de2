"""Intervals that keep their promise over time, on runs whose speed changes."""

from __future__ import annotations

import numpy as np
import pytest

from cipredict.forecast.doubt import DOUBTS, doubt_of
from cipredict.learn.bands import AdaptiveBands, doubt_groups, replay_bands
from cipredict.learn.conformal import BANDS_S, LogConformal

Run = tuple[np.ndarray, np.ndarray, np.ndarray]


def runs_of(noise: float, *, speed: float = 0.0, drift: float = 0.0, runs: int = 60, cases: int = 200) -> list[Run]:
    """Make forecasts and what became of them; `speed` moves a run as a whole, `drift` widens the noise over time."""
    generator = np.random.default_rng(1)
    made = []
    for number in range(runs):
        expected = np.exp(generator.uniform(np.log(0.02), np.log(50), cases))
        own = generator.normal(0, noise * (1 + drift * number / runs), cases)
        made.append((expected, expected * np.exp(own + generator.normal(0, speed)), np.full(cases, 1)))
    return made


@pytest.mark.parametrize("coverage", [0.8, 0.9, 0.95])
@pytest.mark.parametrize(
    ("noise", "speed", "drift"),
    [
        pytest.param(0.1, 0.0, 0.0, id="calm"),
        pytest.param(0.5, 0.0, 0.0, id="wild"),
        pytest.param(0.1, 0.2, 0.0, id="machines differ"),
        pytest.param(0.1, 0.0, 5.0, id="less and less known"),
    ],
)
def test_coverage_is_within_two_points(coverage: float, noise: float, speed: float, drift: float) -> None:
    _, inside = replay_bands(runs_of(noise, speed=speed, drift=drift), coverage=coverage, offset_s=1e-3)
    assert float(np.concatenate(inside).mean()) == pytest.approx(coverage, abs=0.02)


def test_what_varies_little_gets_a_narrow_interval() -> None:
    calm, wild = runs_of(0.02), runs_of(0.8)
    mixed = [
        (np.concatenate([a[0], b[0]]), np.concatenate([a[1], b[1]]), np.concatenate([a[2] * 0, b[2] * 0 + 4]))
        for a, b in zip(calm, wild, strict=True)
    ]
    table, _ = replay_bands(mixed, coverage=0.9, offset_s=1e-3)
    _, high = table.interval(np.array([2.0, 2.0]), np.array([0, 4]))
    assert high[0] < 2.3
    assert high[1] > 5.0


def test_before_anything_was_measured_the_interval_is_wide() -> None:
    table = AdaptiveBands(0.9).table(1.0)
    low, high = table.interval(np.array([10.0]), np.array([DOUBTS - 1]))
    assert low[0] < 6
    assert high[0] > 18


def test_an_interval_holds_its_forecast() -> None:
    table, _ = replay_bands(runs_of(0.3, runs=5), coverage=0.9, offset_s=1.0)
    expected = np.array([0.0, 1e-9, 0.5, 3.0, 1e4])
    low, high = table.interval(expected, np.arange(5))
    assert ((low >= 0) & (low <= expected) & (high >= expected)).all()


def test_factors_survive_json() -> None:
    fitted = AdaptiveBands(0.9).table(1.0)
    as_json = {name: list(v) if isinstance(v := getattr(fitted, name), tuple) else v for name in fitted.__slots__}
    assert LogConformal.from_json(as_json) == fitted
    assert len(fitted.low) == (len(BANDS_S) + 1) * DOUBTS


def test_an_older_bundles_factors_do_not_tell_doubt() -> None:
    old = LogConformal(0.9, 0.0, low=(0.5,) * 6, high=(1.5, 1.5, 1.5, 2.0, 1.5, 1.5))
    low, high = old.interval(np.array([5.0, 5.0]), np.array([0, 5]))
    assert (low.tolist(), high.tolist()) == ([2.5, 2.5], [10.0, 10.0])


def test_doubt_is_the_same_for_one_and_for_many() -> None:
    spread, runs = np.array([0.0, 0.03, 0.2, 0.6, 9.0, 0.0]), np.array([5, 5, 5, 5, 5, 1])
    one_by_one = [doubt_of(float(s), float(n)) for s, n in zip(spread, runs, strict=True)]
    assert doubt_groups(spread, runs).tolist() == one_by_one == [0, 1, 2, 4, 4, 5]
