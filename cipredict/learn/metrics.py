"""How good an order of cases was: APFD, APFDc and the share of time needed to catch a failing run.

Rothermel et al., "Prioritizing test cases for regression testing", TSE 2001 (APFD); Elbaum et al., ICSE 2001 (APFDc,
every failing case one fault of equal severity, cost in seconds). Agrees with `shared/bench/selection_eval.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cipredict.forecast.priority import MIN_SECONDS

BUDGETS = (0.05, 0.10, 0.20, 0.30, 0.50)
"""Shares of a run's test time at which catching is reported."""


@dataclass(frozen=True, slots=True)
class OrderScore:
    """One run, one order.

    Attributes
    ----------
    apfd, apfdc : 0…1, higher is better
    first_share : share of the run's test time spent when the first target has finished, 0…1, lower is better
    """

    apfd: float
    apfdc: float
    first_share: float

    def is_caught(self, budget: float) -> bool:
        """Tell whether a target finished within `budget` (share of time)."""
        return self.first_share <= budget + 1e-12


def score_order(order: NDArray[np.intp], seconds: NDArray[np.floating], targets: NDArray[np.bool_]) -> OrderScore:
    """Score running cases in `order` (positions, shape (n,)); `targets` marks what should come early, at least one.

    >>> score_order(np.array([1, 0]), np.array([3.0, 1.0]), np.array([False, True]))
    OrderScore(apfd=0.75, apfdc=0.875, first_share=0.25)
    """
    durations = np.maximum(np.asarray(seconds, np.float64)[order], MIN_SECONDS)
    hit = targets[order]
    n, m, total = len(order), int(hit.sum()), float(durations.sum())
    end = np.cumsum(durations)
    ranks = np.flatnonzero(hit) + 1
    apfd = 1 - float(ranks.sum()) / (n * m) + 1 / (2 * n)
    apfdc = float((total - end[hit] + durations[hit] / 2).sum()) / (m * total)
    return OrderScore(apfd=apfd, apfdc=apfdc, first_share=float(end[hit][0]) / total)
