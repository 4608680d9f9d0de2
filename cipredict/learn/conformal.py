"""Intervals for seconds as a bundle holds them: factors by band of seconds and by doubt; `bands` finds them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BANDS_S = (0.01, 0.1, 1.0, 10.0, 100.0)
"""Upper ends of the bands of expected seconds; the last band is open."""


@dataclass(frozen=True, slots=True)
class LogConformal:
    """Factors on `expected + offset_s` per band, and within a band by doubt.

    Attributes
    ----------
    coverage : promised, 0…1
    offset_s : added before the logarithm; below it a ratio means nothing
    low, high : factors, band after band; bundles of before had one per band
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

    def interval(
        self, expected_s: NDArray[np.float64], doubt: NDArray[np.intp]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Give lower and upper seconds for expected ones, never below 0."""
        per_band = len(self.low) // (len(self.bands_s) + 1)
        place = np.digitize(expected_s, self.bands_s) * per_band + np.minimum(doubt, per_band - 1)
        base = expected_s + self.offset_s
        low = np.maximum(base * np.asarray(self.low)[place] - self.offset_s, 0.0)
        high = np.maximum(base * np.asarray(self.high)[place] - self.offset_s, expected_s)
        return np.minimum(low, expected_s), high
