"""Records into rows: idempotent upserts of runs, jobs, commits and reports, in bulk through Arrow.

Writing the same record twice changes nothing; a later, richer record adds to the known one. Each function commits in
steps of its own, so a kill loses at most the step in flight.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TypeVar

from cipredict.records import CommitRecord, JobRecord, ReportRecord, RunRecord
from cipredict.store.columns import commit_tables, job_tables, report_table, run_tables
from cipredict.store.database import Store
from cipredict.store.statements import Table, upsert

_RECORDS_PER_STEP = 5_000
"""Bounds memory when a source yields millions; large enough that the commit costs little."""

Record = TypeVar("Record")


def add_runs(store: Store, records: Iterable[RunRecord]) -> int:
    """Store runs and their changes; give the number of records. `changes=None` leaves known changes alone."""
    return _add(store, records, run_tables, upserts=("runs",))


def add_jobs(store: Store, records: Iterable[JobRecord]) -> int:
    """Store jobs and their steps, with a minimal row for unknown runs; give the number of records."""
    return _add(store, records, job_tables, upserts=("unknown_runs", "jobs"))


def add_commits(store: Store, records: Iterable[CommitRecord]) -> int:
    """Store commits and the paths they touched; give the number of records."""
    return _add(store, records, commit_tables, upserts=("commits",))


def add_reports(store: Store, records: Iterable[ReportRecord]) -> int:
    """Store what became of every file read; give the number of records."""
    return _add(store, records, report_table, upserts=("reports",))


def _add(
    store: Store,
    records: Iterable[Record],
    tables: Callable[[Sequence[Record]], Mapping[str, Table]],
    *,
    upserts: tuple[str, ...],
) -> int:
    stored = 0
    for step in _steps(records):
        upsert(store.connection, upserts, tables(step))
        stored += len(step)
    return stored


def _steps(records: Iterable[Record]) -> Iterator[list[Record]]:
    remaining = iter(records)
    while step := list(islice(remaining, _RECORDS_PER_STEP)):
        yield step
