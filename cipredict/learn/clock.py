"""The last durations of every case, rolled run by run, and the simple forecasts that they give."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cipredict.forecast.case_index import CaseIndex
from cipredict.forecast.state import Floats, Ints
from cipredict.learn.bands import doubt_groups
from cipredict.learn.history import PastRun
from cipredict.learn.leader import Leader

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
DEFAULT = "mostly_last"
LEADER = "leader"
"""The name under which the forecast that leads lately competes as one."""
_KEPT = 5
_SPEEDS = 40
_EWMA = 0.5
_MEMORY_DECAY = 0.97
"""Of a remembered memory peak per measured run: an upper forecast that forgets slowly."""
BASELINES = (LEADER, "last", "median3", "ewma")
"""What serves where the ensemble does not beat all of them, the best of them over the runs before the holdout."""
Seconds = NDArray[np.float64]


@dataclass(slots=True)
class Clock:
    """What is known of every case's seconds.

    Attributes
    ----------
    recent : newest first, shape (n_cases, 5), NaN where not measured
    ewma : weight 0.5 on the newest, shape (n_cases,)
    runs : measurements, shape (n_cases,)
    peak_memory_bytes : decayed maximum, shape (n_cases,), 0 where not measured
    speeds : of the last runs, newest last: their seconds over what `last` expected, 1 is as before
    leader : which of `experts` was best lately
    """

    recent: Floats
    ewma: Floats
    runs: Floats
    peak_memory_bytes: Floats
    speeds: list[float] = field(default_factory=list)
    leader: Leader = field(default_factory=lambda: Leader(DEFAULT))

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
        self._judge(slots, seconds)
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

    def _judge(self, slots: Ints, seconds: Floats) -> None:
        """Compare a run with what was expected of it: its speed, and who expected best."""
        known = self.runs[slots] > 0
        measured, seconds = slots[known].astype(np.intp), seconds[known]
        expected_s = float(self.recent[measured, 0].sum())
        if expected_s > 0:
            self.speeds = [*self.speeds, float(np.clip(seconds.sum() / expected_s, 0.2, 5.0))][-_SPEEDS:]
            experts = self.experts(measured)
            losses = {name: float(np.abs(given - seconds).sum()) for name, given in experts.items()}
            self.leader.absorb(losses)

    def experts(self, slots: NDArray[np.intp]) -> dict[str, Seconds]:
        """Give the simple forecasts of cases that have been measured, shape (n,) each."""
        recent = self.recent[slots].astype(np.float64)
        last, median3, median5 = recent[:, 0], _median(recent[:, :3]), _median(recent)
        lower = np.minimum(last, median3)
        return {
            DEFAULT: 0.75 * last + 0.25 * median3,
            "last": last,
            "half": 0.5 * last + 0.5 * median3,
            "mostly_median": 0.25 * last + 0.75 * median3,
            "median3": median3,
            "median3_median5": 0.5 * median3 + 0.5 * median5,
            "median5": median5,
            "last_median5": 0.5 * last + 0.5 * median5,
            "lower": lower,
            "last_lower": 0.5 * last + 0.5 * lower,
            "median3_lower": 0.5 * median3 + 0.5 * lower,
            "ewma": self.ewma[slots].astype(np.float64),
        }

    def baselines(self, slots: NDArray[np.intp]) -> dict[str, Seconds]:
        """Give what the ensemble competes with: the leader, and `last`, `median3`, `ewma` for comparison."""
        experts = self.experts(slots)
        return {name: experts[self.leader.name if name == LEADER else name] for name in BASELINES}

    def run_spread(self) -> float:
        """Give the share within which nine of ten runs were slower or faster as a whole; NaN where none is known."""
        return float(np.quantile(np.abs(np.log(self.speeds)), 0.9)) if self.speeds else float("nan")

    def doubt(self, slots: NDArray[np.intp]) -> NDArray[np.intp]:
        """Give the group of each case's spread, see `bands`."""
        return doubt_groups(self._spread(slots), self.runs[slots])

    def _spread(self, slots: NDArray[np.intp]) -> Floats:
        return np.asarray(np.nan_to_num(np.nanstd(np.log(self.recent[slots] + OFFSET_S), axis=1)), np.float32)

    def features(self, slots: NDArray[np.intp], index: CaseIndex, run: PastRun | None) -> Floats:
        """Give the feature rows of measured cases, shape (n, len(FEATURES)), finite."""
        base = self.baselines(slots)
        facts = run.facts if run else None
        changed = np.array([file in facts.tests for file in index.files])[index.file_of[slots]] if facts else 0.0
        columns = (
            np.log(base["last"] + OFFSET_S),
            np.log(base["median3"] + OFFSET_S),
            np.log(base["ewma"] + OFFSET_S),
            np.log(self._spread(slots) + 0.01),
            np.log1p(self.runs[slots]),
            np.log(_group_mean(self.recent[:, 0], index.file_of, len(index.files))[index.file_of[slots]] + OFFSET_S),
            np.log(
                _group_mean(self.recent[:, 0], index.function_of, index.n_functions)[index.function_of[slots]]
                + OFFSET_S
            ),
            self.speeds[-1] if self.speeds else 1.0,
            len(facts.sources) if facts else 0.0,
            changed,
            float(facts.is_base_push) if facts else 0.0,
        )
        matrix = np.empty((len(slots), len(FEATURES)), np.float32)
        for position, column in enumerate(columns):
            matrix[:, position] = column
        return matrix


def _median(values: Seconds) -> Seconds:
    """Give the median of each row's measured values, which come first; at least one is measured."""
    counts = np.isfinite(values).sum(axis=1)
    ordered = np.sort(values, axis=1)  # NaN last
    rows = np.arange(len(values))
    return np.asarray((ordered[rows, (counts - 1) // 2] + ordered[rows, counts // 2]) / 2, np.float64)


def _group_mean(values: Floats, group_of: NDArray[np.int32], n_groups: int) -> Floats:
    """Give the mean of measured values per group; 0 where none is measured."""
    known = np.isfinite(values)
    counts = np.bincount(group_of[known], minlength=n_groups)
    sums = np.bincount(group_of[known], values[known], minlength=n_groups)
    return np.asarray(sums / np.maximum(counts, 1), np.float32)
