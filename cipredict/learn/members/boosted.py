"""Gradient-boosted trees (XGBoost).

Chen and Guestrin, "XGBoost: A Scalable Tree Boosting System", KDD 2016.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnxmltools.convert import convert_xgboost
from onnxmltools.convert.common.data_types import FloatTensorType
from xgboost import XGBClassifier, XGBRegressor

from cipredict.forecast.state import Floats
from cipredict.learn.members.interface import Task


class BoostedTrees:
    """XGBoost with histogram splits.

    Parameters
    ----------
    task : what is predicted
    random_state : seed of row and column sampling
    n_estimators, max_depth, learning_rate, subsample, colsample_bytree, min_child_weight, reg_lambda
        as in xgboost
    """

    name = "xgboost"

    def __init__(  # the recipe names every hyper-parameter
        self,
        task: Task,
        random_state: int = 0,
        *,
        n_estimators: int = 200,
        max_depth: int = 5,
        learning_rate: float = 0.06,
        subsample: float = 0.8,
        colsample_bytree: float = 0.7,
        min_child_weight: float = 5.0,
        reg_lambda: float = 5.0,
    ) -> None:
        self.task = task
        self.random_state = random_state
        self.n_estimators = n_estimators
        self.max_depth = max_depth
        self.learning_rate = learning_rate
        self.subsample = subsample
        self.colsample_bytree = colsample_bytree
        self.min_child_weight = min_child_weight
        self.reg_lambda = reg_lambda

    def fit(self, X: Floats, y: Floats, sample_weight: Floats) -> BoostedTrees:
        """Learn from X (n, k), y (n,), sample_weight (n,)."""
        estimator = XGBClassifier if self.task == "probability" else XGBRegressor
        self.model_: Any = estimator(  # xgboost ships no types
            n_estimators=self.n_estimators,
            max_depth=self.max_depth,
            learning_rate=self.learning_rate,
            subsample=self.subsample,
            colsample_bytree=self.colsample_bytree,
            min_child_weight=self.min_child_weight,
            reg_lambda=self.reg_lambda,
            random_state=self.random_state,
            tree_method="hist",
            n_jobs=2,
            # The converter reads base_score as a number; 0.5 is the neutral start of both tasks.
            base_score=0.5,
        )
        self.model_.fit(X, y, sample_weight=sample_weight)
        self.n_features_ = X.shape[1]
        return self

    def predict(self, X: Floats) -> NDArray[np.float64]:
        """Give shape (n,): probabilities of class 1, or values."""
        if self.task == "probability":
            return np.asarray(self.model_.predict_proba(X)[:, 1], np.float64)
        return np.asarray(self.model_.predict(X), np.float64)

    def to_onnx(self) -> bytes:
        """Give the trees as an ONNX graph."""
        inputs = [("X", FloatTensorType([None, self.n_features_]))]
        graph = convert_xgboost(self.model_, initial_types=inputs, target_opset=15)
        return bytes(graph.SerializeToString())
