"""Scoring of graphs, in the three shapes that learners give."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cipredict.errors import ForecastUnusable
from cipredict.forecast.graphs import score_graph, score_graphs

pytestmark = pytest.mark.learn
onnx: Any = pytest.importorskip("onnx", reason="needs the learn extra")
ROWS = np.array([[1, 2], [3, 5]], np.float32)


def sums(*, keepdims: bool) -> bytes:
    """Give a graph that sums each row: shape (n, 1) or (n,)."""
    helper, number = onnx.helper, onnx.TensorProto.FLOAT
    axes = helper.make_tensor("axes", onnx.TensorProto.INT64, [1], [1])
    node = helper.make_node("ReduceSum", ["X", "axes"], ["answer"], keepdims=int(keepdims))
    graph = helper.make_graph(
        [node],
        "sums",
        [helper.make_tensor_value_info("X", number, [None, 2])],
        [helper.make_tensor_value_info("answer", number, [None, 1] if keepdims else [None])],
        [axes],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8)
    return bytes(model.SerializeToString())


def test_flat_and_column_answers_become_a_vector() -> None:
    for keepdims in (True, False):
        assert score_graph(sums(keepdims=keepdims), ROWS).tolist() == [3.0, 8.0]


def test_every_learner_answers_by_name() -> None:
    answers = score_graphs({"a": sums(keepdims=True), "b": sums(keepdims=False)}, ROWS)
    assert {name: answer.tolist() for name, answer in answers.items()} == {"a": [3.0, 8.0], "b": [3.0, 8.0]}


def test_no_row_needs_no_answer() -> None:
    assert len(score_graph(sums(keepdims=True), np.zeros((0, 2), np.float32))) == 0


@pytest.mark.parametrize("rows", [np.zeros((2, 3), np.float32), np.zeros((2, 2), np.float64)], ids=["width", "type"])
def test_rows_that_do_not_fit_are_refused(rows: np.ndarray[tuple[int, int], np.dtype[np.float32]]) -> None:
    with pytest.raises(ForecastUnusable) as caught:
        score_graph(sums(keepdims=True), rows)
    assert caught.value.slug == "forecast-graph"
