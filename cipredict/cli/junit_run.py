"""Test reports of one run, with what the options, the CI environment and git know about that run."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cipredict.act.git import ChangeSet, changed_paths
from cipredict.cli.environment import ci_run
from cipredict.errors import ChangeUnknown, InputError
from cipredict.ingest.git import tracked_files
from cipredict.ingest.interface import Report
from cipredict.ingest.limits import MAX_REPORT_BYTES
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
    paths: Sequence[str], options: RunOptions, *, suffixes: tuple[str, ...] = JUNIT_SUFFIXES
) -> Iterator[RunRecord | JobRecord | CaseBatch | Report]:
    """Give the cases of every report, then the run and its job, which span the reports' own times.

    `suffixes` are those of reports in folders and archives; a report may be of any format whatever its name.
    """
    detected = ci_run()
    change = _change(options.base or (detected.base_sha or detected.base_branch if detected else None))
    provider = detected.provider if detected else "local"
    repository = options.repository or (detected.repository if detected else "") or Path.cwd().name
    key = RunKey(
        provider=provider,
        repository=repository,
        run_id=options.run_id or (detected.run_id if detected else "") or _local_id(paths),
        attempt=detected.attempt if detected else 1,
    )
    job = options.job or (detected.job_id or detected.job if detected else "") or ""
    known_files = _tracked_files()
    reports: list[Report] = []
    sources = open_sources(
        paths, standard_input=sys.stdin.buffer, suffixes=suffixes, max_report_bytes=options.max_report_bytes
    )
    tasks = (item if isinstance(item, Report) else Task(item.name, item.stream, key, job) for item in sources)
    for _, items in read_reports(tasks, known_files=known_files, jobs=options.jobs):
        for item in items:
            if isinstance(item, Report):
                reports.append(item)
            yield item
    if not any(report.cases for report in reports):
        return
    started = min((report.started_at for report in reports if report.started_at), default=datetime.now(UTC))
    finished = started + timedelta(seconds=sum(report.cases_s for report in reports))
    result = Result.FAILURE if any(report.failed for report in reports) else Result.SUCCESS
    yield RunRecord(
        key=key,
        started_at=started,
        finished_at=finished,
        workflow=options.workflow or (detected.workflow if detected else "") or "",
        sha=options.sha or (detected.sha if detected else "") or (change.head_sha if change else ""),
        parent_sha=change.base_sha if change else "",
        branch=options.branch or (detected.branch if detected else "") or (change.branch if change else ""),
        event=options.event or (detected.event if detected else "") or "",
        result=result,
        changes=change.in_folder() if change else None,
    )
    name = (detected.job if detected else "") or job
    yield JobRecord(key=key, job_id=job, name=name, started_at=started, finished_at=finished, result=result)


def _tracked_files() -> frozenset[str]:
    """Give what git tracks here: it settles where a dotted classname ends."""
    try:
        return tracked_files(Path.cwd())
    except InputError:
        return frozenset()


def _change(base: str | None) -> ChangeSet | None:
    """Ask git what the run tested; the report is worth storing without."""
    try:
        return changed_paths(base or "HEAD~1", cwd=Path.cwd())
    except ChangeUnknown as error:
        sys.stderr.write(f"cipredict: {error} The run is stored without its change.\n")
        return None


def _local_id(paths: Sequence[str]) -> str:
    """Name a run outside CI by its files, so that taking them in again replaces them."""
    digest = hashlib.sha256()
    for path in sorted(paths):
        digest.update(path.encode())
        if Path(path).exists():
            digest.update(str(Path(path).stat().st_mtime_ns).encode())
    return f"local-{digest.hexdigest()[:12]}"
