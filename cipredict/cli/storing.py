"""Chunks of records into the store, with a bar while it lasts and a tally of what came: one sink for every reader.

DuckDB lets one process write and keeps every other out: a chunk is read before the store is opened, and the lock is let
go after it, so that a reader or a second writer gets its turn. Who cuts the chunks decides what an interruption costs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from cipredict.errors import InputError
from cipredict.ingest.interface import Report
from cipredict.ingest.runs import Attempt
from cipredict.records import CaseBatch, JobRecord, ReportStatus, Result, RunRecord
from cipredict.render.console import people
from cipredict.store.batches import add_case_batches
from cipredict.store.database import open_store
from cipredict.store.writer import add_jobs, add_reports, add_runs

_SHOWN = 10
Item: TypeAlias = Attempt | RunRecord | JobRecord | CaseBatch | Report


@dataclass(slots=True)
class Tally:
    """What was read and stored; `reports` are the files, report files in artifacts among them."""

    reports: list[Report] = field(default_factory=list)
    runs: int = 0
    jobs: int = 0
    skipped_jobs: int = 0
    steps: int = 0
    cases: int = 0

    def count(self, status: ReportStatus) -> int:
        """Count the files of a status."""
        return sum(report.status is status for report in self.reports)


@dataclass(slots=True)
class Chunk:
    """Whole reports and runs, read before the store is opened."""

    runs: list[RunRecord] = field(default_factory=list)
    jobs: list[JobRecord] = field(default_factory=list)
    batches: list[CaseBatch] = field(default_factory=list)
    reports: list[Report] = field(default_factory=list)

    @property
    def cases(self) -> int:
        """How many cases are in hand."""
        return sum(len(batch.cases) for batch in self.batches)

    def add(self, item: Item) -> None:
        """Sort an item in."""
        if isinstance(item, Attempt):
            self.runs.append(item.run)
            self.jobs += item.jobs
        elif isinstance(item, RunRecord):
            self.runs.append(item)
        elif isinstance(item, JobRecord):
            self.jobs.append(item)
        elif isinstance(item, CaseBatch):
            self.batches.append(item)
        else:
            self.reports.append(item)


def store_chunks(
    chunks: Iterable[Chunk], path: Path, *, words: str, done: Callable[[Tally], int], total: int | None = None
) -> Tally:
    """Store chunk by chunk; the bar, with `words` before it, shows what is `done`, of `total` where it is known."""
    tally = Tally()
    console = people()
    columns = (TextColumn(words), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        bar = progress.add_task("", total=total)
        for chunk in chunks:
            store_chunk(chunk, path, tally)
            progress.update(bar, completed=done(tally))
    return tally


def store_chunk(chunk: Chunk, path: Path, tally: Tally) -> None:
    """Write runs last: one that is marked complete has its jobs and its cases.

    Until then, cases are on a run that no query sees.
    """
    with open_store(path) as store:
        tally.jobs += add_jobs(store, chunk.jobs)
        tally.cases += add_case_batches(store, chunk.batches)
        add_reports(store, [report.to_record(datetime.now(UTC)) for report in chunk.reports])
        tally.runs += add_runs(store, chunk.runs)
    tally.steps += sum(len(job.steps) for job in chunk.jobs)
    tally.skipped_jobs += sum(job.result is Result.SKIP for job in chunk.jobs)
    tally.reports += chunk.reports


def show_poor(reports: Iterable[Report], console: Console) -> None:
    """Say what is wrong with the files that are not valid."""
    poor = [report for report in reports if report.status is not ReportStatus.VALID]
    for report in poor[:_SHOWN]:
        console.print(f"{report.status.value}: {report.source}: {'; '.join(report.problems)}", soft_wrap=True)
    if len(poor) > _SHOWN:
        console.print(f"… and {len(poor) - _SHOWN} more.")


def refuse_missing(missing: Sequence[str]) -> None:
    """Fail where a path that the user named does not exist, after the others were stored.

    Raises
    ------
    InputError
        Naming them.
    """
    if missing:
        names, verb = ", ".join(missing), "does" if len(missing) == 1 else "do"
        raise InputError(f"{names} {verb} not exist; what else was named is stored.", slug="input-missing")
