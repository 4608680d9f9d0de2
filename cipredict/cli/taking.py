"""Items from `ingest` into the store, a lease at a time, with a tally of what became of every file.

DuckDB lets one process write and keeps every other out: the lock is let go every second, so that a reader or a second
writer gets its turn. Each report is committed by itself; a kill loses the one in flight, and taking the same files
in again changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from cipredict.errors import InputError
from cipredict.ingest.interface import Report
from cipredict.records import CaseBatch, JobRecord, ReportRecord, ReportStatus, RunRecord
from cipredict.render.console import people, render_table
from cipredict.store.batches import add_case_batches
from cipredict.store.database import open_store
from cipredict.store.writer import add_jobs, add_reports, add_runs

LEASE_S = 1.0
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
class _Lease:
    """What one lease collected beside the cases, which are stored as they come."""

    until: float
    runs: list[RunRecord] = field(default_factory=list)
    jobs: list[JobRecord] = field(default_factory=list)
    reports: list[ReportRecord] = field(default_factory=list)
    is_done: bool = False


def take_in(items: Iterable[Item], path: Path, *, total: int | None = None) -> Tally:
    """Store everything that a reader gives; the progress bar counts reports, of `total` where it is known."""
    tally, source = Tally(), iter(items)
    console = people()
    columns = (TextColumn("Reading reports"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        bar = progress.add_task("", total=total)
        is_done = False
        while not is_done:
            with open_store(path) as store:
                lease = _Lease(until=monotonic() + LEASE_S)
                tally.cases += add_case_batches(store, _batches(source, lease, tally))
                tally.runs += add_runs(store, lease.runs)
                add_jobs(store, lease.jobs)
                add_reports(store, lease.reports)
            is_done = lease.is_done
            progress.update(bar, completed=len(tally.reports))
    return tally


def _batches(source: Iterator[Item], lease: _Lease, tally: Tally) -> Iterator[CaseBatch]:
    """Give the batches until the lease is up, a whole report at a time; put everything else aside."""
    for item in source:
        if isinstance(item, CaseBatch):
            yield item
        elif isinstance(item, RunRecord):
            lease.runs.append(item)
        elif isinstance(item, JobRecord):
            lease.jobs.append(item)
        else:
            tally.reports.append(item)
            lease.reports.append(item.to_record(datetime.now(UTC)))
            if monotonic() > lease.until:
                return
    lease.is_done = True


def show_tally(tally: Tally, *, strict: bool) -> None:
    """Say what became of every file; fail where nothing was stored, or where `strict` and a file was skipped.

    Raises
    ------
    InputError
        As above.
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
    if strict and invalid:
        raise InputError(f"{invalid} files were skipped, and --strict was asked for.", slug="ingest-strict")


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
