"""Which jobs of a run decided when it ended: the chain from the first one to the one that ended last."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from cipredict.records import JobRecord, Result

_SLACK = timedelta(seconds=1)
"""Clocks of CI systems tick in seconds."""


def has_bar(job: JobRecord) -> bool:
    """Tell whether a job ran and has both times."""
    return job.result is not Result.SKIP and job.started_at is not None and job.finished_at is not None


def critical_path(jobs: Iterable[JobRecord], needs: Mapping[str, Sequence[str]]) -> tuple[JobRecord, ...]:
    """Give the chain, first job first: before each one, the job it needed that ended last.

    `needs` is by name of job. Of one that is not in it nothing is known: the last to end before it began stands in,
    whether or not it had to do with it.
    """
    ran = sorted(filter(has_bar, jobs), key=lambda job: (_end(job), job.name, job.job_id))
    path = ran[-1:]
    while path:
        before = [job for job in ran if job not in path and _may_precede(job, path[0], needs)]
        if not before:
            break
        path.insert(0, before[-1])
    return tuple(path)


def _may_precede(job: JobRecord, after: JobRecord, needs: Mapping[str, Sequence[str]]) -> bool:
    is_over = _end(job) <= _start(after) + _SLACK
    return is_over and (after.name not in needs or job.name in needs[after.name])


def _start(job: JobRecord) -> datetime:
    assert job.started_at is not None  # noqa: S101  # `has_bar` looked
    return job.started_at


def _end(job: JobRecord) -> datetime:
    assert job.finished_at is not None  # noqa: S101  # `has_bar` looked
    return job.finished_at
