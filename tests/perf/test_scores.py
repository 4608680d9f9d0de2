from __future__ import annotations

from math import log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cipredict.perf.scores import (
    Rule,
    alarms,
    candidates,
    common_mode,
    doubts,
    own_noise,
    robust_sigma,
    run_values,
    scatter,
    z_scores,
)

RULE = Rule()
POSITIVE = st.floats(1e-6, 1e6)


def test_a_disturbed_half_of_the_samples_changes_nothing() -> None:
    quiet, disturbed = run_values([[1.0, 1.0, 1.1, 1.1], [1.0, 1.0, 50.0, 80.0]])

    assert quiet == disturbed


def test_of_a_rate_the_higher_half_counts() -> None:
    assert np.exp(run_values([[1.0, 9.0, 9.0]], higher_is_better=True)).round(6).tolist() == [9.0]


@given(st.lists(POSITIVE, min_size=1, max_size=9), st.floats(0.01, 100))
def test_a_factor_on_all_samples_is_a_shift(samples: list[float], factor: float) -> None:
    before, after = run_values([samples, [factor * x for x in samples]])

    assert after - before == pytest.approx(log(factor), abs=1e-9)


def test_processes_may_differ_in_length() -> None:
    assert np.exp(run_values([[2.0], [3.0, 3.0, 9.0]])).round(6).tolist() == [2.0, 3.0]


def test_sigma_is_that_of_a_normal_distribution_and_ignores_outliers() -> None:
    values = np.random.default_rng(0).normal(0, 2, 10_000)
    values[:1_000] = 1e9

    assert robust_sigma(values) == pytest.approx(2.2, rel=0.1)


def test_nothing_known_has_no_sigma() -> None:
    assert np.isnan(robust_sigma(np.array([np.nan])))


def test_a_slow_machine_is_the_common_mode() -> None:
    shifts = np.full(20, 0.3)
    shifts[0] = 1.0

    assert common_mode(shifts) == pytest.approx(0.3)


def test_few_benchmarks_have_no_common_mode_and_no_scatter() -> None:
    assert (common_mode(np.full(7, 0.3)), scatter(np.arange(7.0))) == (0.0, 0.0)


def test_doubts_add_by_squares() -> None:
    shifts = np.array([-0.2, -0.1, 0.0, 0.1, 0.2, -0.2, 0.2, 0.1, -0.1])
    job = RULE.job_weight * scatter(shifts)

    assert doubts(np.array([0.3]), shifts, RULE).tolist() == pytest.approx([np.hypot(0.3, job)])


def test_a_change_of_what_never_varied_is_infinitely_far() -> None:
    assert z_scores(np.array([0.1, 0.0]), np.zeros(2)).tolist() == [np.inf, 0.0]


@pytest.mark.parametrize(
    ("shift", "z", "expected"),
    [
        pytest.param(log(1.10), 5.0, (True, True), id="large and clear"),
        pytest.param(log(1.04), 99.0, (False, False), id="too small to matter"),
        pytest.param(log(1.10), 3.0, (True, False), id="deserves a second look only"),
        pytest.param(log(1.10), 2.0, (False, False), id="noise"),
        pytest.param(-log(1.10), -9.0, (False, False), id="improvement"),
    ],
)
def test_one_job(shift: float, z: float, expected: tuple[bool, bool]) -> None:
    shifts, scores = np.array([[shift]]), np.array([[z]])

    assert (bool(candidates(shifts, scores, RULE).all()), bool(alarms(shifts, scores, RULE)[0])) == expected


@pytest.mark.parametrize(
    ("zs", "expected"),
    [
        pytest.param((5.0, 3.5), True, id="both see it, clear on average"),
        pytest.param((9.0, 2.0), False, id="one does not see it"),
        pytest.param((3.5, 3.5), False, id="never clear"),
    ],
)
def test_two_jobs(zs: tuple[float, float], *, expected: bool) -> None:
    assert alarms(np.full((2, 1), 0.2), np.array(zs)[:, None], RULE)[0] == expected


def test_noise_needs_a_history_and_takes_the_latest_of_it() -> None:
    random = np.random.default_rng(0)
    history = np.concatenate([random.normal(0, 9, (100, 1)), random.normal(0, 0.01, (30, 1))])

    assert np.isnan(own_noise(history[:19], RULE)).all()
    assert own_noise(history, RULE)[0] == pytest.approx(0.01, rel=0.5)


def test_a_benchmark_quiet_by_luck_is_no_better_than_its_neighbours() -> None:
    history = np.random.default_rng(0).normal(0, 0.02, (30, 12))
    history[:, 0] = 0.0

    assert own_noise(history, RULE)[0] > 0.01
