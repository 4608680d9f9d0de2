"""Seconds of a case in its next run, from its own past durations, its siblings' and the last run's speed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cipredict.forecast.case_index import CaseIndex
from cipredict.forecast.state import Floats
from cipredict.learn.history import History, PastRun
from cipredict.learn.replay import in_finish_order
from cipredict.learn.seconds import SecondsRows

FEATURES = (
    "log_last",
    "log_median3",
    "log_ewma",
    "log_spread",
    "log_runs",
    "log_file_median",
    "log_function_median",
    "last_speed",
    "n_sources",
    "test_changed",
    "is_base_push",
)
OFFSET_S = 1e-3
"""Clock resolution of the reports: below it a ratio means nothing."""
_KEPT = 5
_EWMA = 0.5
_MEMORY_DECAY = 0.97
"""Of a remembered memory peak per measured run: an upper forecast that forgets slowly."""
_SAMPLE = 150


@dataclass(slots=True)
class Clock:
    """The last durations of every case.

    Attributes
    ----------
    recent : newest first, shape (n_cases, 5), NaN where not measured
    ewma : weight 0.5 on the newest, shape (n_cases,)
    runs : measurements, shape (n_cases,)
    peak_memory_bytes : decayed maximum, shape (n_cases,), 0 where not measured
    speed : of the last run: its seconds over what `last` expected, 1 is as before
    """

    recent: Floats
    ewma: Floats
    runs: Floats
    peak_memory_bytes: Floats
    speed: float = 1.0

    @classmethod
    def blank(cls, n_cases: int) -> Clock:
        """Give a clock that has measured nothing."""
        unmeasured = np.full(n_cases, np.nan, np.float32)
        zeros = np.zeros(n_cases, np.float32)
        return cls(np.full((n_cases, _KEPT), np.nan, np.float32), unmeasured, zeros, zeros.copy())

    def absorb(self, run: PastRun) -> None:
        """Take a finished run's durations in; skipped and untimed cases leave no mark."""
        old, new = run.continued(self.runs)
        for column in (self.recent, self.ewma, self.runs, self.peak_memory_bytes):
            column[new] = column[old]
        timed = np.isfinite(run.seconds) & run.has_verdict
        slots, seconds = run.slots[timed], run.seconds[timed]
        before = self.recent[slots, 0]
        known = np.isfinite(before)
        if known.any() and before[known].sum() > 0:
            self.speed = float(np.clip(seconds[known].sum() / before[known].sum(), 0.2, 5.0))
        self.recent[slots, 1:] = self.recent[slots, :-1]
        self.recent[slots, 0] = seconds
        blended = self.ewma[slots] * (1 - _EWMA) + seconds * _EWMA
        self.ewma[slots] = np.where(np.isfinite(self.ewma[slots]), blended, seconds)
        self.runs[slots] += 1
        if run.peak_memory_bytes is not None:
            measured = np.nan_to_num(run.peak_memory_bytes)
            remembered = self.peak_memory_bytes[run.slots] * _MEMORY_DECAY
            self.peak_memory_bytes[run.slots] = np.where(
                measured > 0, np.maximum(measured, remembered), self.peak_memory_bytes[run.slots]
            )

    def baselines(self, slots: NDArray[np.intp]) -> dict[str, NDArray[np.float64]]:
        """Give `last`, `median3` and `ewma` of cases that have been measured, shape (n,) each."""
        recent = self.recent[slots].astype(np.float64)
        filled = np.where(np.isfinite(recent[:, :3]), recent[:, :3], recent[:, :1])
        return {"last": recent[:, 0], "median3": np.median(filled, axis=1), "ewma": self.ewma[slots].astype(np.float64)}

    def features(self, slots: NDArray[np.intp], index: CaseIndex, run: PastRun | None) -> Floats:
        """Give the feature rows of measured cases, shape (n, len(FEATURES)), finite."""
        base = self.baselines(slots)
        spread = np.nan_to_num(np.nanstd(np.log(self.recent[slots] + OFFSET_S), axis=1))
        facts = run.facts if run else None
        changed = np.array([file in facts.tests for file in index.files])[index.file_of[slots]] if facts else 0.0
        columns = (
            np.log(base["last"] + OFFSET_S),
            np.log(base["median3"] + OFFSET_S),
            np.log(base["ewma"] + OFFSET_S),
            np.log(spread + 0.01),
            np.log1p(self.runs[slots]),
            np.log(_group_mean(self.recent[:, 0], index.file_of, len(index.files))[index.file_of[slots]] + OFFSET_S),
            np.log(
                _group_mean(self.recent[:, 0], index.function_of, index.n_functions)[index.function_of[slots]]
                + OFFSET_S
            ),
            self.speed,
            len(facts.sources) if facts else 0.0,
            changed,
            float(facts.is_base_push) if facts else 0.0,
        )
        matrix = np.empty((len(slots), len(FEATURES)), np.float32)
        for position, column in enumerate(columns):
            matrix[:, position] = column
        return matrix


def _group_mean(values: Floats, group_of: NDArray[np.int32], n_groups: int) -> Floats:
    """Give the mean of measured values per group; 0 where none is measured."""
    known = np.isfinite(values)
    counts = np.bincount(group_of[known], minlength=n_groups)
    sums = np.bincount(group_of[known], values[known], minlength=n_groups)
    return np.asarray(sums / np.maximum(counts, 1), np.float32)


def collect_case_times(history: History, index: CaseIndex, *, seed: int = 0) -> SecondsRows:
    """Replay durations: for a sample of each run's measured cases, what was known before and what it took."""
    generator = np.random.default_rng(seed)
    clock = Clock.blank(len(history.case_ids))
    X, actual, positions = [], [], []
    baselines: dict[str, list[NDArray[np.float64]]] = {"last": [], "median3": [], "ewma": []}
    for position, run, finished in in_finish_order(history):
        for past in finished:
            clock.absorb(past)
        known = np.flatnonzero((clock.runs[run.slots] > 0) & np.isfinite(run.seconds) & run.has_verdict)
        if len(known):
            chosen = generator.choice(known, min(_SAMPLE, len(known)), replace=False)
            slots = run.slots[chosen].astype(np.intp)
            X.append(clock.features(slots, index, run))
            actual.append(run.seconds[chosen].astype(np.float64))
            positions.append(np.full(len(chosen), position))
            for name, values in clock.baselines(slots).items():
                baselines[name].append(values)
    return SecondsRows(
        X=np.concatenate(X) if X else np.zeros((0, len(FEATURES)), np.float32),
        actual_s=_join(actual),
        baselines={name: _join(values) for name, values in baselines.items()},
        position=np.concatenate(positions) if positions else np.zeros(0, np.int64),
    )


def _join(parts: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    return np.concatenate(parts) if parts else np.zeros(0)


def final_clock(history: History) -> Clock:
    """Give the clock after every run of the history."""
    clock = Clock.blank(len(history.case_ids))
    for run in sorted(history.runs, key=lambda past: past.finished_at):
        clock.absorb(run)
    return clock
