"""What an ensemble asks of a learner: fit, predict, and become an ONNX graph with the same answers."""

from __future__ import annotations

from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from cipredict.forecast.state import Floats

Task = Literal["probability", "seconds"]
"""`probability`: a binary target, answers in 0…1. `seconds`: a real target (log seconds), answers on its scale."""


class Member(Protocol):
    """A learner with scikit-learn's contract.

    `fit` takes X of shape (n, k), y and sample_weight of shape (n,), and returns self; `predict` gives shape (n,).
    """

    name: str

    def fit(self, X: Floats, y: Floats, sample_weight: Floats) -> Member:
        """Learn; the same inputs and `random_state` give the same member."""
        ...

    def predict(self, X: Floats) -> NDArray[np.float64]:
        """Give probabilities of class 1, or values of a real target, shape (n,)."""
        ...

    def to_onnx(self) -> bytes:
        """Give the fitted learner as an ONNX graph: input `X` float32 (n, k)."""
        ...
