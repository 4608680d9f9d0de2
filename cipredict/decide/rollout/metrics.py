"""Metrics of the project's own: what their settings mean, and when a value is too much."""

from __future__ import annotations

from cipredict.decide.rollout import table as kinds
from cipredict.plans.rollout import Metric, MetricKind, Reading

_DIRECTIONS = ("at_most", "at_least")


def parse_metrics(value: object, *, error_share: float) -> tuple[Metric, ...]:
    """Read a list of tables; an error rate without a limit has `rollback_threshold`'s.

    Raises ValueError or TypeError naming every problem of the first table that has any.
    """
    if not isinstance(value, list | tuple):
        raise TypeError("write a list of tables")
    metrics = tuple(_parse_metric(table, error_share=error_share) for table in value)
    if len({metric.name for metric in metrics}) < len(metrics):
        raise ValueError("two metrics have one name")
    return metrics


def _parse_metric(value: object, *, error_share: float) -> Metric:
    table = kinds.Table(value)
    kind = MetricKind(table.take("kind", kinds.choice(tuple(MetricKind)), "custom"))
    is_rate = kind is MetricKind.ERROR_RATE
    limit = table.take("limit", kinds.share if is_rate else kinds.number, None)
    ratio = table.take("ratio", kinds.ratio, None)
    metric = Metric(
        name=table.take("name", kinds.text, ""),
        kind=kind,
        prometheus=table.take("prometheus", _address, ""),
        query=table.take("query", kinds.text, ""),
        command=table.take("command", kinds.words, ()),
        token_variable=table.take("token_variable", kinds.text, ""),
        limit=error_share if is_rate and limit is None and ratio is None else limit,
        ratio=ratio,
        is_least=table.take("direction", kinds.choice(_DIRECTIONS), "at_most") == "at_least",
        interval_s=table.take("interval_s", kinds.seconds, 5.0),
        timeout_s=table.take("timeout_s", kinds.seconds, 5.0),
        in_a_row=table.take("in_a_row", kinds.count, 2),
    )
    for problem in _problems(metric):
        table.complain(problem)
    table.refuse()
    return metric


def _problems(metric: Metric) -> list[str]:
    wrong = {
        "name is missing": not metric.name,
        "give either `prometheus` with a `query` or a `command`": bool(metric.command) == bool(metric.prometheus)
        or bool(metric.prometheus) != bool(metric.query),
        "neither a limit nor a ratio says what is too much": metric.limit is None and metric.ratio is None,
        "direction: less is never worse for an error rate or a latency": metric.is_least
        and metric.kind is not MetricKind.CUSTOM,
    }
    return [problem for problem, is_wrong in wrong.items() if is_wrong]


def _address(value: object) -> str:
    address = kinds.text(value)
    if not address.startswith(("http://", "https://")):
        raise ValueError("an address begins with http:// or https://")
    return address


def beyond_limit(reading: Reading) -> str:
    """Say why a release is bad by a metric; empty where it is not, or where too few values are known.

    >>> from cipredict.plans.rollout import Metric
    >>> beyond_limit(Reading(Metric("queue", limit=10, in_a_row=2), (8, 12)))
    ''
    >>> beyond_limit(Reading(Metric("queue", limit=10, in_a_row=2), (11, 12)))
    'queue is 12, at most 10 is allowed (2 values in a row)'
    """
    metric, values = reading.metric, reading.values
    if len(values) < metric.in_a_row:
        return ""
    for limit, source in ((metric.limit, ""), (_from_baseline(reading), f", {metric.ratio} x the old release's")):
        if limit is not None and all((value < limit) if metric.is_least else (value > limit) for value in values):
            allowed = f"at {'least' if metric.is_least else 'most'} {_spell(reading, limit)} is allowed{source}"
            row = f" ({len(values)} values in a row)"
            return f"{metric.name} is {_spell(reading, values[-1])}, {allowed}{row}"
    return ""


def _from_baseline(reading: Reading) -> float | None:
    ratio, baseline = reading.metric.ratio, reading.baseline
    if ratio is None or baseline is None:
        return None
    return baseline / ratio if reading.metric.is_least else baseline * ratio


def _spell(reading: Reading, value: float) -> str:
    if reading.metric.kind is MetricKind.ERROR_RATE:
        return f"{value:.2%}"
    return f"{value:.3g} s" if reading.metric.kind is MetricKind.LATENCY else f"{value:.6g}"
