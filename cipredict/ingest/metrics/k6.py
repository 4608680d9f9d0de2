"""k6's end-of-test summary: what `handleSummary` gets, and the older `--summary-export`.

::

    metrics > http_req_duration > values > p(95)          handleSummary; thresholds > "p(95)<500" > ok
    metrics > http_req_duration > p(95)                   --summary-export; thresholds > "p(95)<500" is true if crossed
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from cipredict.ingest.metrics.interface import Reading, Unusable
from cipredict.ingest.metrics.json_access import as_object, number_at, object_at
from cipredict.measures import Dimension, Measurement, Quantity

_ALIASES = {
    "http_req_duration.p(99)": "p99_latency",
    "http_req_duration.p(95)": "p95_latency",
    "http_reqs.rate": "requests_per_second",
}
_NO_FIGURES = frozenset({"thresholds", "values", "type", "contains"})


def read_k6(document: Mapping[str, object]) -> Reading:
    """Give every figure as `<metric>.<figure>`, the usual ones under their known names too, and crossed thresholds."""
    metrics = object_at(document, "metrics")
    if not metrics:
        raise Unusable("k6 measured nothing")
    found: list[Measurement] = []
    crossed = 0
    for name, value in metrics.items():
        metric = as_object(value, f"the metric {name}")
        found.extend(_figures(name, metric))
        crossed += _crossed(object_at(metric, "thresholds"))
    found.append(Measurement("k6_thresholds_crossed", Quantity(float(crossed))))
    return Reading("k6", measurements=tuple(found))


def _figures(name: str, metric: Mapping[str, object]) -> Iterator[Measurement]:
    values = object_at(metric, "values") or metric
    for figure in sorted(values.keys() - _NO_FIGURES):
        number = number_at(values, figure)
        if number is not None:
            quantity = _quantity(name, metric, figure, number=number)
            for spelled in (f"{name}.{figure}", _ALIASES.get(f"{name}.{figure}")):
                if spelled:
                    yield Measurement(spelled, quantity)


def _quantity(name: str, metric: Mapping[str, object], figure: str, *, number: float) -> Quantity:
    """Give the figure in its unit: k6 measures time in milliseconds and data in bytes."""
    contains = metric.get("contains")
    if figure not in {"rate", "count"} and (
        contains == "time" or (contains is None and name.endswith(("_duration", "_waiting", "_blocked")))
    ):
        return Quantity(number / 1000, Dimension.SECONDS)
    if metric.get("type") == "rate" and figure == "rate":
        return Quantity(number, Dimension.SHARE)
    return Quantity(number)


def _crossed(thresholds: Mapping[str, object]) -> int:
    verdicts = (value.get("ok") is False if isinstance(value, dict) else value is True for value in thresholds.values())
    return sum(verdicts)
