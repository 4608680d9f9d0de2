"""Items from `ingest` into the store, some reports at a time, with a tally of what became of every file.

DuckDB lets one process write and keeps every other out: reports are read before the store is opened, and the lock is
let go after each chunk, so that a reader or a second writer gets its turn.

What a kill costs: a report is committed in one transaction, so it is in the store whole or not at all, and the store
stays intact. Whatever the progress bar has counted is committed. What was read and not yet counted, a second of reading
or 32 reports at most beyond the one in flight, has to be read again; taking the same files in again does that, and
changes nothing else.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from cipredict.errors import InputError
from cipredict.ingest.interface import Report
from cipredict.ingest.paths import missing_paths
from cipredict.records import CaseBatch, JobRecord, ReportStatus, RunRecord
from cipredict.render.console import people, render_table
from cipredict.store.batches import add_case_batches
from cipredict.store.database import open_store
from cipredict.store.writer import add_jobs, add_reports, add_runs

CHUNK_REPORTS = 32
CHUNK_CASES = 20_000
CHUNK_S = 1.0
"""A chunk is written after the report that exceeds one of these."""

_SHOWN = 10
Item = RunRecord | JobRecord | CaseBatch | Report


@dataclass(slots=True)
class Tally:
    """What was read and stored."""

    reports: list[Report] = field(default_factory=list)
    runs: int = 0
    cases: int = 0

    def count(self, status: ReportStatus) -> int:
        """Count the files of a status."""
        return sum(report.status is status for report in self.reports)


@dataclass(slots=True)
class _Chunk:
    """Whole reports, read before the store is opened: its lock is held for writing only."""

    runs: list[RunRecord] = field(default_factory=list)
    jobs: list[JobRecord] = field(default_factory=list)
    batches: list[CaseBatch] = field(default_factory=list)
    reports: list[Report] = field(default_factory=list)

    def add(self, item: Item) -> None:
        """Sort an item in."""
        if isinstance(item, RunRecord):
            self.runs.append(item)
        elif isinstance(item, JobRecord):
            self.jobs.append(item)
        elif isinstance(item, CaseBatch):
            self.batches.append(item)
        else:
            self.reports.append(item)


def take_in(items: Iterable[Item], path: Path, *, total: int | None = None) -> Tally:
    """Store everything that a reader gives; the progress bar counts reports, of `total` where it is known."""
    tally = Tally()
    console = people()
    columns = (TextColumn("Reading reports"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        bar = progress.add_task("", total=total)
        for chunk in _chunks(items, time.monotonic):
            _store(chunk, path, tally)
            progress.update(bar, completed=len(tally.reports))
    return tally


def _chunks(items: Iterable[Item], clock: Callable[[], float]) -> Iterator[_Chunk]:
    """Cut after a report once enough is in hand; what follows the last report closes the last chunk."""
    chunk, begun_s = _Chunk(), clock()
    for item in items:
        if isinstance(item, CaseBatch) and _is_full(chunk, clock() - begun_s):
            yield chunk
            chunk, begun_s = _Chunk(), clock()
        chunk.add(item)
    yield chunk


def _is_full(chunk: _Chunk, reading_s: float) -> bool:
    if len(chunk.reports) >= CHUNK_REPORTS or sum(len(batch.cases) for batch in chunk.batches) >= CHUNK_CASES:
        return True
    return bool(chunk.reports) and reading_s >= CHUNK_S


def _store(chunk: _Chunk, path: Path, tally: Tally) -> None:
    """Write runs before their cases, so that a kill leaves no cases on a run without times."""
    with open_store(path) as store:
        tally.runs += add_runs(store, chunk.runs)
        add_jobs(store, chunk.jobs)
        tally.cases += add_case_batches(store, chunk.batches)
        add_reports(store, [report.to_record(datetime.now(UTC)) for report in chunk.reports])
    tally.reports += chunk.reports


def show_tally(tally: Tally, *, strict: bool) -> None:
    """Say what became of every file; fail as below.

    Raises
    ------
    InputError
        Nothing was stored, a path that was named is missing, or `strict` and a file was skipped.
    """
    console = people()
    console.print(_table(tally))
    poor = [report for report in tally.reports if report.status is not ReportStatus.VALID]
    for report in poor[:_SHOWN]:
        console.print(f"{report.status.value}: {report.source}: {'; '.join(report.problems)}", soft_wrap=True)
    if len(poor) > _SHOWN:
        console.print(f"… and {len(poor) - _SHOWN} more.")
    invalid = tally.count(ReportStatus.INVALID)
    if not tally.cases and not tally.runs:
        raise InputError("Nothing was stored: no file holds a usable report.", slug="ingest-nothing")
    refuse_missing(tally.reports)
    if strict and invalid:
        raise InputError(f"{invalid} files were skipped, and --strict was asked for.", slug="ingest-strict")


def refuse_missing(reports: Iterable[Report]) -> None:
    """Fail where a path that the user named does not exist, after the others were stored.

    Raises
    ------
    InputError
        Naming them.
    """
    if missing := missing_paths(reports):
        names, verb = ", ".join(missing), "does" if len(missing) == 1 else "do"
        raise InputError(f"{names} {verb} not exist; what else was named is stored.", slug="input-missing")


def _table(tally: Tally) -> Table:
    reports = tally.reports
    row = [
        str(len(reports)),
        *(str(tally.count(status)) for status in ReportStatus),
        str(tally.runs),
        f"{tally.cases:,}",
        f"{sum(report.failed for report in reports):,}",
        f"{sum(report.flaky for report in reports):,}",
        f"{sum(report.cases_s for report in reports):,.1f}",
    ]
    columns = ["files", *(status.value for status in ReportStatus), "runs", "cases", "failed", "flaky", "test seconds"]
    return render_table("Ingested", columns, [row])
