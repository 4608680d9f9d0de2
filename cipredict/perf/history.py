"""Since when are which series different? Change points of all series of a history, without what machines did."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from cipredict.perf.change_points import ChangePoint, Detection, detect
from cipredict.perf.machine import common_modes, without_machines
from cipredict.perf.scores import FEWEST_FOR_COMMON_MODE, Floats, run_values
from cipredict.records import BenchmarkRun

EVERYTHING = "(everything)"
"""The series of what all others have in common."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A series that moved to another level, between a job and the next that measured it.

    `is_worse` follows the direction of the series; `change` is as measured, relative to the level before.
    """

    series: str
    change: float
    p_value: float
    is_worse: bool
    last_good: BenchmarkRun
    first_bad: BenchmarkRun

    @property
    def since(self) -> datetime | None:
        """When the new level was measured first."""
        return self.first_bad.measured_at


@dataclass(frozen=True, slots=True)
class Table:
    """Log values of heads: a row per run in order of time, a column per series; NaN where not measured."""

    runs: tuple[BenchmarkRun, ...]
    series: tuple[str, ...]
    higher_is_better: tuple[bool, ...]
    values: Floats


def table_of(runs: Sequence[BenchmarkRun]) -> Table:
    """Give the values of all series; what is not a number above 0 counts as not measured."""
    directions = {record.series: record.higher_is_better for run in runs for record in run.records}
    columns = {series: k for k, series in enumerate(sorted(directions))}
    values = np.full((len(runs), len(columns)), np.nan)
    for row, run in enumerate(runs):
        for record in run.records:
            processes = [[x for x in process if 0 < x < np.inf] for process in record.processes]
            kept = [process for process in processes if process]
            if kept:
                logs = run_values(kept, higher_is_better=record.higher_is_better)
                values[row, columns[record.series]] = np.median(logs)
    return Table(tuple(runs), tuple(columns), tuple(directions[series] for series in columns), values)


def find_turns(
    runs: Sequence[BenchmarkRun], detection: Detection | None = None, *, keep_machines: bool = False
) -> list[Turn]:
    """Give the change points of every series, and of everything together, the latest first.

    With `keep_machines` the series stay as they were measured, as other tools take them.
    """
    table = table_of(runs)
    how = detection or Detection()
    series = _columns(table, table.values) if keep_machines else _series(table)
    turns = [turn for one in series for turn in _turns_of(one, table, how)]
    order = {id(run): k for k, run in enumerate(table.runs)}
    return sorted(turns, key=lambda turn: (-order[id(turn.first_bad)], turn.series))


@dataclass(frozen=True, slots=True)
class _Series:
    name: str
    logs: Floats
    higher_is_better: bool


def _series(table: Table) -> Iterator[_Series]:
    """Give the columns without machines, then what was taken from all of them."""
    yield from _columns(table, without_machines(table.values))
    is_mixed = len(set(table.higher_is_better)) > 1
    if len(table.series) >= FEWEST_FOR_COMMON_MODE and not is_mixed:
        yield _Series(EVERYTHING, common_modes(table.values), table.higher_is_better[0])


def _columns(table: Table, values: Floats) -> Iterator[_Series]:
    for name, column, direction in zip(table.series, values.T, table.higher_is_better, strict=True):
        yield _Series(name, column, direction)


def _turns_of(one: _Series, table: Table, how: Detection) -> Iterator[Turn]:
    rows = np.flatnonzero(~np.isnan(one.logs))
    for point in detect(np.exp(one.logs[rows]), how) if len(rows) > 1 else []:
        yield _turn(one, point, table.runs[rows[point.index - 1]], first_bad=table.runs[rows[point.index]])


def _turn(one: _Series, point: ChangePoint, last_good: BenchmarkRun, *, first_bad: BenchmarkRun) -> Turn:
    is_worse = (point.change < 0) == one.higher_is_better
    return Turn(one.name, point.change, point.p_value, is_worse, last_good, first_bad)
