"""Runs into the bars of a waterfall."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from cipredict.records import JobRecord, Result, RunRecord
from cipredict.render.html.critical_path import critical_path, has_bar
from cipredict.render.html.facts import Bar, Waterfall

MOST_BARS = 400
"""More than people read; a matrix of 256 jobs with their steps is cut."""


def waterfall_of(
    run: RunRecord, jobs: tuple[JobRecord, ...], needs: Mapping[str, Sequence[str]] | None = None
) -> Waterfall | None:
    """Give the bars of a run, None where no job of it has both times; `needs` says which job waits for which."""
    known = needs or {}
    path = critical_path(jobs, known)
    bars = tuple(bar for job in jobs if has_bar(job) for bar in _bars(job, is_critical=job in path))
    if not bars:
        return None
    words = [run.workflow, run.branch, run.key.run_id, run.result.value if run.result else ""]
    title = " · ".join(word for word in words if word)
    return Waterfall(title, run.started_at, bars[:MOST_BARS], are_needs_known=all(job.name in known for job in path))


def _bars(job: JobRecord, *, is_critical: bool) -> Iterator[Bar]:
    """Give the job's bar, then those of its steps."""
    assert job.started_at is not None  # noqa: S101  # `has_bar` looked
    assert job.finished_at is not None  # noqa: S101
    start_s, end_s, queued_s = job.started_at.timestamp(), job.finished_at.timestamp(), max(job.queued_s or 0.0, 0.0)
    yield Bar(job.name, 0, start_s, end_s, queued_s, job.result.value if job.result else "", is_critical)
    for step in job.steps:
        if step.result is not Result.SKIP and step.started_at and step.finished_at:
            result = step.result.value if step.result else ""
            yield Bar(step.name, 1, step.started_at.timestamp(), step.finished_at.timestamp(), 0.0, result)
