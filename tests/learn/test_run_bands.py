"""Forecasts of past runs know nothing of what came after their start."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from statistics import fmean

import pytest

pytest.importorskip("scipy", reason="the learn extra is not installed")

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from cipredict.cli.report_bands import band_columns
from cipredict.forecast.features import ChangeFacts
from cipredict.learn.run_bands import replay_run_bands
from cipredict.learn.run_time import TimedRun

pytestmark = pytest.mark.learn
AT = datetime(2026, 3, 1, tzinfo=UTC)


def timed(number: int, *, start_h: float, wall_s: float, series: str = "ci") -> TimedRun:
    start = AT + timedelta(hours=start_h)
    return TimedRun(series, number, start, start + timedelta(seconds=wall_s), ChangeFacts(()), wall_s, run=number)


runs_of = st.lists(st.tuples(st.floats(0, 400), st.floats(1, 9000), st.sampled_from(["ci", "docs"])), max_size=30)


@settings(max_examples=25, deadline=None)
@given(runs_of, st.floats(0, 400))
def test_what_had_not_ended_changes_no_forecast(rows: list[tuple[float, float, str]], cut_h: float) -> None:
    """Runs still going on at the cut may end as they like, and later ones may come or not."""
    cut = AT + timedelta(hours=cut_h)
    runs = [timed(k, start_h=h, wall_s=s, series=name) for k, (h, s, name) in enumerate(rows)]
    changed = [
        timed(run.run, start_h=(run.started_at - AT) / timedelta(hours=1), wall_s=90_000.0 + run.run, series=run.series)
        if run.finished_at > cut
        else run
        for run in runs
    ]
    before, after = (
        {band.run.run: band[1:] for band in replay_run_bands(some, coverage=0.9) if band.run.started_at <= cut}
        for some in (runs, changed)
    )

    assert before == after


def test_the_first_of_a_series_has_no_forecast() -> None:
    runs = [timed(0, start_h=0, wall_s=60), timed(1, start_h=1, wall_s=60), timed(2, start_h=2, wall_s=9, series="x")]

    assert [band.run.run for band in replay_run_bands(runs, coverage=0.9)] == [1]


@pytest.mark.parametrize("coverage", [0.8, 0.9])
def test_intervals_hold_what_they_promise(coverage: float) -> None:
    seconds = 600 * np.exp(np.random.default_rng(1).normal(0, 0.2, 500))
    runs = [timed(k, start_h=k, wall_s=float(wall)) for k, wall in enumerate(seconds)]
    bands = list(replay_run_bands(runs, coverage=coverage))[50:]

    assert fmean(band.is_inside for band in bands) == pytest.approx(
        coverage, abs=0.04
    )  # calm runs earn little credit: wider
    assert all(band.low_s <= band.expected_s <= band.high_s for band in bands)


def test_periods_add_up_by_workflow_the_longest_first() -> None:
    runs = [timed(k, start_h=24 * k, wall_s=100.0 + k) for k in range(10)]
    runs += [timed(10 + k, start_h=24 * k, wall_s=5.0, series="docs") for k in range(3)]
    columns = band_columns(runs, replay_run_bands(runs, coverage=0.9), unit="week")

    assert list(columns["workflow"]) == ["ci", "ci", "ci", "docs", "docs"]
    assert list(columns["period"])[:3] == [datetime(2026, 2, 23, tzinfo=UTC) + timedelta(weeks=k) for k in range(3)]
    assert list(columns["runs"]) == [1, 7, 2, 1, 2]
    assert list(columns["forecasts"]) == [0, 7, 2, 0, 2]
    assert columns["low_s"][0] is None
    assert [columns[name][1] for name in ("p50_s", "p90_s")] == pytest.approx([104, 106.4])
