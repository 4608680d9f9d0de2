"""Gradient-boosted trees with a ranking objective (XGBoost): learns which case of a run fails, not how often.

Burges, "From RankNet to LambdaRank to LambdaMART: An Overview", MSR-TR-2010-82. Runs that fail as a whole and runs that
pass teach it nothing; what it learns cannot be a difference between runs. Its scores become probabilities by Platt's
sigmoid.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from onnxmltools.convert import convert_xgboost
from onnxmltools.convert.common.data_types import FloatTensorType
from scipy.special import expit
from xgboost import XGBRanker, XGBRegressor

from cipredict.forecast.probability import apply_sigmoid
from cipredict.forecast.state import Floats
from cipredict.learn.calibration import fit_sigmoid
from cipredict.learn.members.interface import Task


class RankingTrees:
    """XGBoost, pairs of one run at a time.

    Parameters
    ----------
    task : `probability`
    random_state : seed of row and column sampling
    n_estimators, max_depth, learning_rate, subsample, colsample_bytree, reg_lambda : as in xgboost
    """

    name = "xgboost_ranker"

    def __init__(
        self,
        task: Task,
        random_state: int = 0,
        *,
        n_estimators: int = 100,
        max_depth: int = 4,
        learning_rate: float = 0.08,
        subsample: float = 0.8,
        colsample_bytree: float = 0.7,
        reg_lambda: float = 5.0,
    ) -> None:
        self.task = task
        self.random_state = random_state
        self.n_estimators = n_estimators
        self.max_depth = max_depth
        self.learning_rate = learning_rate
        self.subsample = subsample
        self.colsample_bytree = colsample_bytree
        self.reg_lambda = reg_lambda

    def fit(self, X: Floats, y: Floats, sample_weight: Floats, *, groups: Floats | None = None) -> RankingTrees:
        """Learn from X (n, k), y (n,); `groups` (n,) is the run of each row, in order. Weights only calibrate."""
        self.model_ = XGBRanker(
            objective="rank:pairwise",
            n_estimators=self.n_estimators,
            max_depth=self.max_depth,
            learning_rate=self.learning_rate,
            subsample=self.subsample,
            colsample_bytree=self.colsample_bytree,
            reg_lambda=self.reg_lambda,
            random_state=self.random_state,
            tree_method="hist",
            n_jobs=2,
            base_score=0.0,
        )
        runs = np.zeros(len(y)) if groups is None else groups
        self.model_.fit(X, y, qid=runs.astype(np.int32))
        self.n_features_ = X.shape[1]
        self.sigmoid_ = fit_sigmoid(expit(self._scores(X)), y, sample_weight)
        return self

    def _scores(self, X: Floats) -> NDArray[np.float64]:
        return np.asarray(self.model_.predict(X), np.float64)

    def predict(self, X: Floats) -> NDArray[np.float64]:
        """Give probabilities of failure, shape (n,)."""
        return apply_sigmoid(expit(self._scores(X)), self.sigmoid_)

    def to_onnx(self) -> bytes:
        """Give the trees, which the converter knows as a regressor's, and the sigmoid behind them."""
        trees = XGBRegressor(base_score=0.0)
        trees._Booster = self.model_.get_booster()  # the converter knows no ranker
        trees.objective = "reg:squarederror"
        inputs = [("X", FloatTensorType([None, self.n_features_]))]
        model = convert_xgboost(trees, initial_types=inputs, target_opset=15)
        graph, slope_offset = model.graph, dict(zip(("slope", "offset"), self.sigmoid_, strict=True))
        score = graph.output[0].name
        graph.initializer.extend(
            numpy_helper.from_array(np.array(value, np.float32), name) for name, value in slope_offset.items()
        )
        graph.node.extend(
            [
                helper.make_node("Mul", [score, "slope"], ["scaled"]),
                helper.make_node("Add", ["scaled", "offset"], ["moved"]),
                helper.make_node("Sigmoid", ["moved"], ["answer"]),
            ]
        )
        del graph.output[:]
        graph.output.append(helper.make_tensor_value_info("answer", TensorProto.FLOAT, [None, 1]))
        return bytes(model.SerializeToString())
