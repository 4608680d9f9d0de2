"""What the page shows: columns of query results, as the page's script reads them.

A column is a sequence as long as its neighbours: a table of 50,000 rows is ten lists, not 50,000 objects.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, TypeAlias

Columns: TypeAlias = Mapping[str, Sequence[object]]


def columns_of(names: Sequence[str], rows: Iterable[Iterable[object]]) -> Columns:
    """Turn rows into columns.

    >>> columns_of(("a", "b"), [(1, 2), (3, 4)])
    {'a': [1, 3], 'b': [2, 4]}
    """
    columns: dict[str, list[object]] = {name: [] for name in names}
    for row in rows:
        for name, value in zip(names, row, strict=True):
            columns[name].append(value)
    return columns


class Bar(NamedTuple):
    """A job (depth 0) or step (depth 1) of a run; epoch seconds. `queued_s` is 0 where nothing is known."""

    name: str
    depth: int
    start_s: float
    end_s: float
    queued_s: float
    result: str
    is_critical: bool = False


class Waterfall(NamedTuple):
    """The jobs and steps of a run, in the order of their start.

    `are_needs_known`: the critical path follows what the jobs need, not the order in which they happened to end.
    """

    title: str
    started_at: datetime
    bars: tuple[Bar, ...]
    are_needs_known: bool = False


class Turn(NamedTuple):
    """A change point; `change` is relative, `first` the commit or job that showed it first."""

    at: datetime
    change: float
    is_worse: bool
    first: str


class Series(NamedTuple):
    """What was measured of one benchmark, in order of time."""

    name: str
    unit: str
    at: tuple[datetime, ...]
    values: tuple[float, ...]
    turns: tuple[Turn, ...]


class CaughtCurve(NamedTuple):
    """What a policy catches of failing runs, 0…1, per budget."""

    policy: str
    caught: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Backtest:
    """What the published forecast measured of itself. `needed_shares`: share of time that caught each failing run."""

    served_by: str
    budgets: tuple[float, ...]
    policies: tuple[CaughtCurve, ...]
    needed_shares: tuple[float, ...]


class Measure(NamedTuple):
    """A figure of the holdout."""

    forecast: str
    policy: str
    measure: str
    value: float
    serves: bool


@dataclass(frozen=True, slots=True)
class PageFacts:
    """Everything on the page.

    Attributes
    ----------
    unit : of everything that goes by `period`: day, week or month
    bands : durations by workflow and period, with what was forecast before
    band_coverage : share of the runs that a band promises to hold
    calibration, promises : of the backtest; reliability : of plans that were followed by a run
    shards : what each shard of a plan was to take, and took
    caches, cache_room : what they gave by period, and the bytes in use, to be held against `quota_bytes`
    cache_stages : what the git history says that they will give
    gates : every gate of the latest decisions
    backtests : measures of the registered versions
    case_runs : how many runs the cases were looked at in
    flaky : number of flaky cases, None where that was not judged
    empty : part of the page → why it is empty, and the command that fills it
    """

    project: str
    made_at: datetime
    version: str
    unit: str
    case_runs: int
    periods: Columns
    runs: Columns
    jobs: Columns
    cases: Columns
    ledger: Columns
    deployments: Columns
    versions: Columns
    bands: Columns
    reliability: Columns
    calibration: Columns
    promises: Columns
    shards: Columns
    caches: Columns
    cache_room: Columns
    cache_stages: Columns
    gates: Columns
    backtests: Columns
    quota_bytes: int = 10_000_000_000
    band_coverage: float | None = None
    flaky: int | None = None
    waterfalls: tuple[Waterfall, ...] = ()
    series: tuple[Series, ...] = ()
    backtest: Backtest | None = None
    measures: tuple[Measure, ...] = ()
    empty: Mapping[str, tuple[str, str]] = field(default_factory=dict)
