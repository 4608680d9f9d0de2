"""The fixed cost of a job, told from the cost of its cases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

pytest.importorskip("scipy", reason="the learn extra is not installed")

import numpy as np  # after the skip

from cipredict.forecast.features import ChangeFacts
from cipredict.learn.run_time import TimedRun, fixed_overhead_s

pytestmark = pytest.mark.learn

START = datetime(2026, 1, 1, tzinfo=UTC)


def timed(series: str, pairs: list[tuple[float, float]]) -> list[TimedRun]:
    """Make runs of (seconds of the cases, wall seconds)."""
    return [
        TimedRun(series, number, START, START + timedelta(seconds=wall_s), ChangeFacts(()), wall_s, cases_s)
        for number, (cases_s, wall_s) in enumerate(pairs)
    ]


@pytest.mark.parametrize("processes", [1, 4])
def test_the_line_through_jobs_tells_start_from_cases(processes: int) -> None:
    generator = np.random.default_rng(0)
    cases_s = generator.uniform(60, 600, 40)
    wall_s = 141.0 + cases_s / processes + generator.normal(0, 2, 40)
    wall_s[::10] *= 3  # broken runs

    pairs = list(zip(cases_s.tolist(), wall_s.tolist(), strict=True))

    assert fixed_overhead_s(timed("ci / unit", pairs)) == pytest.approx(141.0, abs=5)


def test_jobs_tell_better_than_runs_whose_jobs_overlap() -> None:
    runs = timed("ci", [(500.0, 700.0)] * 20) + timed("ci / unit", [(100.0, 130.0)] * 5)

    assert fixed_overhead_s(runs) == 30.0


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        pytest.param([], 0.0, id="nothing known"),
        pytest.param([(float("nan"), 50.0)] * 12, 0.0, id="no cases reported"),
        pytest.param([(100.0, 40.0)] * 12, 0.0, id="cases side by side"),
        pytest.param([(100.0, 160.0)] * 12, 60.0, id="always the same cases"),
    ],
)
def test_without_a_line_the_median_difference_stands_in(pairs: list[tuple[float, float]], expected: float) -> None:
    assert fixed_overhead_s(timed("ci / unit", pairs)) == expected
