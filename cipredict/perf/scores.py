"""How far a benchmark moved beside its own noise. A shift is a log ratio of head to base, above 0 where head is worse.

The noise of a shift has two sources: the benchmark's own, known from its past jobs, and that of the job, which
shows in how far the suite's benchmarks scatter now. Independent sources add by squares.

::

    z = (shift - common mode) / √(own² + (½ · scatter of the suite in this job)²)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
MAD_TO_SIGMA = 1.4826
"""Of a normal distribution, standard deviation = 1.4826 times the median absolute deviation."""
FEWEST_FOR_COMMON_MODE = 8
"""Of fewer benchmarks the median is as likely one that really changed."""


@dataclass(frozen=True, slots=True)
class Rule:
    """When a shift counts.

    Attributes
    ----------
    min_change : relative change below which nothing counts, for effects too small to matter
    candidate_z : in every job that measured it
    alarm_z : on average over the jobs
    job_weight : how much of the suite's scatter in a job counts as noise of each benchmark
    window : past jobs that tell a benchmark's noise
    min_history : fewer past jobs tell nothing
    false_discovery : share of false ones among the alarms, where p-values decide because there is no history
    min_delta : Cliff's delta where p-values decide; .474 is called large
    """

    min_change: float = 0.05
    candidate_z: float = 2.5
    alarm_z: float = 4.0
    job_weight: float = 0.5
    window: int = 30
    min_history: int = 20
    false_discovery: float = 0.05
    min_delta: float = 0.474

    @property
    def floor(self) -> float:
        """The smallest change as a shift."""
        return log(1 + self.min_change)


def run_values(processes: Sequence[Sequence[float]], *, higher_is_better: bool = False) -> Floats:
    """Give the log of what each process measured: the geometric mean of the better half of its samples.

    Whatever disturbs a measurement makes it worse, hardly ever better.

    >>> np.exp(run_values([[1.0, 1.0, 9.0, 9.0], [4.0]])).round(9).tolist()
    [1.0, 4.0]
    """
    if len({len(process) for process in processes}) == 1:
        return _better_half(np.array(processes, dtype=float), higher_is_better=higher_is_better)
    rows = (_better_half(np.array([process]), higher_is_better=higher_is_better) for process in processes)
    return np.concatenate(list(rows))


def _better_half(samples: Floats, *, higher_is_better: bool) -> Floats:
    logs = np.sort(np.log(samples), axis=1)
    half = -(-logs.shape[1] // 2)
    return np.asarray((logs[:, -half:] if higher_is_better else logs[:, :half]).mean(axis=1))


def robust_sigma(values: Floats) -> float:
    """Give the standard deviation by the median absolute deviation; NaN of nothing."""
    known = values[~np.isnan(values)]
    return float(MAD_TO_SIGMA * np.median(np.abs(known - np.median(known)))) if len(known) else float("nan")


def common_mode(shifts: Floats) -> float:
    """Give what all benchmarks of a job have in common, their median: the machine, not the change."""
    known = shifts[~np.isnan(shifts)]
    return float(np.median(known)) if len(known) >= FEWEST_FOR_COMMON_MODE else 0.0


def scatter(shifts: Floats) -> float:
    """Give how far the benchmarks of a job lie apart, 0 where too few tell."""
    return robust_sigma(shifts) if np.count_nonzero(~np.isnan(shifts)) >= FEWEST_FOR_COMMON_MODE else 0.0


def doubts(own: Floats, shifts: Floats, rule: Rule) -> Floats:
    """Give the noise of each shift of one job, from each benchmark's own and the job's."""
    return np.sqrt(own**2 + (rule.job_weight * scatter(shifts)) ** 2)


def z_scores(shifts: Floats, doubt: Floats) -> Floats:
    """Give shift over noise; a change of what never varied is infinitely far, none is 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(shifts == 0, 0.0, shifts / doubt)


def candidates(shifts: Floats, z: Floats, rule: Rule) -> Flags:
    """Tell which shifts deserve a second look: any job may be unlucky."""
    return (shifts > rule.floor) & (z > rule.candidate_z)


def alarms(shifts: Floats, z: Floats, rule: Rule) -> Flags:
    """Tell which benchmarks became worse; both arrays hold a row per job.

    Each job must see it, and on average it must be far out of the noise. Of one job that is z > `alarm_z`.
    """
    return np.asarray(candidates(shifts, z, rule).all(axis=0) & (z.mean(axis=0) > rule.alarm_z))


def own_noise(history: Floats, rule: Rule) -> Floats:
    """Give each benchmark's noise from past shifts (jobs by benchmarks, in order of time); NaN where unknown.

    The suite's lower quartile is the least: a benchmark that was quiet by luck is no better than its neighbours.
    """
    noise = np.array([_noise_of(column, rule) for column in history.T])
    known = noise[~np.isnan(noise)]
    return np.maximum(noise, np.quantile(known, 0.25)) if len(known) >= FEWEST_FOR_COMMON_MODE else noise


def _noise_of(shifts: Floats, rule: Rule) -> float:
    known = shifts[~np.isnan(shifts)][-rule.window :]
    return robust_sigma(known) if len(known) >= rule.min_history else float("nan")
