"""Runs into spans.

::

    RUN ci                  SERVER     the run, with its pipeline, commit and branch as resource
    └── unit (3.12)         INTERNAL   a task run per job
        └── Run tests       INTERNAL   a task run per step

Ids are hashes of the run's key, so exporting a run again gives the same trace.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

from cipredict import __version__
from cipredict.act.otel.facts import Attributes, job_facts, pipeline_name, run_facts, run_resource, step_facts
from cipredict.act.otel.interface import ERRORS, TracedRun, nanoseconds
from cipredict.records import JobRecord, RunKey, RunRecord, StepRecord

SCOPE = InstrumentationScope("cipredict", __version__)


def spans_of(traced: TracedRun, base: Resource, servers: Mapping[str, str]) -> Iterator[ReadableSpan]:
    """Give the spans of a finished run, parents first; jobs and steps without both times are left out."""
    run = traced.run
    maker = _SpanMaker(run.key, run_resource(run, base, servers))
    yield from maker.span((), f"RUN {pipeline_name(run)}", timed=run, facts=run_facts(run))
    for job in traced.jobs:
        path = ("job", job.job_id)
        for span in maker.span(path, job.name, timed=job, facts=job_facts(job, servers)):
            yield span
            for step in job.steps:
                place = (*path, "step", str(step.number))
                yield from maker.span(place, step.name, timed=step, facts=step_facts(job, step, servers))


@dataclass(frozen=True, slots=True)
class _SpanMaker:
    """Lives for one run: its key and resource."""

    key: RunKey
    resource: Resource

    def span(
        self, path: tuple[str, ...], name: str, *, timed: RunRecord | JobRecord | StepRecord, facts: Attributes
    ) -> Iterator[ReadableSpan]:
        """Give the span at a path below the run, none without times; the parent's path is two words shorter."""
        if timed.started_at and timed.finished_at:
            yield ReadableSpan(
                name,
                context=self._context(path),
                parent=self._context(path[:-2]) if path else None,
                resource=self.resource,
                attributes=facts,
                kind=SpanKind.INTERNAL if path else SpanKind.SERVER,
                status=Status(StatusCode.ERROR if timed.result in ERRORS else StatusCode.UNSET),
                start_time=nanoseconds(timed.started_at),
                end_time=nanoseconds(timed.finished_at),
                instrumentation_scope=SCOPE,
            )

    def _context(self, path: tuple[str, ...]) -> SpanContext:
        key = (self.key.provider, self.key.repository, self.key.run_id, str(self.key.attempt))
        trace_id, span_id = _hash("trace", *key, size=16), _hash("span", *key, *path, size=8)
        return SpanContext(trace_id, span_id, is_remote=False, trace_flags=TraceFlags(TraceFlags.SAMPLED))


def _hash(*words: str, size: int) -> int:
    return int.from_bytes(hashlib.sha256("\0".join(words).encode()).digest()[:size], "big")
