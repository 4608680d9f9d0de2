"""Make an ensemble's score a probability: Platt's sigmoid on the log-odds, fitted on a later window.

Platt, "Probabilistic outputs for support vector machines", 1999. Two parameters, strictly monotone: ranks survive.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from cipredict.forecast.probability import apply_sigmoid
from cipredict.forecast.state import Floats

_RIDGE = 1e-3
"""Pulls slope to 1 and offset to 0 where the window says little."""


@dataclass(frozen=True, slots=True)
class Reliability:
    """One row of a calibration table: cases forecast between `low` and `high`."""

    low: float
    high: float
    cases: int
    mean_forecast: float
    observed: float


def fit_sigmoid(scores: NDArray[np.float64], y: Floats, sample_weight: Floats) -> tuple[float, float]:
    """Give slope and offset of `sigmoid(slope * logit(score) + offset)`; (1, 0) where one class is missing."""
    if not len(y) or y.min() == y.max():
        return 1.0, 0.0
    importance = sample_weight / sample_weight.sum()

    def loss(parameters: NDArray[np.float64]) -> float:
        p = np.clip(apply_sigmoid(scores, (parameters[0], parameters[1])), 1e-9, 1 - 1e-9)
        fit = -(importance * (y * np.log(p) + (1 - y) * np.log1p(-p))).sum()
        return float(fit + _RIDGE * ((parameters[0] - 1) ** 2 + 0.01 * parameters[1] ** 2))

    found = minimize(loss, np.array([1.0, 0.0]), method="L-BFGS-B", bounds=[(0.05, 5.0), (-15.0, 15.0)])
    return float(found.x[0]), float(found.x[1])


def reliability(p: NDArray[np.float64], y: Floats, sample_weight: Floats, /) -> list[Reliability]:
    """Give the calibration table, two bins to a decade of probability; empty bins are left out."""
    edges = (0.0, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0000001)
    rows = []
    for low, high in pairwise(edges):
        inside = (p >= low) & (p < high)
        weight = sample_weight[inside]
        if weight.sum() > 0:
            forecast, observed = np.average(p[inside], weights=weight), np.average(y[inside], weights=weight)
            rows.append(Reliability(low, min(high, 1.0), round(float(weight.sum())), float(forecast), float(observed)))
    return rows


def expected_error(rows: Iterable[Reliability]) -> float:
    """Give the expected calibration error: the mean distance of forecast and observed share, weighted by cases.

    Naeini, Cooper and Hauskrecht, "Obtaining well calibrated probabilities using Bayesian binning", AAAI 2015.

    >>> expected_error([Reliability(0.0, 0.1, 3, 0.05, 0.05), Reliability(0.1, 0.3, 1, 0.2, 0.4)])
    0.05
    """
    table = list(rows)
    cases = sum(row.cases for row in table)
    distance = sum(row.cases * abs(row.mean_forecast - row.observed) for row in table)
    return distance / cases if cases else 0.0
