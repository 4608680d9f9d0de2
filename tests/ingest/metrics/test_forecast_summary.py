"""Pipeline metrics out of a forecast bundle."""

from __future__ import annotations

import json
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cipredict.forecast.bundle import DELIVERY, Manifest, extend_bundle, write_bundle
from cipredict.ingest.metrics.reading import Places, read_metrics
from cipredict.records import ReportStatus

CREATED = datetime(2026, 3, 1, tzinfo=UTC)
SERIES: dict[str, dict[str, object]] = {
    "ci": {"seconds": [90.0, 100.0, 140.0]},
    "ci / tests": {"seconds": [500.0]},
    "docs": {"seconds": [20.0, 40.0]},
    "new": {"seconds": []},
}


@pytest.fixture(name="bundle")
def _bundle(tmp_path: Path) -> Path:
    values: dict[str, Any] = {field.name: () for field in fields(Manifest)}  # Any: fields of a Manifest
    texts = dict.fromkeys(("repository", "default_branch", "version", "history_from", "history_to", "trained_to"), "x")
    mappings: dict[str, dict[str, object]] = {
        name: {} for name in ("served", "observed_coverage", "conformal", "anchors")
    }
    values |= {**texts, **mappings, "created_at": CREATED, "model_version": None, "history_runs": 7, "series": SERIES}
    values |= {"coverage": 0.9, "overhead_s": 0.0, "sigmoid": (1.0, 0.0)}
    path = tmp_path / "forecast.bundle"
    write_bundle(path, Manifest(**values), {})
    return path


@pytest.mark.parametrize("kind", ["", "forecast="])
def test_seconds_of_pipelines_are_medians_of_their_runs(bundle: Path, kind: str) -> None:
    read = read_metrics(f"{kind}{bundle}", Places(bundle.parent, CREATED + timedelta(hours=6)))
    assert (ReportStatus.VALID, "forecast bundle") == (read.status, read.reading.kind)
    assert {
        "forecast_age": "21600s",
        "pipeline_runs": "7",
        "pipeline_seconds": "100s",
        "pipeline_seconds:ci": "100s",
        "pipeline_seconds:ci / tests": "500s",
        "pipeline_seconds:docs": "30s",
    } == {one.metric: str(one.quantity) for one in read.reading.measurements}


def test_what_the_night_found_of_delivery_is_measured_in_units(bundle: Path) -> None:
    metrics = [
        {"name": "dora.lead_time", "value": 5400.0, "unit": "s", "reason": "median of 2"},
        {"name": "dora.change_failure_rate", "value": 12.5, "unit": "%", "reason": "8 deployments"},
    ]
    extend_bundle(bundle, {DELIVERY: json.dumps({"schema": "cipredict.metrics/1", "metrics": metrics}).encode()})
    read = read_metrics(str(bundle), Places(bundle.parent, CREATED))
    found = {one.metric: (str(one.quantity), one.reason, one.source) for one in read.reading.measurements}
    assert ("5400s", "median of 2", str(bundle)) == found["dora.lead_time"]
    assert "12.5%" == found["dora.change_failure_rate"][0]
