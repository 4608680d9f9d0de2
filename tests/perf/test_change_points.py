from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("scipy", reason="the perf extra is not installed")

from cipredict.perf.change_points import Detection, Method, detect  # after the skip
from cipredict.perf.energy import best_split, distances_before, split_scores
from cipredict.perf.permutation import detect_by_permutation

pytestmark = pytest.mark.learn
SHARED = Path(__file__).parents[2] / "../shared/data/perf"
shared = pytest.mark.skipif(not SHARED.exists(), reason="../shared/data/perf is not here")
SERIES = st.lists(st.integers(0, 50), min_size=2, max_size=12)


def q_of(left: list[int], right: list[int]) -> float:
    """Give Q as the paper has it, pair by pair."""
    n, m = len(left), len(right)
    cross = sum(abs(a - b) for a in left for b in right)
    within = sum(abs(a - b) for a, b in combinations(left, 2)) * (m / (n - 1) if n > 1 else 0)
    within += sum(abs(a - b) for a, b in combinations(right, 2)) * (n / (m - 1) if m > 1 else 0)
    return 2 / (n + m) * (cross - within)


@given(SERIES)
def test_the_best_split_is_that_of_all_pairs(values: list[int]) -> None:
    every = {(t, k): q_of(values[:t], values[t:k]) for k in range(2, len(values) + 1) for t in range(1, k)}
    place, score = best_split(np.array(values, dtype=float))

    assert score == pytest.approx(max(every.values()), abs=1e-9)
    assert any(t == place and q == pytest.approx(score, abs=1e-9) for (t, _), q in every.items())


@given(SERIES)
def test_split_scores_are_those_of_all_pairs(values: list[int]) -> None:
    expected = [0.0, *(q_of(values[:t], values[t:]) for t in range(1, len(values)))]

    assert split_scores(np.array(values, dtype=float)).tolist() == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("length", [251, 256, 257, 700])
def test_long_series_have_the_distances_of_all_pairs(length: int) -> None:
    values = np.random.default_rng(length).integers(0, 50, length).astype(float)
    expected = np.tril(np.abs(values[:, None] - values[None, :])).sum(axis=1)

    np.testing.assert_allclose(distances_before(values), expected)


def test_a_step_is_found_where_it_is() -> None:
    random = np.random.default_rng(0)
    values = np.concatenate([random.normal(100, 2, 40), random.normal(110, 2, 30)])
    [point] = detect(values)

    assert point.index == 40
    assert point.change == pytest.approx(0.1, abs=0.02)


@pytest.mark.parametrize("length", [0, 1, 2, 3, 60])
def test_constant_series_have_none(length: int) -> None:
    assert detect([5.0] * length) == []


def test_a_spike_is_no_change() -> None:
    values = np.random.default_rng(0).normal(100, 1, 60)
    values[30] = 300.0

    assert detect(values) == []


def test_a_small_change_is_none_however_clear() -> None:
    values = [*([100.0, 100.1] * 30), *([103.0, 103.1] * 30)]

    assert detect(values) == []
    assert [point.index for point in detect(values, Detection(min_change=0.01))] == [60]


def test_a_change_too_near_to_the_end_waits_for_more() -> None:
    random = np.random.default_rng(0)
    values = random.normal(100, 1, 64)
    values[62:] *= 1.5

    assert detect(values) == []


def test_noise_alone_gives_hardly_any() -> None:
    random = np.random.default_rng(2)

    assert sum(len(detect(random.normal(100, 5, 100))) for _ in range(50)) <= 1


@pytest.mark.parametrize("factor", [1e-9, 1e9])
def test_the_scale_does_not_matter(factor: float) -> None:
    random = np.random.default_rng(0)
    values = np.concatenate([random.normal(100, 2, 40), random.normal(120, 2, 40)])

    assert [p.index for p in detect(values * factor)] == [p.index for p in detect(values)] == [40]


def test_permutations_find_mongodbs_regression_and_recovery() -> None:
    values = np.full(45, 50.0)
    values[2] = values[32] = 100
    values[15:30] = 100

    assert detect_by_permutation(values) == [15, 33]
    as_mongodb = detect(values, Detection(p_value=0.01, method=Method.MONGODB))
    assert [(p.index, p.before < p.after) for p in as_mongodb] == [(15, True), (33, False)]


@pytest.mark.parametrize("length", [0, 1, 2, 30])
def test_permutations_find_nothing_in_what_is_constant(length: int) -> None:
    assert detect_by_permutation([50.0] * length) == []


def test_permutations_give_the_same_twice() -> None:
    values = np.random.default_rng(3).normal(size=40)

    assert detect_by_permutation(values) == detect_by_permutation(values)


OTAVA = {
    "old_defaults": (0.01, 0.05),
    "old_defaults_p05": (0.05, 0.05),
    "old_defaults_p1": (0.1, 0.05),
    "old_defaults_p2": (0.2, 0.05),
    "magnitude0_p2": (0.2, 0.0),
    "magnitude0_p1": (0.1, 0.0),
    "magnitude0_p01": (0.01, 0.0),
    "magnitude0_p001": (0.001, 0.0),
    "magnitude0_p0001": (0.0001, 0.0),
    "magnitude0_p00001": (0.00001, 0.0),
}


@shared
@pytest.mark.shared_data
@pytest.mark.parametrize("name", OTAVA)
def test_otavas_expectations_on_tigerbeetle(name: str) -> None:
    document = json.loads((SHARED / "otava_tests/tigerbeetle.json").read_text())
    p_value, magnitude = OTAVA[name]
    found = detect(document["series"], Detection(p_value, magnitude, window=30, method=Method.OTAVA))

    assert [point.index for point in found] == document["expected"][f"test_tb_{name}"]


@shared
@pytest.mark.shared_data
@pytest.mark.parametrize("name", ["short", "small", "medium"])
def test_mongodbs_expectations(name: str) -> None:
    document = json.loads((SHARED / f"mongodb_spa/profiling_{name}.json").read_text())

    assert len(detect_by_permutation(document["series"])) == document["expected"]


@shared
@pytest.mark.shared_data
def test_mongodbs_scores() -> None:
    folder = SHARED / "mongodb_spa"
    series = np.array(json.loads((folder / "robust_series.json").read_text()))
    expected = json.loads((folder / "expected_result_robust_series_proper_division.json").read_text())

    assert split_scores(series).tolist() == pytest.approx(expected, abs=1e-6)
