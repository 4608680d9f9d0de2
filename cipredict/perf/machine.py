"""What the machines did to a history of measurements, taken out so that what the code did remains.

Every job ran on some machine. Two things of it show in all series at once: how fast it is (the common mode), and what
kind it is, since another processor is not faster by the same factor for every benchmark. The first is a median over the
series, the second the strongest common pattern of what is left.

A change of the code stays while machines come and go from job to job. So the pattern is sought, and taken out, only in
what differs from the running median: a step of one benchmark or of a quarter of them stays where it is.
"""

from __future__ import annotations

import numpy as np

from cipredict.perf.scores import FEWEST_FOR_COMMON_MODE, MAD_TO_SIGMA, Floats, common_mode

_NEIGHBOURS = 7
"""Jobs before and after that the running median takes: a level shorter than that counts as machines."""
_FEWEST_JOBS = 30
_MOST_SIGMAS = 3.0
_POWER_STEPS = 30


def common_modes(table: Floats) -> Floats:
    """Give what all series of a job have in common against their own medians, for log values of jobs by series."""
    deviations = table - _medians(table)
    return np.array([common_mode(row) for row in deviations])


def without_machines(table: Floats) -> Floats:
    """Take common mode and machine kind out of log values of jobs by series; NaN stays."""
    level = table - common_modes(table)[:, None]
    if len(table) < _FEWEST_JOBS or table.shape[1] < FEWEST_FOR_COMMON_MODE:
        return np.asarray(level)
    return np.asarray(level - _machine_kind(level))


def _machine_kind(level: Floats) -> Floats:
    """Give the part of every value that the pattern explains which the other series show in the same job."""
    filled = np.where(np.isnan(level), _medians(level), level)
    fast = filled - running_median(filled)
    sigma = MAD_TO_SIGMA * np.median(np.abs(fast), axis=0)
    sigma[sigma == 0] = 1.0
    z = np.clip(fast / sigma, -_MOST_SIGMAS, _MOST_SIGMAS)
    loading = _strongest_pattern(z)
    others = (z @ loading)[:, None] - z * loading
    strength = (others * z).sum(axis=0) / np.maximum((others**2).sum(axis=0), 1e-12)
    return np.asarray(others * strength * sigma)


def _strongest_pattern(z: Floats) -> Floats:
    """Give the first right singular vector by power iteration from a fixed start."""
    pattern = np.ones(z.shape[1]) / np.sqrt(z.shape[1])
    pattern += np.linspace(-0.01, 0.01, len(pattern))
    for _ in range(_POWER_STEPS):
        pattern = z.T @ (z @ pattern)
        length = float(np.linalg.norm(pattern))
        if length == 0:
            return np.zeros(z.shape[1])
        pattern /= length
    return np.asarray(pattern)


def running_median(table: Floats) -> Floats:
    """Give the median of each value and its neighbours in time; ends are mirrored."""
    padded = np.pad(table, ((_NEIGHBOURS, _NEIGHBOURS), (0, 0)), mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * _NEIGHBOURS + 1, axis=0)
    return np.asarray(np.median(windows, axis=-1))


def _medians(table: Floats) -> Floats:
    """Give each series' median; 0 for one that was never measured."""
    known = ~np.isnan(table).all(axis=0)
    medians = np.zeros(table.shape[1])
    medians[known] = np.nanmedian(table[:, known], axis=0)
    return medians
