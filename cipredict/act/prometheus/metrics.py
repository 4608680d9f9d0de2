"""Runs and deployments as Prometheus metrics, by the names of OpenTelemetry's CI/CD conventions.

The conventions' `cicd.pipeline.run.duration` in seconds is `cicd_pipeline_run_duration_seconds` here, by the rules of
translation of OpenTelemetry itself. What they do not name begins with `cipredict_`. Every figure covers the whole
history that was handed in, so counters only grow from one export to the next.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from operator import attrgetter
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from cipredict.act.otel.interface import ERRORS, TracedRun

DURATION = "cicd_pipeline_run_duration_seconds"
ACTIVE = "cicd_pipeline_run_active"
ERRORS_TOTAL = "cicd_pipeline_run_errors"
DEPLOYMENTS = "cipredict_deployments"
LAST_RUN = "cipredict_last_run_timestamp_seconds"
NAMES = (DURATION, ACTIVE, f"{ERRORS_TOTAL}_total", f"{DEPLOYMENTS}_total", LAST_RUN)
_BOUNDS_S = (10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, 7200.0, 14400.0, 28800.0, 86400.0)
_MOST = 200
"""Characters of a label: a name of 10 kB would be stored with every sample."""
Row = Mapping[str, Any]  # a query's columns


class History(Collector):
    """A history as what a registry collects."""

    def __init__(self, runs: Iterable[TracedRun], deployments: Iterable[Row]) -> None:
        self._runs, self._deployments = list(runs), list(deployments)

    def collect(self) -> Iterator[Metric]:
        """Give the metrics, each with its labels in one order."""
        yield self._durations()
        active = GaugeMetricFamily(ACTIVE, "Runs that have not ended.", labels=("cicd_pipeline_name",))
        for name, count in sorted(Counter(_name(one) for one in self._runs if not one.run.finished_at).items()):
            active.add_metric((name,), count)
        yield active
        errors = CounterMetricFamily(ERRORS_TOTAL, "Jobs that went wrong.", labels=("cicd_pipeline_name", "error_type"))
        for labels, count in sorted(Counter(_errors(self._runs)).items()):
            errors.add_metric(labels, count)
        yield errors
        deployed = CounterMetricFamily(DEPLOYMENTS, "Deployments by outcome.", labels=("environment", "outcome"))
        for labels, count in sorted(Counter(_outcome(row) for row in self._deployments).items()):
            deployed.add_metric(labels, count)
        yield deployed
        last = max((one.run.finished_at.timestamp() for one in self._runs if one.run.finished_at), default=None)
        yield GaugeMetricFamily(LAST_RUN, "When the last known run ended.", value=last)

    def _durations(self) -> Metric:
        labels = ("cicd_pipeline_name", "cicd_pipeline_run_state", "cicd_pipeline_result")
        family = HistogramMetricFamily(DURATION, "Duration of runs by state and result.", labels=labels)
        seconds: defaultdict[tuple[str, str, str], list[float]] = defaultdict(list)
        for one in self._runs:
            started = [job for job in one.jobs if job.started_at]
            if started and (queued_s := min(started, key=attrgetter("started_at")).queued_s) is not None:
                seconds[_name(one), "pending", ""].append(queued_s)
            if one.run.finished_at:
                result = one.run.result.value if one.run.result else ""
                took = (one.run.finished_at - one.run.started_at).total_seconds()
                seconds[_name(one), "executing", result].append(took)
        for key, values in sorted(seconds.items()):
            family.add_metric(key, _buckets(values), sum(values))
        return family


def render_text(history: History) -> str:
    """Give the text format; equal histories give equal text."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(history)
    return generate_latest(registry).decode()


def push(history: History, gateway: str, *, job: str) -> None:
    """Replace what a pushgateway holds of this job; raises OSError where it does not answer."""
    from prometheus_client import push_to_gateway  # noqa: PLC0415  # urllib, only when asked

    registry = CollectorRegistry(auto_describe=False)
    registry.register(history)
    push_to_gateway(gateway, job=job, registry=registry)


def _buckets(values: Sequence[float]) -> list[tuple[str, float]]:
    """Give the cumulative counts."""
    counts = Counter(bisect_left(_BOUNDS_S, value) for value in values)
    total, buckets = 0, []
    for number, bound in enumerate((*map(str, _BOUNDS_S), "+Inf")):
        total += counts[number]
        buckets.append((bound, float(total)))
    return buckets


def _errors(runs: Iterable[TracedRun]) -> Iterator[tuple[str, str]]:
    for one in runs:
        results = [job.result for job in one.jobs] or [one.run.result]
        yield from ((_name(one), result.value) for result in results if result is not None and result in ERRORS)


def _name(one: TracedRun) -> str:
    return (one.run.workflow or one.run.key.repository)[:_MOST]


def _outcome(row: Row) -> tuple[str, str]:
    return str(row["environment"])[:_MOST], "live" if row["is_live"] else "rolled_back"
