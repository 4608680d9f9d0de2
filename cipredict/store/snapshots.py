"""Pictures taken at one time: coverage links, import edges, tracked timings. Each is stored whole, in one transaction.

A snapshot is known by kind, source and time: taking it in again replaces its rows, a later one hides nothing of what
was known before it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from cipredict.records import CoverageLink, CoveredFile, ImportEdge
from cipredict.store.columns import covered_file_table, edge_table, link_table, snapshot_table, timing_table
from cipredict.store.database import Store
from cipredict.store.statements import Table, upsert


def add_coverage_links(store: Store, links: Iterable[CoverageLink], *, source: str, recorded_at: datetime) -> int:
    """Store which files each case executed; give the number of links. `source` is the coverage file.

    A query takes, for each case, the latest snapshot that has the case: a partial measurement replaces only its own.
    """
    table = link_table(links)
    _add(store, snapshot_table("coverage", source, recorded_at), table, upserts=("cases", "coverage_links"))
    return int(table.num_rows)


def add_covered_files(store: Store, files: Iterable[CoveredFile], *, source: str, recorded_at: datetime) -> int:
    """Store how much of each file the suite executed; give the number of files. `source` is the coverage file."""
    table = covered_file_table(files)
    _add(store, snapshot_table("coverage_files", source, recorded_at), table, upserts=("coverage_files",))
    return int(table.num_rows)


def add_import_edges(store: Store, repository: str, edges: Iterable[ImportEdge], *, recorded_at: datetime) -> int:
    """Store the whole import graph of a repository at a time; give the number of edges."""
    table = edge_table(edges)
    _add(store, snapshot_table("imports", repository, recorded_at), table, upserts=("import_edges",))
    return int(table.num_rows)


def add_timings(store: Store, seconds: Mapping[str, float], *, source: str, recorded_at: datetime) -> int:
    """Store seconds by case id, as a tracked `.test_durations` file has them; give the number of cases."""
    table = timing_table(seconds)
    _add(store, snapshot_table("timings", source, recorded_at), table, upserts=("cases", "timings"))
    return int(table.num_rows)


def _add(store: Store, snapshot: Table, rows: Table, *, upserts: tuple[str, ...]) -> None:
    upsert(store.connection, ("snapshot", *upserts), {"": rows, "snapshot": snapshot})
