"""Wall seconds of runs from a bundle without graphs, and the features behind them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cipredict.errors import InputError
from cipredict.forecast.bundle import Bundle
from cipredict.forecast.features import ChangeFacts
from cipredict.forecast.interface import Basis
from cipredict.forecast.run_features import RUN_FEATURES, SeriesPast, run_baselines, run_features
from cipredict.forecast.runs import forecast_run
from cipredict.forecast.state import State
from cipredict.records import Change

NOON = datetime(2026, 3, 2, 12, 30, tzinfo=UTC)


def test_the_baseline_answers_with_its_interval(make_bundle: Callable[..., Bundle]) -> None:
    forecast = forecast_run(make_bundle(State.blank([])), "ci", ChangeFacts(()), started_at=NOON)
    assert (forecast.expected_s, forecast.served_by, forecast.basis) == (100.0, "median3", Basis.HISTORY)
    assert pytest.approx((101 * 0.8 - 1, 101 * 1.2 - 1)) == (forecast.low_s, forecast.high_s)
    assert forecast.individual == {}
    assert (forecast.coverage, forecast.observed_coverage) == (0.9, 0.88)
    assert {name: value for name, value in forecast.baselines.items() if name != "ewma"} == {
        "last": 110.0,
        "median3": 100.0,
        "median20": 100.0,
        "mean7": 100.0,
        "leader": 100.0,
    }


def test_an_unknown_series_names_the_known_ones(make_bundle: Callable[..., Bundle]) -> None:
    with pytest.raises(InputError, match="known: 'ci'"):
        forecast_run(make_bundle(State.blank([])), "nightly", ChangeFacts(()), started_at=NOON)


def test_run_features_of_a_known_past() -> None:
    facts = ChangeFacts((Change("a.py", 3, 4), Change("tests/test_a.py")), "topic", is_base_push=True)
    row = dict(zip(RUN_FEATURES, run_features(SeriesPast((9.0, 19.0), cases_s=4.0), facts, NOON)[0], strict=True))
    expected = {
        "log_last": np.log(20),
        "log_median5": (np.log(10) + np.log(20)) / 2,
        "log_ewma": np.log(12),
        "log_branch_last": np.log(20),
        "log_cases_s": np.log(5),
        "n_measured": 2,
        "n_paths": 2,
        "n_sources": 1,
        "n_tests": 1,
        "log_lines": np.log(8),
        "is_base_push": 1,
        "hour": 12.5,
        "weekday": 0,
    }
    assert pytest.approx(expected, rel=1e-5) == {name: row[name] for name in expected}


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=20))
def test_every_baseline_lies_within_the_past_and_features_are_finite(seconds: list[float]) -> None:
    past = SeriesPast(tuple(seconds))
    assert all(min(seconds) - 1e-6 <= value <= max(seconds) + 1e-6 for value in run_baselines(past).values())
    row = run_features(past, ChangeFacts(()), NOON)
    assert (1, len(RUN_FEATURES)) == row.shape
    assert np.isfinite(row).all()
