"""Random forest (scikit-learn).

Breiman, "Random Forests", Machine Learning 45, 2001.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from skl2onnx import to_onnx
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

from cipredict.forecast.state import Floats
from cipredict.learn.members.interface import Task


class Forest:
    """A forest kept small enough for the bundle: its graph is the largest thing in it.

    Parameters
    ----------
    task : what is predicted
    random_state : seed of bootstraps and split candidates
    n_estimators, max_depth, min_samples_leaf, max_features : as in scikit-learn
    max_samples : share of the rows in each tree's bootstrap
    """

    name = "random_forest"

    def __init__(
        self,
        task: Task,
        random_state: int = 0,
        *,
        n_estimators: int = 100,
        max_depth: int = 10,
        min_samples_leaf: int = 20,
        max_features: float = 0.4,
        max_samples: float = 0.5,
    ) -> None:
        self.task = task
        self.random_state = random_state
        self.n_estimators = n_estimators
        self.max_depth = max_depth
        self.min_samples_leaf = min_samples_leaf
        self.max_features = max_features
        self.max_samples = max_samples

    def fit(self, X: Floats, y: Floats, sample_weight: Floats) -> Forest:
        """Learn from X (n, k), y (n,), sample_weight (n,)."""
        estimator = RandomForestClassifier if self.task == "probability" else RandomForestRegressor
        self.model_ = estimator(
            n_estimators=self.n_estimators,
            max_depth=self.max_depth,
            min_samples_leaf=self.min_samples_leaf,
            max_features=self.max_features,
            max_samples=self.max_samples,
            random_state=self.random_state,
            n_jobs=2,
        )
        self.model_.fit(X, y.astype(np.int64) if self.task == "probability" else y, sample_weight=sample_weight)
        self.n_features_ = X.shape[1]
        return self

    def predict(self, X: Floats) -> NDArray[np.float64]:
        """Give shape (n,): probabilities of class 1, or values."""
        if self.task == "probability":
            return np.asarray(self.model_.predict_proba(X)[:, 1], np.float64)
        return np.asarray(self.model_.predict(X), np.float64)

    def to_onnx(self) -> bytes:
        """Give the forest as an ONNX graph."""
        options = {"zipmap": False} if self.task == "probability" else None
        graph = to_onnx(self.model_, np.zeros((1, self.n_features_), np.float32), options=options, target_opset=15)
        return bytes(graph.SerializeToString())
