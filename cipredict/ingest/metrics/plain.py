"""Metrics that somebody wrote for gates: `cipredict.metrics/1`, a flat JSON object, and picks from any JSON or CSV.

::

    {"schema": "cipredict.metrics/1", "metrics": [
        {"name": "pesq_nb", "value": 2.9, "unit": "", "reason": "PESQ narrowband MOS",
         "evidence": "measured | confirmed | candidate | inconclusive"}]}
    {"p99_latency": "8.4ms", "requests_per_second": 1240}
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from math import ceil, isfinite

from cipredict.ingest.metrics.interface import Reading, Unusable
from cipredict.ingest.metrics.json_access import objects_at, text_at
from cipredict.ingest.metrics.jsonpath import find_values
from cipredict.measures import Evidence, Measurement, parse_quantity


def read_metrics_document(document: Mapping[str, object]) -> Reading:
    """Read `cipredict.metrics/1`; one metric that makes no sense is kept as unusable, the others count."""
    metrics = tuple(_metric(one) for one in objects_at(document, "metrics"))
    if not metrics:
        raise Unusable("it holds no metric")
    return Reading("metrics", measurements=metrics)


def _metric(one: Mapping[str, object]) -> Measurement:
    name = text_at(one, "name")
    if not name:
        raise Unusable("a metric has no name")
    try:
        evidence = Evidence(str(one.get("evidence", "measured")))
    except ValueError:
        return Measurement(name, None, reason=f"its evidence {one['evidence']!r} is none of {', '.join(Evidence)}")
    value, stated = one.get("value"), text_at(one, "reason")
    if value is None:
        return Measurement(name, None, evidence=evidence, reason=stated or "it has no value")
    measurement = replace(_measure(name, value, unit=text_at(one, "unit")), evidence=evidence)
    return replace(measurement, reason=measurement.reason or stated)


def is_flat(document: Mapping[str, object]) -> bool:
    """Tell whether every value could be a measurement."""
    return bool(document) and all(isinstance(value, int | float | str) for value in document.values())


def read_flat(document: Mapping[str, object]) -> Reading:
    """Read name → number or quantity."""
    return Reading("flat JSON", measurements=tuple(_measure(name, value) for name, value in document.items()))


def _measure(name: str, value: object, *, unit: str = "") -> Measurement:
    """Give a measurement, one without a quantity where the value is none."""
    try:
        return Measurement(name, parse_quantity(f"{value}{unit}" if unit else value))
    except ValueError as error:
        return Measurement(name, None, reason=str(error))


@dataclass(frozen=True, slots=True)
class Pick:
    """One value to take out of a report: `[tool.cipredict.metrics.<name>]`.

    Attributes
    ----------
    path : JSONPath, of JSON
    column : of CSV
    benchmark : series of a benchmark tool's result file; one of the three is set
    take : what becomes of several values: only (there must be one), first, last, min, max, mean, sum, a percentile
    """

    name: str
    file: str
    path: str = ""
    column: str = ""
    benchmark: str = ""
    unit: str = ""
    take: str = "only"


def percentile(values: Sequence[float], share: float) -> float:
    """Give the smallest value that is not exceeded by that share of them: a measured one, never one in between.

    >>> percentile([4.0, 1.0, 3.0, 2.0], 0.5), percentile([4.0, 1.0, 3.0, 2.0], 0.99)
    (2.0, 4.0)
    """
    return sorted(values)[max(0, ceil(share * len(values)) - 1)]


PERCENTILES = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99}
TAKES: dict[str, Callable[[Sequence[float]], float]] = {
    "only": lambda values: values[0],
    "first": lambda values: values[0],
    "last": lambda values: values[-1],
    "min": min,
    "max": max,
    "mean": lambda values: sum(values) / len(values),
    "sum": sum,
    **{name: partial(percentile, share=share) for name, share in PERCENTILES.items()},
}


def pick_json(pick: Pick, document: object) -> Measurement:
    """Take a value out of JSON; where it is not there the metric is missing, and says why."""
    try:
        values = find_values(document, pick.path)
    except ValueError as error:
        return Measurement(pick.name, None, pick.file, reason=str(error))
    return take(pick, values, where=pick.path)


def pick_csv(pick: Pick, text: str) -> Measurement:
    """Take a column out of CSV whose first line names the columns."""
    rows = csv.DictReader(io.StringIO(text))
    if pick.column not in (rows.fieldnames or ()):
        return Measurement(pick.name, None, pick.file, reason=f"there is no column {pick.column!r}")
    try:
        values: list[object] = [row[pick.column] for row in rows]
    except csv.Error as error:
        return Measurement(pick.name, None, pick.file, reason=f"the CSV cannot be read ({error})")
    return take(pick, values, where=pick.column)


def take(pick: Pick, values: Sequence[object], *, where: str) -> Measurement:
    """Make one measurement of the values that a pick leads to; `where` is the path or name that led there."""
    if not values or (pick.take == "only" and len(values) > 1):
        count = f"{len(values)} values, where one was expected (say which with 'take')" if values else "nothing"
        return Measurement(pick.name, None, pick.file, reason=f"{where} leads to {count}")
    try:
        quantities = [parse_quantity(value, bare_unit=pick.unit) for value in values]
    except ValueError as error:
        return Measurement(pick.name, None, pick.file, reason=f"{where}: {error}")
    if len({quantity.dimension for quantity in quantities}) > 1:
        return Measurement(pick.name, None, pick.file, reason=f"{where} mixes units")
    value = TAKES[pick.take]([quantity.value for quantity in quantities])
    if not isfinite(value):
        return Measurement(pick.name, None, pick.file, reason=f"{where} adds up to no finite number")
    return Measurement(pick.name, replace(quantities[0], value=value), pick.file)
