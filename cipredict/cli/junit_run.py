"""Test reports of one run, with what the options, the CI environment and git know about that run."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from cipredict.act.git import ChangeSet, changed_paths
from cipredict.cli.environment import ci_run
from cipredict.errors import ChangeUnknown
from cipredict.ingest.environment import DetectedRun
from cipredict.ingest.git import known_files
from cipredict.ingest.interface import Report
from cipredict.ingest.limits import MAX_REPORT_BYTES
from cipredict.ingest.paths import expand
from cipredict.ingest.runs import NO_TIME
from cipredict.ingest.sources import JUNIT_SUFFIXES, open_sources
from cipredict.ingest.workers import Task, read_reports
from cipredict.records import CaseBatch, JobRecord, Result, RunKey, RunRecord


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What the user said about the run; None where the environment or git shall say."""

    repository: str | None = None
    run_id: str | None = None
    sha: str | None = None
    branch: str | None = None
    event: str | None = None
    job: str | None = None
    workflow: str | None = None
    base: str | None = None
    jobs: int = 1
    max_report_bytes: int = MAX_REPORT_BYTES


def read_run(
    paths: Sequence[str],
    options: RunOptions,
    *,
    clock: Callable[[], datetime],
    suffixes: tuple[str, ...] = JUNIT_SUFFIXES,
) -> Iterator[RunRecord | JobRecord | CaseBatch | Report]:
    """Give the cases of every report, then the run and its job, which span the reports' own times.

    `suffixes` are those of reports in folders and archives; a report may be of any format whatever its name.
    """
    paths = list(map(_from_here, paths))
    sources = open_sources(
        paths, standard_input=sys.stdin.buffer, suffixes=suffixes, max_report_bytes=options.max_report_bytes
    )
    run, job = _describe(options, ci_run(), default_id=lambda: local_id(paths, suffixes, now=clock()))
    reports: list[Report] = []
    tasks = (
        item if isinstance(item, Report) else Task(item.name, item.stream, run.key, job.job_id) for item in sources
    )
    for _, items in read_reports(tasks, known_files=known_files(Path.cwd()), jobs=options.jobs):
        for item in items:
            if isinstance(item, Report):
                reports.append(item)
            yield item
    if any(report.cases for report in reports):
        yield from run_of_reports(reports, run, job, now=clock())


def run_of_reports(
    reports: Sequence[Report], run: RunRecord, job: JobRecord, *, now: datetime
) -> tuple[RunRecord, JobRecord]:
    """Give a run and its job the times and the result that the reports tell."""
    started, finished = _span(reports, now)
    result = Result.FAILURE if any(report.failed for report in reports) else Result.SUCCESS
    return (
        replace(run, started_at=started, finished_at=finished, result=result),
        replace(job, started_at=started, finished_at=finished, result=result),
    )


def _span(reports: Sequence[Report], now: datetime) -> tuple[datetime, datetime]:
    """Give the first start and the last end, which is never after `now`.

    A suite's own seconds are worth more than the sum of its cases, which may have run beside each other. A start after
    `now` is local time without its zone, and as good as none.
    """
    starts = [report.started_at for report in reports if report.started_at and report.started_at <= now]
    if not starts:
        return now - timedelta(seconds=sum(report.cases_s for report in reports)), now
    started = min(starts)
    ends = (
        report.ended_at or (report.started_at or started) + timedelta(seconds=report.cases_s)
        for report in reports
        if report.started_at is None or report.started_at <= now
    )
    return started, min(now, max(ends))


def _describe(
    options: RunOptions, detected: DetectedRun | None, *, default_id: Callable[[], str]
) -> tuple[RunRecord, JobRecord]:
    """Put together what options, CI and git know about a run and its job, in this order; the reports know its times."""
    told = detected or DetectedRun(provider="local", repository="", run_id="")
    change = _change(options.base or told.base_sha or told.base_branch or None)
    repository = options.repository or told.repository or Path.cwd().name
    key = RunKey(told.provider, repository, options.run_id or told.run_id or default_id(), told.attempt)
    run = RunRecord(
        key=key,
        started_at=NO_TIME,
        workflow=options.workflow or told.workflow,
        sha=options.sha or told.sha or (change.head_sha if change else ""),
        parent_sha=change.base_sha if change else "",
        branch=options.branch or told.branch or (change.branch if change else ""),
        event=options.event or told.event,
        changes=change.in_folder() if change else None,
    )
    job = options.job or told.job_id or told.job
    return run, JobRecord(key=key, job_id=job, name=told.job or job)


def _change(base: str | None) -> ChangeSet | None:
    """Ask git what the run tested; the report is worth storing without."""
    try:
        return changed_paths(base or "HEAD~1", cwd=Path.cwd())
    except ChangeUnknown as error:
        sys.stderr.write(f"cipredict: {error} The run is stored without its change.\n")
        return None


def _from_here(path: str) -> str:
    """Spell what lies below the working directory relative to it: a report has one name, however it was reached."""
    here = Path.cwd()
    return Path(path).relative_to(here).as_posix() if Path(path).is_relative_to(here) else path


def local_id(paths: Sequence[str], suffixes: tuple[str, ...], *, now: datetime) -> str:
    """Name a run outside CI by its files, so that taking them in again replaces them; a pipe is a run of its moment."""
    files = (file for file in expand(paths, suffixes) if isinstance(file, str))
    marks = sorted(now.isoformat().encode() if file == "-" else _mark(Path(file)) for file in files)
    return "local-" + hashlib.sha256(b"\0".join(marks)).hexdigest()[:12]


def _mark(file: Path) -> bytes:
    about = file.stat()
    return os.fsencode(f"{file.resolve()} {about.st_size} {about.st_mtime_ns}")
