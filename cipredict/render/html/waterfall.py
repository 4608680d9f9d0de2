"""Runs into the bars of a waterfall."""

from __future__ import annotations

from collections.abc import Iterator

from cipredict.records import JobRecord, Result, RunRecord
from cipredict.render.html.facts import Bar, Waterfall

MOST_BARS = 400
"""More than people read; a matrix of 256 jobs with their steps is cut."""


def waterfall_of(run: RunRecord, jobs: tuple[JobRecord, ...]) -> Waterfall | None:
    """Give the bars of a run, None where no job of it has both times."""
    bars = tuple(bar for job in jobs for bar in _bars(job))
    if not bars:
        return None
    words = [run.workflow, run.branch, run.key.run_id, run.result.value if run.result else ""]
    return Waterfall(" · ".join(word for word in words if word), run.started_at, bars[:MOST_BARS])


def _bars(job: JobRecord) -> Iterator[Bar]:
    """Give the job's bar, then those of its steps; a job that was skipped has none."""
    if job.result is Result.SKIP or not job.started_at or not job.finished_at:
        return
    start_s, end_s = job.started_at.timestamp(), job.finished_at.timestamp()
    yield Bar(job.name, 0, start_s, end_s, max(job.queued_s or 0.0, 0.0), job.result.value if job.result else "")
    for step in job.steps:
        if step.result is not Result.SKIP and step.started_at and step.finished_at:
            result = step.result.value if step.result else ""
            yield Bar(step.name, 1, step.started_at.timestamp(), step.finished_at.timestamp(), 0.0, result)
