"""Score published ONNX graphs. Alone imports onnxruntime, and only when a decision needs the model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from cipredict.errors import ForecastUnusable
from cipredict.forecast.state import Floats

if TYPE_CHECKING:
    from numpy.typing import NDArray


def score_graph(graph: bytes, rows: Floats) -> NDArray[np.float64]:
    """Give one learner's answers, shape (n,): probability of class 1, or a value.

    Tree classifiers answer (labels, probabilities (n, 2)); regressors (n, 1); the net (n,).

    Raises
    ------
    ForecastUnusable
        The graph does not load or does not fit the rows.
    """
    import onnxruntime  # noqa: PLC0415  # 200 ms, paid only by decisions that use the model

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # a CI runner is busy; starting threads costs more than they save
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        answer = np.asarray(session.run(None, {session.get_inputs()[0].name: rows})[-1], np.float64)
    except Exception as error:  # onnxruntime raises bare pybind exceptions of many types
        raise ForecastUnusable(f"A published graph cannot be scored: {error}.", slug="forecast-graph") from error
    return answer[:, -1] if answer.ndim == 2 else answer


def score_graphs(graphs: Mapping[str, bytes], rows: Floats) -> dict[str, NDArray[np.float64]]:
    """Give every learner's answers by name."""
    return {name: score_graph(graph, rows) for name, graph in graphs.items()}
