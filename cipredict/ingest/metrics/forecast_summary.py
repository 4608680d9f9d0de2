"""Pipeline metrics out of the forecast bundle: what the nightly job learned about runs, without opening the store."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from statistics import median

from cipredict.errors import CipredictError
from cipredict.forecast.bundle import DELIVERY, Manifest, open_bundle
from cipredict.ingest.metrics.interface import Reading, Unusable
from cipredict.ingest.metrics.plain import read_metrics_document
from cipredict.measures import Dimension, Measurement, Quantity

DAY_S = 86_400.0


def read_forecast_summary(path: Path, *, now: datetime) -> Reading:
    """Give `pipeline_seconds` (and `pipeline_seconds:<series>`), `pipeline_runs` and `forecast_age`.

    Also `dora.*` and `pipeline.*`, where the store knew of deployments and runs at night.
    """
    try:
        bundle = open_bundle(path)
        manifest = bundle.manifest
        delivery = bundle.read(DELIVERY) if bundle.has(DELIVERY) else None
    except CipredictError as error:
        raise Unusable(error.message) from error
    age_s = (now - manifest.created_at).total_seconds()
    facts = (
        Measurement("forecast_age", Quantity(age_s, Dimension.SECONDS)),
        Measurement("pipeline_runs", Quantity(float(manifest.history_runs))),
    )
    delivered = read_metrics_document(json.loads(delivery)).measurements if delivery else ()
    return Reading("forecast bundle", measurements=(*facts, *_seconds(manifest), *delivered))


def _seconds(manifest: Manifest) -> Iterator[Measurement]:
    """Give the median wall seconds of each series; `pipeline_seconds` is the slowest whole workflow's."""
    medians = {name: _median(facts) for name, facts in manifest.series.items()}
    known = {name: seconds for name, seconds in medians.items() if seconds is not None}
    for name, seconds in known.items():
        yield Measurement(f"pipeline_seconds:{name}", Quantity(seconds, Dimension.SECONDS))
    workflows = [seconds for name, seconds in known.items() if " / " not in name]
    if workflows:
        reason = "median of the slowest workflow's recent runs"
        yield Measurement("pipeline_seconds", Quantity(max(workflows), Dimension.SECONDS), reason=reason)


def _median(facts: Mapping[str, object]) -> float | None:
    seconds = facts.get("seconds")
    numbers = [float(one) for one in seconds if isinstance(one, int | float)] if isinstance(seconds, list) else []
    return median(numbers) if numbers else None
