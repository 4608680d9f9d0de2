"""SQL files into executed statements: the one place where text meets the connection.

Statements live in `.sql` files of this room. Upserts hold several and read Arrow tables; a
query file holds one, with named parameters.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from importlib.resources import files
from typing import Any, TypeAlias

import duckdb
import pyarrow as pa

Table: TypeAlias = pa.Table
"""A pyarrow table; pyarrow ships no types."""

INCOMING = "incoming"
"""Prefix of the Arrow tables that an upsert reads: `incoming`, or `incoming_<part>`."""


@lru_cache(maxsize=64)
def read_sql(name: str) -> str:
    """Give the text of `name`, a path inside this room such as `sql/load_runs.sql`."""
    return files("cipredict.store").joinpath(name).read_text(encoding="utf-8")


def quote_identifier(name: str) -> str:
    """Quote a name for SQL, where no parameter can stand.

    >>> quote_identifier('a"b')
    '"a""b"'
    """
    return '"' + name.replace('"', '""') + '"'


def quote_text(text: str) -> str:
    """Quote a text for SQL, for the few statements that take no parameters."""
    return "'" + text.replace("'", "''") + "'"


def run_file(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    """Execute every statement of an SQL file, in order."""
    for statement in connection.extract_statements(read_sql(name)):
        connection.execute(statement)


def call_file(
    connection: duckdb.DuckDBPyConnection, name: str, parameters: Mapping[str, object]
) -> list[tuple[Any, ...]]:  # Any: what the columns hold is known to the file only
    """Execute the one statement of an SQL file and give its rows, few of them.

    Fetches all: DuckDB refuses other work on a connection whose result is unfinished.
    """
    return connection.execute(read_sql(name), dict(parameters)).fetchall()


def query_file(connection: duckdb.DuckDBPyConnection, name: str, parameters: Mapping[str, object]) -> Table:
    """Give the result of an SQL file that holds one query."""
    return connection.sql(read_sql(name), params=dict(parameters)).to_arrow_table()


@contextmanager
def transaction(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Commit what the block did, or none of it."""
    connection.begin()
    try:
        yield
    except BaseException:
        with suppress(duckdb.Error):  # a fatal error has rolled back already; the first error is the one to show
            connection.rollback()
        raise
    connection.commit()


@contextmanager
def bounded_memory(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Let DuckDB use 500 MB for the length of the block, and the disk beyond: for statements over whole tables."""
    connection.execute("set memory_limit = '500MB'")
    try:
        yield
    finally:
        connection.execute("reset memory_limit")


@contextmanager
def registered(connection: duckdb.DuckDBPyConnection, tables: Mapping[str, Table]) -> Iterator[None]:
    """Let SQL read Arrow tables by name, without copying them, for the length of the block."""
    for name, table in tables.items():
        connection.register(name, table)
    try:
        yield
    finally:
        for name in tables:
            connection.unregister(name)


def upsert(connection: duckdb.DuckDBPyConnection, names: Sequence[str], tables: Mapping[str, Table]) -> None:
    """Run files of `upserts/`, named without suffix, over incoming Arrow tables, all in one transaction.

    The table of part `""` is readable as `incoming`, that of `"changes"` as `incoming_changes`.
    """
    named = {f"{INCOMING}_{part}" if part else INCOMING: table for part, table in tables.items()}
    with registered(connection, named), transaction(connection):
        for name in names:
            run_file(connection, f"upserts/{name}.sql")
