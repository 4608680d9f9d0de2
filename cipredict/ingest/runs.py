"""One attempt of a run with its jobs, whichever CI system told of it: its times, and the jobs that are really its own.

A run lasts from the start of its first job to the end of its last one. What the systems call the run's own times is
something else: GitHub's `updated_at` moves for months, its `created_at` is that of the first attempt.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import NamedTuple, TypeAlias

from cipredict.records import JobRecord, Result, RunRecord

Oddities: TypeAlias = Counter[str]
"""What a source got wrong, in words that follow a number: `3 jobs end before they start`."""

ENDS_BEFORE_IT_STARTS = "jobs or steps end before they start"
LISTED_AGAIN = "jobs of an earlier attempt listed again"
UNKNOWN_RESULT = "results that cipredict does not know"
WITHOUT_TIME = "runs without any time, left out"
WITHOUT_REPOSITORY = "runs without the name of their repository, left out: give --repository"
NO_TIME = datetime(1970, 1, 1, tzinfo=UTC)
"""Start of a run of which nobody knows it; `checked` leaves such runs out."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt of a run, with the jobs that ran in it."""

    run: RunRecord
    jobs: tuple[JobRecord, ...] = ()


class Span(NamedTuple):
    """From when to when; each end is None where nobody knows it."""

    started_at: datetime | None = None
    finished_at: datetime | None = None


def real_span(span: Span, result: Result | None, oddities: Oddities) -> Span:
    """Keep the times that measure something: none of what was skipped, no end that lies before the start."""
    is_negative = span.started_at is not None and span.finished_at is not None and span.finished_at < span.started_at
    if is_negative:
        oddities[ENDS_BEFORE_IT_STARTS] += 1
    if result is Result.SKIP:
        return Span()
    return Span(span.started_at) if is_negative else span


def run_span(jobs: Iterable[JobRecord]) -> Span:
    """Give first start and last end of the jobs; skipped ones have no times. No end while one of them runs."""
    ran = [job for job in jobs if job.started_at is not None]
    is_over = all(job.finished_at is not None or job.result is not None for job in ran)
    last = max((job.finished_at for job in ran if job.finished_at), default=None)
    return Span(min((job.started_at for job in ran if job.started_at), default=None), last if is_over else None)


def with_span(run: RunRecord, jobs: Iterable[JobRecord]) -> RunRecord:
    """Give the run its jobs' times; without jobs that ran it keeps its start, and its end is unknown."""
    span = run_span(jobs)
    return replace(run, started_at=span.started_at or run.started_at, finished_at=span.finished_at)


def checked(attempt: Attempt, oddities: Oddities) -> Attempt | None:
    """Give the attempt if it can be stored; count why not."""
    if not attempt.run.key.repository:
        oddities[WITHOUT_REPOSITORY] += 1
    elif attempt.run.started_at == NO_TIME:
        oddities[WITHOUT_TIME] += 1
    else:
        return attempt
    return None
