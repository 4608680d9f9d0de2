"""The naive member: the risk that needs no learning, so that its weight shows what learning is worth."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, checker, helper, numpy_helper

from cipredict.forecast.features import FEATURES
from cipredict.forecast.state import Floats
from cipredict.learn.members.interface import Task

_COLUMN = FEATURES.index("prior")


class Prior:
    """Repeats the feature `prior` with the contract of a learner; knows probabilities only.

    Parameters
    ----------
    task : `probability`
    random_state : unused, there is no chance in it
    """

    name = "prior"

    def __init__(self, task: Task, random_state: int = 0) -> None:
        self.task = task
        self.random_state = random_state

    def fit(self, X: Floats, y: Floats, sample_weight: Floats) -> Prior:  # noqa: ARG002  # a learner's signature
        """Learn nothing."""
        self.n_features_ = X.shape[1]
        return self

    def predict(self, X: Floats) -> NDArray[np.float64]:
        """Give probabilities of failure, shape (n,)."""
        return np.asarray(X[:, _COLUMN], np.float64)

    def to_onnx(self) -> bytes:
        """Give a graph that takes the column out."""
        graph = helper.make_graph(
            [helper.make_node("Gather", ["X", "column"], ["answer"], axis=1)],
            "prior",
            [helper.make_tensor_value_info("X", TensorProto.FLOAT, [None, self.n_features_])],
            [helper.make_tensor_value_info("answer", TensorProto.FLOAT, [None, 1])],
            [numpy_helper.from_array(np.array([_COLUMN], np.int64), "column")],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8)
        checker.check_model(model)
        return bytes(model.SerializeToString())
