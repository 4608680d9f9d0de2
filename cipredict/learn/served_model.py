"""A forecast bundle as an MLflow model: rows of features in, failure probabilities out, no training library needed."""

from __future__ import annotations

from pathlib import Path

import mlflow.pyfunc
import numpy as np
import pandas as pd
from mlflow.pyfunc.model import PythonModelContext
from numpy.typing import NDArray

from cipredict.forecast.bundle import open_bundle
from cipredict.forecast.features import FEATURES
from cipredict.forecast.graphs import score_graphs
from cipredict.forecast.probability import apply_sigmoid


class ForecastModel(mlflow.pyfunc.PythonModel):  # type: ignore[misc,name-defined]  # mlflow's base class is untyped
    """Scores a data frame with the columns of `FEATURES`."""

    def load_context(self, context: PythonModelContext) -> None:
        """Open the bundle that was logged beside this model."""
        self.bundle = open_bundle(Path(context.artifacts["bundle"]))

    def predict(
        self,
        context: PythonModelContext,  # noqa: ARG002  # mlflow's signature, and the next
        model_input: pd.DataFrame,
        params: dict[str, object] | None = None,  # noqa: ARG002
    ) -> NDArray[np.float64]:
        """Give calibrated failure probabilities, shape (n,)."""
        rows = np.ascontiguousarray(model_input[list(FEATURES)], np.float32)
        manifest = self.bundle.manifest
        answers = score_graphs(self.bundle.graphs("failure"), rows)
        weights = manifest.served["failure"].weights
        return apply_sigmoid(np.sum([weights[n] * a for n, a in answers.items()], axis=0), manifest.sigmoid)


mlflow.models.set_model(ForecastModel())
