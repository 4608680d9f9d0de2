"""What is exported: runs with their jobs, in a window of time. Needs no OpenTelemetry."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from cipredict.records import JobRecord, Result, RunRecord

ERRORS = frozenset({Result.FAILURE, Result.ERROR, Result.TIMEOUT})
"""Results of what went wrong."""


class TracedRun(NamedTuple):
    """A run with its jobs; `finished_at` is None while it is active."""

    run: RunRecord
    jobs: tuple[JobRecord, ...]


@dataclass(frozen=True, slots=True)
class Window:
    """The time that an export covers: runs that finished in it, and those that started in it and are still active."""

    since: datetime
    until: datetime


def nanoseconds(at: datetime) -> int:
    """Give a time as OTLP counts it, without the rounding of floats."""
    return int(at.timestamp()) * 1_000_000_000 + at.microsecond * 1_000
