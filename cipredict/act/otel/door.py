"""Sending: OTLP over HTTP through the SDK's exporters, or the same to a terminal."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics.export import ConsoleMetricExporter, MetricExporter, MetricExportResult
from opentelemetry.sdk.resources import OTELResourceDetector
from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SpanExporter, SpanExportResult

from cipredict.act.otel.interface import TracedRun
from cipredict.act.otel.metrics import Terms, metrics_of
from cipredict.act.otel.spans import spans_of
from cipredict.errors import InputError

_SPANS_PER_REQUEST = 1_000
_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Door:
    """Where spans and metrics go."""

    spans: SpanExporter
    metrics: MetricExporter


def open_collector(endpoint: str | None) -> Door:
    """Speak OTLP over HTTP with `endpoint`; None leaves the address to the SDK's own environment variables."""
    base = endpoint.rstrip("/") if endpoint else None
    return Door(
        OTLPSpanExporter(endpoint=f"{base}/v1/traces" if base else None),
        OTLPMetricExporter(endpoint=f"{base}/v1/metrics" if base else None),
    )


def open_console() -> Door:
    """Write what would be sent to stdout, as JSON."""
    return Door(ConsoleSpanExporter(out=sys.stdout), ConsoleMetricExporter(out=sys.stdout))


def send(runs: Sequence[TracedRun], terms: Terms, door: Door, *, servers: Mapping[str, str]) -> int:
    """Send the spans of finished runs, then the metrics of all; give the number of spans.

    Raises
    ------
    InputError
        The collector cannot be reached or refuses; what was sent before has arrived, and sending again is safe.
    """
    base, sent = OTELResourceDetector().detect(), 0  # what the environment says; nothing random
    spans = (span for run in runs if run.run.finished_at for span in spans_of(run, base, servers))
    with _collected_reasons() as reasons:
        while batch := list(islice(spans, _SPANS_PER_REQUEST)):
            if door.spans.export(batch) is not SpanExportResult.SUCCESS:
                raise _refused(reasons)
            sent += len(batch)
        if (
            runs
            and door.metrics.export(metrics_of(runs, terms, base=base, servers=servers))
            is not MetricExportResult.SUCCESS
        ):
            raise _refused(reasons)
    return sent


def _refused(reasons: Sequence[str]) -> InputError:
    reason = reasons[0][:_SHOWN] if reasons else "no reason given"
    return InputError(
        f"The collector did not take the export: {reason}.",
        slug="otel-refused",
        hint="Check --endpoint and send again.",
    )


@contextmanager
def _collected_reasons() -> Iterator[list[str]]:
    """Collect what the SDK logs, for one line of ours instead of several of its own."""
    logger, reasons = logging.getLogger("opentelemetry"), list[str]()
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: reasons.append(record.getMessage().rstrip("."))  # type: ignore[method-assign]
    logger.addHandler(handler)
    logger.propagate, before = False, logger.propagate
    try:
        yield reasons
    finally:
        logger.removeHandler(handler)
        logger.propagate = before
