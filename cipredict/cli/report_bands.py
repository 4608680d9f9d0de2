"""What the page of `report html` shows of durations beside what was forecast of them, workflow by workflow."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import TYPE_CHECKING

from cipredict.render.html.facts import columns_of

if TYPE_CHECKING:
    from cipredict.learn.run_bands import RunBand
    from cipredict.learn.run_time import TimedRun
    from cipredict.render.html.facts import Columns
    from cipredict.settings import Settings
    from cipredict.store.database import Store

MOST_WORKFLOWS = 20
_NAMES = (
    "workflow",
    "period",
    "runs",
    "p50_s",
    "p90_s",
    "p95_s",
    "forecasts",
    "inside",
    "expected_s",
    "low_s",
    "high_s",
)
NO_BANDS = columns_of(_NAMES, ())
_STARTS: Mapping[str, Callable[[datetime], datetime]] = {
    "day": lambda at: at,
    "week": lambda at: at - timedelta(days=at.weekday()),
    "month": lambda at: at.replace(day=1),
}


def load_bands(door: Store, settings: Settings, now: datetime, *, unit: str) -> tuple[Columns, float]:
    """Give the columns, and the share of runs that the bands promise to hold.

    Raises
    ------
    ModuleNotFoundError
        What replays forecasts is not installed.
    """
    from cipredict.learn.loading import load_timed_runs  # noqa: PLC0415  # scipy, not for --help
    from cipredict.learn.recipe import read_recipe  # noqa: PLC0415
    from cipredict.learn.run_bands import replay_run_bands  # noqa: PLC0415

    coverage = read_recipe("run_time").promotion["coverage"]
    timed = load_timed_runs(door, as_of=now, default_branch=settings.default_branch)
    return band_columns(timed, replay_run_bands(timed, coverage=coverage), unit=unit), coverage


def band_columns(timed: Sequence[TimedRun], bands: Iterable[RunBand], *, unit: str) -> Columns:
    """Add runs up by workflow and period, those workflows first that take longest in sum.

    Ends of the band are medians over the runs of a period that were forecast, null where none was.
    """
    seconds: defaultdict[str, defaultdict[datetime, list[float]]] = defaultdict(lambda: defaultdict(list))
    forecasts: defaultdict[tuple[str, datetime], list[RunBand]] = defaultdict(list)
    for run in timed:
        seconds[run.series][_period(run, unit)].append(run.wall_s)
    for band in bands:
        forecasts[band.run.series, _period(band.run, unit)].append(band)
    busiest = sorted(seconds, key=lambda name: (-sum(map(sum, seconds[name].values())), name))[:MOST_WORKFLOWS]
    rows = (
        (workflow, period, len(walls), *_quantiles(walls), *_summed(forecasts[workflow, period]))
        for workflow in busiest
        for period, walls in sorted(seconds[workflow].items())
    )
    return columns_of(_NAMES, rows)


def _period(run: TimedRun, unit: str) -> datetime:
    """Give the first moment of the period in which a run ended."""
    day = run.finished_at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return _STARTS[unit](day)


def _quantiles(values: Sequence[float]) -> tuple[float, ...]:
    """Give median, 90 % and 95 %, between neighbours as SQL's `quantile_cont`."""
    import numpy as np  # noqa: PLC0415  # not for --help

    return tuple(np.quantile(values, (0.5, 0.9, 0.95)).tolist())


def _summed(bands: Sequence[RunBand]) -> tuple[float | int | None, ...]:
    if not bands:
        return 0, 0, None, None, None
    ends = (median(getattr(band, name) for band in bands) for name in ("expected_s", "low_s", "high_s"))
    return len(bands), sum(band.is_inside for band in bands), *ends
