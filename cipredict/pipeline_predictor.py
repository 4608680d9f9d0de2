"""The Python API of run durations: `PipelineMLPredictor`, over a published forecast bundle.

Named and shaped as in the brief's `PipelineOptimizationEngine.predict_pipeline_duration`; the interval is conformal
with measured coverage instead of ± 2 standard deviations of three learners.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TypedDict

from cipredict.forecast.bundle import open_bundle
from cipredict.forecast.features import ChangeFacts
from cipredict.forecast.pipelines import PipelineForecast, forecast_pipeline
from cipredict.forecast.runs import forecast_run
from cipredict.records import Change

__all__ = ["DurationPrediction", "PipelineMLPredictor"]


class DurationPrediction(TypedDict):
    """Seconds of one run.

    `individual_predictions` has the keys xgboost, neural_net and random_forest; it is empty where too little history
    was there to fit them. `served_by` says who gave `predicted_duration`: the ensemble or a baseline.
    """

    predicted_duration: float
    confidence_interval: tuple[float, float]
    individual_predictions: dict[str, float]
    served_by: str


class PipelineMLPredictor:
    """Forecasts the wall seconds of pipelines and their jobs.

    Parameters
    ----------
    forecast : the bundle's path

    Raises
    ------
    ForecastUnusable
        The bundle is missing, corrupt, or of another schema.
    """

    def __init__(self, forecast: Path | str = Path(".cipredict/forecast.bundle")) -> None:
        self._bundle = open_bundle(Path(forecast))

    @property
    def pipelines(self) -> tuple[str, ...]:
        """Names of the series with history: workflows, and `workflow / job`."""
        return tuple(sorted(self._bundle.manifest.series))

    def predict_pipeline_duration(
        self, pipeline: str, context: Mapping[str, object] | None = None
    ) -> DurationPrediction:
        """Forecast the next run of a series.

        `context` may hold `changed` (paths), `branch`, `event`, and `started_at` (aware datetime; now by default).

        Raises
        ------
        InputError
            No history of `pipeline`.
        """
        facts, at, event = self._read(context)
        forecast = forecast_run(self._bundle, pipeline, facts, started_at=at, event=event)
        return {
            "predicted_duration": forecast.expected_s,
            "confidence_interval": (forecast.low_s, forecast.high_s),
            "individual_predictions": dict(forecast.individual),
            "served_by": forecast.served_by,
        }

    def predict_pipeline_finish(
        self,
        pipeline: str,
        context: Mapping[str, object] | None = None,
        *,
        needs: Mapping[str, Sequence[str]] | None = None,
    ) -> PipelineForecast:
        """Simulate a workflow through the needs of its jobs, those that past runs showed by default.

        `context` as in `predict_pipeline_duration`.

        Raises
        ------
        InputError
            No history of the pipeline's jobs, or needs that go round in a circle.
        """
        facts, at, event = self._read(context)
        return forecast_pipeline(self._bundle, pipeline, facts, started_at=at, event=event, needs=needs)

    def _read(self, context: Mapping[str, object] | None) -> tuple[ChangeFacts, datetime, str]:
        known = context or {}
        changed, started_at = known.get("changed", ()), known.get("started_at")
        branch = str(known.get("branch", ""))
        facts = ChangeFacts(
            changes=tuple(Change(str(path)) for path in changed) if isinstance(changed, list | tuple) else (),
            branch=branch,
            is_base_push=bool(branch) and branch == self._bundle.manifest.default_branch,
        )
        at = started_at if isinstance(started_at, datetime) else datetime.now(UTC)
        return facts, at, str(known.get("event", ""))
