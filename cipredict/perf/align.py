"""Which measurement of base belongs to which of head, and which cannot be compared, each with one line why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from itertools import chain
from math import isfinite, log
from typing import NamedTuple

import numpy as np

from cipredict.perf.scores import Floats, run_values
from cipredict.records import BenchmarkRecord, BenchmarkRun

_UNIT_FACTORS = (1e3, 1e6, 1e9, 60.0)
_UNIT_MARGIN = log(1.6)
_UNITLESS_JUMP = log(20)
"""A value may grow twentyfold. If it does so by a factor between units and a unit is unknown, a slip is likelier."""
_RENAME_LIKENESS = 0.6


class JobPair(NamedTuple):
    """What was measured of base and head. `same_job`: on one machine, next to each other."""

    base: BenchmarkRun
    head: BenchmarkRun
    same_job: bool


class JobValues(NamedTuple):
    """Log values of the processes of one series in one job."""

    base: Floats
    head: Floats


class Comparable(NamedTuple):
    """A series that both sides measured. `jobs` has an entry per job pair, None where that one lacks it."""

    series: str
    unit: str
    higher_is_better: bool
    jobs: tuple[JobValues | None, ...]


class Unusable(NamedTuple):
    """A series that cannot be compared. `kind`: invalid, unit, new, missing."""

    series: str
    kind: str
    reason: str


def merge_jobs(runs: Sequence[BenchmarkRun]) -> BenchmarkRun:
    """Give several jobs as one run in which each job counts as one process: what varies inside a job is no evidence."""
    if len(runs) == 1:
        return runs[0]
    records = tuple(
        record._replace(processes=((float(np.exp(np.median(values))),),))
        if not _trouble(record, "") and len(values := _values(record))
        else record
        for run in runs
        for record in _by_series(run, {}).values()
    )
    return BenchmarkRun(records, source=", ".join(run.source for run in runs))


def align(
    pairs: Sequence[JobPair], renames: Mapping[str, str] | None = None
) -> tuple[list[Comparable], list[Unusable]]:
    """Match the series of both sides in every job, sorted by name. `renames` maps an old series to its new name."""
    tables = [(_by_series(pair.base, renames or {}), _by_series(pair.head, {})) for pair in pairs]
    comparable: list[Comparable] = []
    unusable: list[Unusable] = []
    for series in sorted({name for sides in tables for side in sides for name in side}):
        outcome = _match(series, [(base.get(series), head.get(series)) for base, head in tables])
        if isinstance(outcome, Comparable):
            comparable.append(outcome)
        else:
            unusable.append(outcome)
    return comparable, list(_with_rename_hints(unusable))


def _by_series(run: BenchmarkRun, renames: Mapping[str, str]) -> dict[str, BenchmarkRecord]:
    """Index a run; records of one series are processes of it."""
    table: dict[str, BenchmarkRecord] = {}
    for record in run.records:
        series = renames.get(record.series, record.series)
        known = table.get(series)
        table[series] = record if known is None else known._replace(processes=known.processes + record.processes)
    return table


def _match(series: str, jobs: Sequence[tuple[BenchmarkRecord | None, BenchmarkRecord | None]]) -> Comparable | Unusable:
    for side, kind, reason in ((0, "new", "only head has it"), (1, "missing", "only base has it")):
        if all(job[side] is None for job in jobs):
            return Unusable(series, kind, reason)
    both = [(base, head) if base and head else None for base, head in jobs]
    present = [pair for pair in both if pair]
    if not present:
        return Unusable(series, "missing", "no job measured both sides")
    for base, head in present:
        if trouble := _trouble(base, "base") or _trouble(head, "head"):
            return Unusable(series, "invalid", trouble)
        if trouble := _unit_trouble(base, head):
            return Unusable(series, "unit", trouble)
    head = present[0][1]
    values = tuple(pair and JobValues(_values(pair[0]), _values(pair[1])) for pair in both)
    return Comparable(series, head.unit, head.higher_is_better, values)


def _trouble(record: BenchmarkRecord, side: str) -> str:
    """Say why a record cannot be compared, empty where it can."""
    samples = list(chain.from_iterable(record.processes))
    if not samples or not all(record.processes):
        return f"{side} has no sample"
    if not isfinite(sum(samples)) and (odd := [value for value in samples if not isfinite(value)]):
        return f"{side} holds {odd[0]}, which is no measurement"
    low = min(samples)
    return f"{side} holds {low:g}: a ratio needs values above 0" if low <= 0 else ""


def _unit_trouble(base: BenchmarkRecord, head: BenchmarkRecord) -> str:
    """Say where units differ, or seem to because nobody stated them."""
    if base.higher_is_better != head.higher_is_better:
        return "one side says higher is better, the other lower"
    if base.unit and head.unit:
        return "" if base.unit == head.unit else f"base is in {base.unit}, head in {head.unit}"
    jump = float(np.median(_values(head)) - np.median(_values(base)))
    for factor in _UNIT_FACTORS:
        if abs(jump) > _UNITLESS_JUMP and abs(abs(jump) - log(factor)) < _UNIT_MARGIN:
            return f"head is {np.exp(jump):.4g} times base and a unit is not stated: ms against s?"
    return ""


def _values(record: BenchmarkRecord) -> Floats:
    return run_values(record.processes, higher_is_better=record.higher_is_better)


def _with_rename_hints(unusable: Sequence[Unusable]) -> Iterator[Unusable]:
    new = [one.series for one in unusable if one.kind == "new"]
    for one in unusable:
        near = get_close_matches(one.series, new, n=1, cutoff=_RENAME_LIKENESS) if one.kind == "missing" else []
        yield one._replace(reason=f"{one.reason}; renamed to {near[0]}?") if near else one
