"""Runs into the store, some at a time, with a bar while it lasts and a table of what came.

The store is open for writing only: between chunks everybody else gets a turn, and an interruption costs one chunk. Runs
are written last, after all that belongs to them: one that is marked complete has its jobs and its cases.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from cipredict.errors import InputError
from cipredict.ingest.interface import Report
from cipredict.ingest.runs import Attempt
from cipredict.records import CaseBatch, ReportStatus, Result
from cipredict.render.console import people, render_table
from cipredict.store.batches import add_case_batches
from cipredict.store.database import open_store
from cipredict.store.writer import add_jobs, add_reports, add_runs

CHUNK_RUNS = 50
"""Of an API: what an interruption costs."""

FILE_CHUNK_RUNS = 2_000
"""Of files: opening the store costs more than reading 50 runs."""

CHUNK_CASES = 50_000
_SHOWN = 10
Item = Attempt | CaseBatch | Report


@dataclass(slots=True)
class RunTally:
    """What was stored; `reports` are the files that were read, report files in artifacts among them."""

    runs: int = 0
    jobs: int = 0
    skipped_jobs: int = 0
    steps: int = 0
    cases: int = 0
    reports: list[Report] = field(default_factory=list)


@dataclass(slots=True)
class _Chunk:
    attempts: list[Attempt] = field(default_factory=list)
    batches: list[CaseBatch] = field(default_factory=list)
    reports: list[Report] = field(default_factory=list)

    def add(self, item: Item) -> None:
        if isinstance(item, Attempt):
            self.attempts.append(item)
        elif isinstance(item, CaseBatch):
            self.batches.append(item)
        else:
            self.reports.append(item)

    def is_full(self, runs: int) -> bool:
        return len(self.attempts) >= runs or sum(len(batch.cases) for batch in self.batches) >= CHUNK_CASES


def take_in_runs(items: Iterable[Item], path: Path, *, chunk_runs: int | None = None) -> RunTally:
    """Store everything that a reader gives; what came before it gave up is stored too."""
    tally = RunTally()
    console = people()
    columns = (TextColumn("Reading runs"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        bar = progress.add_task("", total=None)
        for chunk in _chunks(items, chunk_runs or CHUNK_RUNS):
            _store(chunk, path, tally)
            progress.update(bar, completed=tally.runs)
    return tally


def _chunks(items: Iterable[Item], chunk_runs: int) -> Iterator[_Chunk]:
    """Cut after a run, which follows its cases; a failure of the reader comes after what it had given."""
    chunk = _Chunk()
    try:
        for item in items:
            chunk.add(item)
            if isinstance(item, Attempt) and chunk.is_full(chunk_runs):
                yield chunk
                chunk = _Chunk()
    except (InputError, KeyboardInterrupt):
        yield chunk
        raise
    yield chunk


def _store(chunk: _Chunk, path: Path, tally: RunTally) -> None:
    jobs = [job for attempt in chunk.attempts for job in attempt.jobs]
    with open_store(path) as store:
        tally.jobs += add_jobs(store, jobs)
        tally.cases += add_case_batches(store, chunk.batches)
        add_reports(store, [report.to_record(datetime.now(UTC)) for report in chunk.reports])
        tally.runs += add_runs(store, (attempt.run for attempt in chunk.attempts))
    tally.steps += sum(len(job.steps) for job in jobs)
    tally.skipped_jobs += sum(job.result is Result.SKIP for job in jobs)
    tally.reports += chunk.reports


def show_run_tally(tally: RunTally, oddities: Iterable[tuple[str, int]], facts: Iterable[tuple[str, int]]) -> None:
    """Say what came, what was odd about it, and `facts` about the asking."""
    numbers = {
        "runs": tally.runs,
        "jobs": tally.jobs,
        "skipped jobs": tally.skipped_jobs,
        "steps": tally.steps,
        "files": len(tally.reports),
        "cases": tally.cases,
        **dict(facts),
    }
    console = people()
    console.print(render_table("Ingested", list(numbers), [[f"{number:,}" for number in numbers.values()]]))
    for words, number in sorted(oddities):
        sys.stderr.write(f"cipredict: {number:,} {words}.\n")
    poor = [report for report in tally.reports if report.status is not ReportStatus.VALID]
    for report in poor[:_SHOWN]:
        console.print(f"{report.status.value}: {report.source}: {'; '.join(report.problems)}", soft_wrap=True)
    if len(poor) > _SHOWN:
        console.print(f"… and {len(poor) - _SHOWN} more.")
