"""A rule over past jobs, each judged by the jobs before it: what would have alarmed, what could have been seen.

A table of shifts has a row per job, in order of time, and a column per series; NaN is not measured.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cipredict.perf.align import JobPair, align
from cipredict.perf.scores import (
    FEWEST_FOR_COMMON_MODE,
    MAD_TO_SIGMA,
    Flags,
    Floats,
    Rule,
    alarms,
    candidates,
    common_mode,
    doubts,
    z_scores,
)

_POWER = 0.8
"""A change is called detectable where so many of the past jobs would have shown it."""


@dataclass(frozen=True, slots=True)
class ShiftTable:
    """Shifts of jobs by series, without each job's common mode."""

    series: tuple[str, ...]
    shifts: Floats


@dataclass(frozen=True, slots=True)
class Replay:
    """Shifts with the noise that was known before each job; NaN where too little was."""

    shifts: Floats
    own: Floats
    doubt: Floats
    rule: Rule

    @property
    def z(self) -> Floats:
        """Give the z-score of every shift."""
        return z_scores(self.shifts, self.doubt)

    @property
    def is_judged(self) -> Flags:
        """Tell where a series was measured in a job, and known before."""
        return np.asarray(~np.isnan(self.shifts) & ~np.isnan(self.own))

    def alarms(self, *, added: float = 0.0) -> Flags:
        """Tell what one job alone calls a candidate, had every series got slower by `added`."""
        shifts = self.shifts + added
        return alarms(shifts[None], z_scores(shifts, self.doubt)[None], self.rule)

    def asks(self) -> Flags:
        """Tell what makes a job ask for a second one."""
        return candidates(self.shifts, self.z, self.rule)

    def confirmed(self, first: Sequence[int], second: Sequence[int], *, added: float = 0.0) -> Flags:
        """Tell what two jobs together call a regression; rows are pairs of jobs."""
        shifts = np.stack([self.shifts[list(first)], self.shifts[list(second)]]) + added
        doubt = np.stack([self.doubt[list(first)], self.doubt[list(second)]])
        return alarms(shifts, z_scores(shifts, doubt), self.rule)

    def detectable(self) -> Floats:
        """Give per series the shift that one job sees in 80 % of the cases; NaN without history."""
        needed = np.maximum(self.rule.floor, self.rule.alarm_z * self.doubt) - self.shifts
        return _quantiles(needed)

    def detectable_confirmed(self) -> Floats:
        """Give per series the shift that two jobs see in 80 % of the cases, from jobs next to each other."""
        d, r, rule = self.doubt, self.shifts, self.rule
        each = np.maximum(rule.floor, rule.candidate_z * d) - r
        mean_z = (rule.alarm_z - (r[1:] / d[1:] + r[:-1] / d[:-1]) / 2) / ((1 / d[1:] + 1 / d[:-1]) / 2)
        return _quantiles(np.maximum(np.maximum(each[1:], each[:-1]), mean_z))


def _quantiles(needed: Floats) -> Floats:
    known = [column[~np.isnan(column)] for column in needed.T]
    return np.array([np.quantile(column, _POWER) if len(column) else np.nan for column in known])


def paired_table(pairs: Sequence[JobPair]) -> ShiftTable:
    """Give head against base of every job; the pairs are in order of time."""
    raw, series = _values(pairs)
    return ShiftTable(series, _without_common_mode(raw[1] - raw[0]))


def unpaired_table(pairs: Sequence[JobPair]) -> ShiftTable:
    """Give head of every job against head of the job before; the first row is not known."""
    raw, series = _values(pairs)
    steps = np.full_like(raw[1], np.nan)
    steps[1:] = raw[1][1:] - raw[1][:-1]
    return ShiftTable(series, _without_common_mode(steps))


def head_table(pairs: Sequence[JobPair]) -> Floats:
    """Give the log values of head, jobs by series, worse upwards; NaN where not measured."""
    return np.asarray(_values(pairs)[0][1])


def _values(pairs: Sequence[JobPair]) -> tuple[Floats, tuple[str, ...]]:
    """Give log values, worse upwards: side by job by series."""
    comparable, _ = align(pairs)
    values = np.full((2, len(pairs), len(comparable)), np.nan)
    for column, one in enumerate(comparable):
        sign = -1 if one.higher_is_better else 1
        for row, job in enumerate(one.jobs):
            if job is not None:
                values[:, row, column] = sign * np.median(job.base), sign * np.median(job.head)
    return values, tuple(one.series for one in comparable)


def _without_common_mode(shifts: Floats) -> Floats:
    return np.array([row - common_mode(row) for row in shifts]).reshape(shifts.shape)


def replay(shifts: Floats, rule: Rule) -> Replay:
    """Give each job the noise that the jobs before it show."""
    own = np.full(shifts.shape, np.nan)
    for column in range(shifts.shape[1]):
        measured = np.flatnonzero(~np.isnan(shifts[:, column]))
        own[measured, column] = _walking_noise(shifts[measured, column], rule)
    for row in own:
        known = row[~np.isnan(row)]
        if len(known) >= FEWEST_FOR_COMMON_MODE:
            row[:] = np.maximum(row, np.quantile(known, 0.25))
    doubt = np.array([doubts(noise, row, rule) for noise, row in zip(own, shifts, strict=True)]).reshape(own.shape)
    return Replay(shifts, own, doubt, rule)


def _walking_noise(values: Floats, rule: Rule) -> Floats:
    """Give per value the noise of the `window` values before it, NaN for the first `min_history`."""
    noise = np.full(len(values), np.nan)
    for k in range(rule.min_history, min(rule.window, len(values))):
        noise[k] = MAD_TO_SIGMA * np.median(np.abs(values[:k] - np.median(values[:k])))
    if len(values) > rule.window:
        past = np.lib.stride_tricks.sliding_window_view(values[:-1], rule.window)
        middle = np.median(past, axis=1, keepdims=True)
        noise[rule.window :] = MAD_TO_SIGMA * np.median(np.abs(past - middle), axis=1)
    return noise
