"""Intervals for seconds: split conformal on log ratios, one quantile pair per band of expected seconds.

Vovk, Gammerman and Shafer, "Algorithmic Learning in a Random World", 2005 (Mondrian split conformal). Exchangeability
of later runs is an assumption, so the coverage on the holdout is measured and published beside the promise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BANDS_S = (0.01, 0.1, 1.0, 10.0, 100.0)
"""Upper ends of the bands of expected seconds; the last band is open."""
_MIN_BAND_ROWS = 30


@dataclass(frozen=True, slots=True)
class LogConformal:
    """Factors on `expected + offset_s` per band.

    Attributes
    ----------
    coverage : promised, 0…1
    offset_s : added before the logarithm; below it a ratio means nothing
    low, high : factor per band, shape (len(BANDS_S) + 1,)
    """

    coverage: float
    offset_s: float
    low: tuple[float, ...]
    high: tuple[float, ...]
    bands_s: tuple[float, ...] = BANDS_S

    @classmethod
    def from_json(cls, factors: Mapping[str, object]) -> LogConformal:
        """Read what a bundle's manifest holds."""
        values = {name: tuple(value) if isinstance(value, list) else value for name, value in factors.items()}
        return cls(**values)  # type: ignore[arg-type]  # the fields of this class, by the schema

    def interval(self, expected_s: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Give lower and upper seconds for expected ones, never below 0."""
        band = np.digitize(expected_s, self.bands_s)
        base = expected_s + self.offset_s
        low = np.maximum(base * np.asarray(self.low)[band] - self.offset_s, 0.0)
        return np.minimum(low, expected_s), np.maximum(base * np.asarray(self.high)[band] - self.offset_s, expected_s)


def conformalize(
    expected_s: NDArray[np.float64], actual_s: NDArray[np.float64], *, coverage: float, offset_s: float
) -> LogConformal:
    """Fit the factors on a window that the predictor has not seen; thin bands take the quantiles of all rows."""
    ratios = np.log((actual_s + offset_s) / (expected_s + offset_s))
    band = np.digitize(expected_s, BANDS_S)
    low, high = [], []
    for number in range(len(BANDS_S) + 1):
        own = ratios[band == number]
        pair = _quantiles(own if len(own) >= _MIN_BAND_ROWS else ratios, coverage)
        low.append(pair[0])
        high.append(pair[1])
    return LogConformal(coverage, offset_s, tuple(low), tuple(high))


def _quantiles(ratios: NDArray[np.float64], coverage: float) -> tuple[float, float]:
    """Give the two-sided conformal quantiles as factors, with the finite-sample correction (n + 1)."""
    if not len(ratios):
        return 0.5, 2.0  # nothing measured: half to double, and `coverage` is then not earned
    tail = (1 - coverage) / 2
    level = min(1.0, (1 - tail) * (len(ratios) + 1) / len(ratios))
    upper = np.quantile(ratios, level, method="higher")
    lower = -np.quantile(-ratios, level, method="higher")
    return float(np.exp(lower)), float(np.exp(upper))


def coverage_of(conformal: LogConformal, expected_s: NDArray[np.float64], actual_s: NDArray[np.float64]) -> float:
    """Give the share of actual seconds inside their interval, 0…1; NaN without rows."""
    if not len(actual_s):
        return float("nan")
    low, high = conformal.interval(expected_s)
    return float(np.mean((actual_s >= low - 1e-12) & (actual_s <= high + 1e-12)))
