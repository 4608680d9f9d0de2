"""The backfill format: a folder that holds a project's past runs (docs/formats.md has the contract).

::

    runs.csv       run_id, sha, parent, started_at, branch, event [, wall_s, attempt, workflow, job, runner]
    changes.csv    run_id, path, added, deleted, status [, previous_path]                            optional
    junit/         {run_id}.xml, .json, .jsonl, .trx; or junit.zip, junit.tar.xz, junit.tar.gz, junit.tar of such

Either table may be gzipped (`runs.csv.gz`). A row that cannot be read is reported and skipped.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path, PurePosixPath

from cipredict.errors import InputError
from cipredict.ingest.history_tables import HistoryRow, read_runs
from cipredict.ingest.interface import Report, invalid_report
from cipredict.ingest.limits import MAX_REPORT_BYTES
from cipredict.ingest.paths import spell_suffixes
from cipredict.ingest.sources import REPORT_SUFFIXES, Source, open_sources
from cipredict.ingest.workers import Task, read_reports
from cipredict.records import CaseBatch, JobRecord, ReportStatus, Result, RunRecord

_JUNIT_NAMES = ("junit", "junit.zip", "junit.tar.xz", "junit.tar.gz", "junit.tar")


def read_history(
    folder: Path,
    *,
    repository: str,
    known_files: frozenset[str] = frozenset(),
    jobs: int = 1,
    max_report_bytes: int = MAX_REPORT_BYTES,
) -> Iterator[RunRecord | JobRecord | CaseBatch | Report]:
    """Give every run with its cases, streaming over the reports.

    For each report: its case batches, the run and its one job, whose end is the start plus `wall_s`, else plus the sum
    of the cases' times, then the `Report`. Runs without a report follow last, with no result. Of `Report`s
    there is one per report and per unreadable row, and one where there are no reports.

    Raises
    ------
    InputError
        `folder` holds no readable runs.csv, or none of its rows can be used.
    """
    rows, complaints = read_runs(folder, repository=repository)
    yield from complaints
    finished = set()
    tasks = (_task(item, rows) for item in _open_junit(folder, max_report_bytes))
    for task, items in read_reports(tasks, known_files=known_files, jobs=jobs):
        if task is None:
            yield from items
        else:
            finished.add(task.key.run_id)
            yield from _read_run(items, rows[task.key.run_id])
    for run_id, row in rows.items():
        if run_id not in finished:
            yield _finished(row, cases_s=0.0)


def _run_id(name: str) -> str:
    """Take the suffix off: a run id may hold dots itself."""
    suffix = next((suffix for suffix in REPORT_SUFFIXES if name.lower().endswith(suffix)), "")
    return name[: len(name) - len(suffix)]


def _open_junit(folder: Path, max_report_bytes: int) -> Iterable[Source | Report]:
    paths = [str(folder / name) for name in _JUNIT_NAMES if (folder / name).exists()]
    if not paths:
        return [_no_junit(folder, f"missing, as are {', '.join(_JUNIT_NAMES[1:])}")]
    try:
        return open_sources(
            paths, standard_input=io.BytesIO(), suffixes=REPORT_SUFFIXES, max_report_bytes=max_report_bytes
        )
    except InputError:
        return [_no_junit(folder, f"holds no {spell_suffixes(REPORT_SUFFIXES)} file")]


def _no_junit(folder: Path, why: str) -> Report:
    source = (folder / _JUNIT_NAMES[0]).as_posix()
    return Report(source, ReportStatus.SUBOPTIMAL, (f"{why}: runs are stored without cases and results",))


def _task(item: Source | Report, rows: Mapping[str, HistoryRow]) -> Task | Report:
    if isinstance(item, Report):
        return item
    name = PurePosixPath(item.name.rpartition("!")[2]).name  # the folder may move: the run id identifies the report
    run_id = _run_id(name)
    if run_id not in rows:
        return invalid_report(item.name, f"runs.csv has no run {run_id}")
    return Task(name, item.stream, rows[run_id].run.key, rows[run_id].job)


def _read_run(
    items: Iterable[CaseBatch | Report], row: HistoryRow
) -> Iterator[RunRecord | JobRecord | CaseBatch | Report]:
    for item in items:
        if isinstance(item, Report):
            result = Result.FAILURE if item.failed else Result.SUCCESS
            run = replace(_finished(row, cases_s=item.cases_s), result=result if item.cases else None)
            yield run
            yield JobRecord(
                key=run.key,
                job_id=row.job,
                name=row.job,
                started_at=run.started_at,
                finished_at=run.finished_at,
                runner=row.runner,
                result=run.result,
            )
        yield item


def _finished(row: HistoryRow, *, cases_s: float) -> RunRecord:
    seconds = cases_s if row.wall_s is None else row.wall_s
    return replace(row.run, finished_at=row.run.started_at + timedelta(seconds=seconds))
