"""Runs into metrics: how long they took, how many are active, what failed; each point covers the whole window."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter

from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Histogram,
    HistogramDataPoint,
    Metric,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.semconv._incubating.attributes import cicd_attributes as cicd
from opentelemetry.semconv._incubating.metrics import cicd_metrics
from opentelemetry.semconv.attributes.error_attributes import ERROR_TYPE

from cipredict.act.otel.facts import Attributes, outcome, pipeline_name, repository_resource
from cipredict.act.otel.interface import ERRORS, TracedRun, Window, nanoseconds
from cipredict.act.otel.spans import SCOPE
from cipredict.records import Result

Facts = tuple[tuple[str, str], ...]
"""Attributes of a point, sorted: points are told apart by them."""

_BOUNDS_S = (10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, 7200.0, 14400.0, 28800.0, 86400.0)


@dataclass(frozen=True, slots=True)
class Terms:
    """What all points share. `is_delta`: counts are those of the window, not running totals that began with it."""

    window: Window
    is_delta: bool = False


def metrics_of(runs: Iterable[TracedRun], terms: Terms, *, base: Resource, servers: Mapping[str, str]) -> MetricsData:
    """Count and time runs, for each repository."""
    by_repository: defaultdict[tuple[str, str], list[TracedRun]] = defaultdict(list)
    for traced in runs:
        by_repository[traced.run.key.provider, traced.run.key.repository].append(traced)
    return MetricsData(
        [
            ResourceMetrics(
                repository_resource(of_one[0].run.key, base, servers),
                [ScopeMetrics(SCOPE, [metric for metric in _metrics(of_one, terms) if metric.data.data_points], "")],
                "",
            )
            for of_one in by_repository.values()
        ]
    )


def _metrics(runs: Sequence[TracedRun], terms: Terms) -> Iterator[Metric]:
    """Give the metrics, with the descriptions of the conventions."""
    durations: defaultdict[Facts, list[float]] = defaultdict(list)
    for facts, seconds in (pair for traced in runs for pair in _durations(traced)):
        durations[facts].append(seconds)
    yield Metric(
        cicd_metrics.CICD_PIPELINE_RUN_DURATION,
        "Duration of a pipeline run grouped by pipeline, state and result.",
        "s",
        _histogram(durations, terms),
    )
    yield Metric(
        cicd_metrics.CICD_PIPELINE_RUN_ACTIVE,
        "The number of pipeline runs currently active in the system by state.",
        "{run}",
        _sum(Counter(_state(traced, "executing") for traced in runs if traced.run.finished_at is None), terms),
    )
    yield Metric(
        cicd_metrics.CICD_PIPELINE_RUN_ERRORS,
        "The number of errors encountered in pipeline runs (eg. compile, test failures).",
        "{error}",
        _sum(Counter(error for traced in runs for error in _errors(traced)), terms, is_monotonic=True),
    )


def _durations(traced: TracedRun) -> Iterator[tuple[Facts, float]]:
    """Give how long the first job waited, where that is known, and how long the run took."""
    run = traced.run
    started = [job for job in traced.jobs if job.started_at]
    if started and (queued_s := min(started, key=attrgetter("started_at")).queued_s) is not None:
        yield _state(traced, "pending"), queued_s
    if run.finished_at:
        facts = _state(traced, "executing", outcome(cicd.CICD_PIPELINE_RESULT, run.result))
        yield facts, (run.finished_at - run.started_at).total_seconds()


def _errors(traced: TracedRun) -> Iterator[Facts]:
    """Give one for every job that failed; for the run itself where no job is known."""
    results: list[Result | None] = [job.result for job in traced.jobs] or [traced.run.result]
    for result in results:
        if result is not None and result in ERRORS:
            yield _frozen({cicd.CICD_PIPELINE_NAME: pipeline_name(traced.run), ERROR_TYPE: result.value})


def _state(traced: TracedRun, state: str, facts: Mapping[str, str] = {}) -> Facts:
    pipeline = pipeline_name(traced.run)
    return _frozen({cicd.CICD_PIPELINE_NAME: pipeline, cicd.CICD_PIPELINE_RUN_STATE: state, **facts})


def _frozen(facts: Attributes) -> Facts:
    return tuple(sorted(facts.items()))


def _histogram(values: Mapping[Facts, Sequence[float]], terms: Terms) -> Histogram:
    points = [_distribution(dict(facts), sorted(seconds), terms) for facts, seconds in sorted(values.items())]
    return Histogram(points, _temporality(is_delta=terms.is_delta))


def _distribution(facts: Attributes, seconds: Sequence[float], terms: Terms) -> HistogramDataPoint:
    buckets = Counter(bisect_left(_BOUNDS_S, value) for value in seconds)
    return HistogramDataPoint(
        attributes=facts,
        start_time_unix_nano=nanoseconds(terms.window.since),
        time_unix_nano=nanoseconds(terms.window.until),
        count=len(seconds),
        sum=sum(seconds),
        bucket_counts=[buckets[number] for number in range(len(_BOUNDS_S) + 1)],
        explicit_bounds=_BOUNDS_S,
        min=seconds[0],
        max=seconds[-1],
    )


def _sum(counts: Mapping[Facts, int], terms: Terms, *, is_monotonic: bool = False) -> Sum:
    """Give counts; a number of active things is no sum over the window, whatever was asked for."""
    begin, end = nanoseconds(terms.window.since), nanoseconds(terms.window.until)
    points = [NumberDataPoint(dict(facts), begin, end, count) for facts, count in sorted(counts.items())]
    return Sum(points, _temporality(is_delta=terms.is_delta and is_monotonic), is_monotonic)


def _temporality(*, is_delta: bool) -> AggregationTemporality:
    return AggregationTemporality.DELTA if is_delta else AggregationTemporality.CUMULATIVE
