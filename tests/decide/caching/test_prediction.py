from __future__ import annotations

from dataclasses import replace

import pytest

from cipredict.cache_stages import CacheStage
from cipredict.decide.caching.advice import Recommendation
from cipredict.decide.caching.designs import Snapshot
from cipredict.decide.caching.prediction import Chance, KnownChange, predict_stage
from cipredict.forecast.interface import Basis

STAGE = CacheStage("deps", key_files=("uv.lock",), rebuild_s=100, restore_s=4, save_s=10)
HISTORY = [
    Snapshot(str(number), number * 3600.0, f"lock{number // 5}", packages=frozenset({f"a@{number // 5}", "b@1"}))
    for number in range(50)
]


def test_a_known_change_decides_the_outcome() -> None:
    kept = predict_stage(STAGE, HISTORY, change=KnownChange(keeps_key=True, coverage=None))
    moved = predict_stage(STAGE, HISTORY, change=KnownChange(keeps_key=False, coverage=0.5))

    assert (1.0, 1.0, True, "change") == (
        kept.predicted_hit_rate, kept.expected_coverage, kept.is_deterministic, kept.served_by
    )  # fmt: skip
    assert (0.0, 0.5) == (moved.predicted_hit_rate, moved.expected_coverage)
    assert kept.cache_benefit_score == pytest.approx(100 - 4)
    assert moved.cache_benefit_score == pytest.approx(50 - 4 - 10)


def test_a_forecast_of_the_bundle_serves_before_the_change_is_known() -> None:
    found = predict_stage(STAGE, HISTORY, chance=Chance(0.6, "cipredict"))

    assert (0.6, "cipredict", Basis.MODEL) == (found.predicted_hit_rate, found.served_by, found.basis)
    assert 0.6 + 0.4 * (9 * 0.5 / 10) == pytest.approx(found.expected_coverage)  # one cold miss, nine prefix hits


def test_without_a_bundle_the_recent_mean_of_the_replay_serves() -> None:
    found = predict_stage(STAGE, HISTORY)

    assert "ewma" == found.served_by
    assert found.predicted_hit_rate == found.ewma
    assert 0.8 == found.historical_hit_rate
    assert not found.is_deterministic


def test_a_change_wins_over_a_forecast() -> None:
    change = KnownChange(keeps_key=True, coverage=None)

    assert "change" == predict_stage(STAGE, HISTORY, change=change, chance=Chance(0.1, "cipredict")).served_by


@pytest.mark.parametrize(
    ("stage", "expected"),
    [
        pytest.param(STAGE, Recommendation.CACHE, id="it pays"),
        pytest.param(replace(STAGE, rebuild_s=5), Recommendation.NO_CACHE, id="it costs more"),
        pytest.param(replace(STAGE, design="week"), Recommendation.CHANGE_KEY, id="it is out of date"),
        pytest.param(replace(STAGE, rebuild_s=None), Recommendation.CACHE, id="seconds are unknown"),
    ],
)
def test_a_cache_is_recommended_by_what_it_brings(stage: CacheStage, expected: Recommendation) -> None:
    assert expected is predict_stage(stage, HISTORY).recommendation


def test_a_stage_without_a_history_has_no_forecast() -> None:
    found = predict_stage(replace(STAGE, rebuild_s=None), [])

    assert (None, None, None) == (found.predicted_hit_rate, found.historical_hit_rate, found.expected_coverage)
    assert Recommendation.NO_CACHE is found.recommendation
    assert Basis.FALLBACK is found.basis
