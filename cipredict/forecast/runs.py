"""Wall seconds of a run or job, with its interval and each learner's own forecast."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any  # a series is JSON, its shape by the bundle's schema

import numpy as np

from cipredict.errors import InputError
from cipredict.forecast.bundle import Bundle
from cipredict.forecast.doubt import doubt_of
from cipredict.forecast.features import ChangeFacts
from cipredict.forecast.graphs import score_graphs
from cipredict.forecast.interface import Basis
from cipredict.forecast.run_features import (
    DEFAULT,
    FEATURES_BEFORE,
    LEADER,
    OFFSET_S,
    SeriesPast,
    group_keys,
    run_baselines,
    run_features,
    spread_of,
)
from cipredict.forecast.state import Floats

_BANDS_KEY, _LOW_KEY, _HIGH_KEY = "bands_s", "low", "high"


@dataclass(frozen=True, slots=True)
class RunForecast:
    """Seconds that a run or job of a series will take.

    Attributes
    ----------
    individual : each learner's own forecast in seconds; empty where no ensemble was fitted
    baselines : each simple forecast in seconds
    served_by : who gave `expected_s`
    coverage : promised share of runs inside [low_s, high_s]; `observed_coverage` was measured on the holdout
    """

    series: str
    expected_s: float
    low_s: float
    high_s: float
    basis: Basis
    served_by: str
    individual: Mapping[str, float]
    baselines: Mapping[str, float]
    coverage: float
    observed_coverage: float | None


def forecast_run(
    bundle: Bundle, series: str, facts: ChangeFacts, *, started_at: datetime, event: str = ""
) -> RunForecast:
    """Forecast the next run of a series.

    Raises
    ------
    InputError
        No such series; the message lists the known ones.
    """
    manifest = bundle.manifest
    if series not in manifest.series:
        known = ", ".join(repr(name) for name in sorted(manifest.series)) or "none"
        raise InputError(f"No history of {series!r}; known: {known}.", slug="series-unknown")
    memory = manifest.series[series]
    past = _past(memory, facts, event)
    served, baselines = manifest.served["run_time"], run_baselines(past)
    row = run_features(past, facts, started_at, event=event)
    if LEADER not in served.metrics:  # learned before there were groups and a leader
        row = row[:, :FEATURES_BEFORE]
    individual = _individual(bundle, row, _anchor_s(bundle, baselines))
    if served.is_model:
        answers = {
            name: np.log((s + OFFSET_S) / (_anchor_s(bundle, baselines) + OFFSET_S)) for name, s in individual.items()
        }
        mixed = sum(served.weights[name] * answer for name, answer in answers.items())
        expected = _to_seconds(float(mixed), _anchor_s(bundle, baselines))
    else:
        expected = baselines[served.by]
    low, high = _interval(manifest.conformal["run_time"], expected, past)
    return RunForecast(
        series=series,
        expected_s=expected,
        low_s=low,
        high_s=high,
        basis=Basis.MODEL if served.is_model else Basis.HISTORY,
        served_by=served.by,
        individual=individual,
        baselines=baselines,
        coverage=manifest.coverage,
        observed_coverage=manifest.observed_coverage["run_time"],
    )


def _past(memory: Mapping[str, Any], facts: ChangeFacts, event: str) -> SeriesPast:
    """Read a series; bundles of before knew the last run of each branch and no other group."""
    known = memory.get("groups", {"branch": memory.get("by_branch", {})})
    keys = group_keys(facts, event=event, runner=memory.get("runner", ""))
    return SeriesPast(
        seconds=tuple(memory["seconds"]),
        groups={name: known[name][key] for name, key in keys.items() if key in known.get(name, {})},
        cases_s=float(memory["cases_s"]),
        running=float(memory.get("running", 0.0)),
        leader=memory.get("leader", DEFAULT),
    )


def _anchor_s(bundle: Bundle, baselines: Mapping[str, float]) -> float:
    return baselines[bundle.manifest.anchors["run_time"]]


def _individual(bundle: Bundle, row: Floats, anchor_s: float) -> dict[str, float]:
    answers = score_graphs(bundle.graphs("run_time"), row)
    return {name: _to_seconds(float(answer[0]), anchor_s) for name, answer in answers.items()}


def _to_seconds(log_ratio: float, anchor_s: float) -> float:
    return max((anchor_s + OFFSET_S) * float(np.exp(np.clip(log_ratio, -3.0, 3.0))) - OFFSET_S, 0.0)


def _interval(conformal: Mapping[str, Any], expected_s: float, past: SeriesPast) -> tuple[float, float]:
    """Look the factors up by band and, where the bundle has them, by how much the series varies."""
    lows, highs, bands = conformal[_LOW_KEY], conformal[_HIGH_KEY], conformal[_BANDS_KEY]
    per_band = len(lows) // (len(bands) + 1)
    doubt = doubt_of(spread_of(past), len(past.seconds))
    place = int(np.digitize(expected_s, np.asarray(bands, np.float64))) * per_band + min(doubt, per_band - 1)
    base = expected_s + OFFSET_S
    low, high = base * lows[place] - OFFSET_S, base * highs[place] - OFFSET_S
    return min(max(low, 0.0), expected_s), max(high, expected_s)
