"""What `doctor` asks of a store, and the answer to whether it can be asked at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import duckdb

from cipredict.errors import StoreError
from cipredict.store.columns import utc
from cipredict.store.database import Store, open_store
from cipredict.store.migrate import schema_version
from cipredict.store.statements import Table, query_file


@contextmanager
def examined_store(path: Path, *, wait_s: float = 2.0) -> Iterator[Store]:
    """Open the history to look at it; whatever DuckDB finds wrong with the file on the way is a StoreError.

    Raises
    ------
    StoreError
        Missing, locked, foreign, newer than we, or corrupt, be it in the middle of a query.
    """
    with open_store(path, read_only=True, wait_s=wait_s) as store:
        try:
            yield store
        except duckdb.Error as error:
            reason = str(error).strip().partition("\n")[0].rstrip(".")
            raise StoreError(f"Cannot use the history {path}: {reason}.", slug="store-unusable") from error


def stored_version(store: Store) -> int:
    """Give the version of the schema."""
    return schema_version(store.connection, store.path)


def load_health_history(store: Store, as_of: datetime) -> Table:
    """Give one row: how many runs and results there are, from when, and how many lack time or change."""
    return query_file(store.connection, "sql/health_history.sql", {"as_of": utc(as_of)})


def load_health_steps(store: Store, as_of: datetime) -> Table:
    """Give one row: the jobs whose steps GitHub is about to drop."""
    return query_file(store.connection, "sql/health_steps.sql", {"as_of": utc(as_of)})


def load_recent_cases(store: Store, as_of: datetime) -> Table:
    """Give a row per case of the last 20 runs."""
    return query_file(store.connection, "sql/health_cases.sql", {"as_of": utc(as_of)})


def load_health_reports(store: Store) -> Table:
    """Give a row per status and reason of the files that were read."""
    return query_file(store.connection, "sql/health_reports.sql", {})


def load_event_ids(store: Store) -> Table:
    """Give a row per event in the ledger."""
    return query_file(store.connection, "sql/health_events.sql", {})
