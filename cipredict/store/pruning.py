"""Old history out: what stays goes into a fresh file, which then takes the place of the store.

DuckDB does not give space back for deleted rows. Until the rename the store is untouched, after it the fresh file is
whole: a kill at any moment leaves one of the two.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from cipredict.errors import StoreError
from cipredict.store.archive import table_names
from cipredict.store.columns import utc
from cipredict.store.database import Store, open_store
from cipredict.store.migrate import migrate
from cipredict.store.statements import bounded_memory, call_file, quote_identifier, quote_text, read_sql, run_file

AGEING = (
    "runs",
    "jobs",
    "steps",
    "batches",
    "case_runs",
    "run_changes",
    "benchmark_samples",
    "cache_events",
    "events",
)
"""The tables that lose rows; each has a view `kept_<table>` in `prune_kept.sql`."""


@dataclass(frozen=True, slots=True)
class PrunedTable:
    """Rows of a table that stay and that go."""

    kept: int
    removed: int


@dataclass(frozen=True, slots=True)
class Pruning:
    """What goes, and how many runs with results stay for training."""

    tables: Mapping[str, PrunedTable]
    training_runs: int


def count_old(store: Store, before: datetime) -> Pruning:
    """Count what is older than `before`, and change nothing."""
    _mark(store, before)
    [(training_runs,)] = call_file(store.connection, "sql/prune_training.sql", {})
    return Pruning({name: _count(store, name) for name in AGEING}, int(training_runs))


def prune_store(path: Path, before: datetime) -> Pruning:
    """Replace the store by a fresh file without what is older than `before`; locked all the time.

    Raises
    ------
    StoreError
        Held by another process, or the disk does not take the fresh file: the store is as it was.
    """
    path = path.resolve()  # a link stays one
    with open_store(path) as store:
        pruning = count_old(store, before)
        try:
            with _unfinished(path) as fresh:
                _fill(store, fresh)
                store.connection.execute("checkpoint")  # no journal may outlive the file that it belongs to
                fresh.replace(path)
        except OSError as error:
            raise StoreError(f"Cannot write beside {path}: {error.strerror}.", slug="store-unwritable") from error
    return pruning


def _mark(store: Store, before: datetime) -> None:
    store.connection.execute(read_sql("sql/prune_cutoff.sql"), {"before": utc(before)})
    run_file(store.connection, "sql/prune_kept.sql")


def _count(store: Store, name: str) -> PrunedTable:
    [(rows, kept)] = store.connection.execute(
        f"select (select count(*) from {name}), (select count(*) from kept_{name})"  # noqa: S608  # names of AGEING
    ).fetchall()
    return PrunedTable(int(kept), int(rows) - int(kept))


@contextmanager
def _unfinished(path: Path) -> Iterator[Path]:
    """Give a new, empty store beside the real one; gone after the block unless renamed."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}.unfinished")
    journal = fresh.with_name(f"{fresh.name}.wal")
    fresh.unlink(missing_ok=True)
    try:
        with duckdb.connect(fresh, config={"default_block_size": "65536"}) as connection:
            migrate(connection, fresh)
        yield fresh
    finally:
        fresh.unlink(missing_ok=True)
        journal.unlink(missing_ok=True)


def _fill(store: Store, fresh: Path) -> None:
    connection = store.connection
    connection.execute(f"attach {quote_text(str(fresh))} as fresh")
    try:
        with bounded_memory(connection):
            for name in table_names(store):
                _copy(connection, name)
            connection.execute("checkpoint fresh")
    finally:
        connection.execute("detach fresh")


def _copy(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    columns = call_file(connection, "sql/load_stored_columns.sql", {"table_name": name})
    names = ", ".join(dict.fromkeys(quote_identifier(column) for (column,) in columns))
    source = f"kept_{name}" if name in AGEING else name
    connection.execute(
        f"insert into fresh.{quote_identifier(name)} by name select {names} from {quote_identifier(source)}"  # noqa: S608  # quoted
    )
