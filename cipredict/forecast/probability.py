"""The calibration a bundle carries, applied."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_TINY = 1e-7


def apply_sigmoid(scores: NDArray[np.float64], parameters: tuple[float, float]) -> NDArray[np.float64]:
    """Give `sigmoid(slope * logit(score) + offset)` for (slope, offset), 0…1, monotone in the score.

    >>> apply_sigmoid(np.array([0.5, 0.9]), (1.0, 0.0)).round(3)
    array([0.5, 0.9])
    """
    slope, offset = parameters
    clipped = np.clip(scores, _TINY, 1 - _TINY)
    return np.asarray(1 / (1 + np.exp(-(slope * np.log(clipped / (1 - clipped)) + offset))), np.float64)
