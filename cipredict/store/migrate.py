"""The schema and its versions: forward only, each step in one transaction together with the record of it.

Version history
---------------
1 : runs, jobs, steps, cases, changes, commits, snapshots, reports, events, plans
2 : page and completeness of runs
3 : coverage_files, how much of each file the suite executed
4 : parts of huge reports
6 : mutants, outcomes of injected faults
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

import duckdb

from cipredict.errors import StoreError, StoreTooNew
from cipredict.store.statements import quote_identifier, quote_text, transaction

_FILE_NAME = re.compile(r"(?P<version>\d{4})_(?P<name>\w+)\.sql")


class Migration(NamedTuple):
    """One step from version - 1 to version; `sql` may hold several statements."""

    version: int
    name: str
    sql: str


@lru_cache(maxsize=1)
def known_migrations() -> tuple[Migration, ...]:
    """Give the migrations of this version of cipredict, oldest first."""
    found = []
    for file in files("cipredict.store").joinpath("migrations").iterdir():
        if match := _FILE_NAME.fullmatch(file.name):
            found.append(Migration(int(match["version"]), match["name"], file.read_text(encoding="utf-8")))
    return tuple(sorted(found))


def schema_version(connection: duckdb.DuckDBPyConnection, path: Path) -> int:
    """Give the version of the schema in a file, 0 where it holds nothing yet.

    Raises
    ------
    StoreError
        A DuckDB file of somebody else.
    """
    tables = {row[0] for row in connection.execute("select table_name from duckdb_tables()").fetchall()}
    if not tables:
        return 0
    if "schema_version" not in tables:
        raise StoreError(f"{path} is a DuckDB file, but not a history of cipredict.", slug="store-foreign")
    [(version,)] = connection.execute("select coalesce(max(version), 0) from schema_version").fetchall()
    return int(version)


def check_not_newer(version: int, path: Path, migrations: Sequence[Migration]) -> None:
    """Refuse a file that a newer cipredict wrote.

    Raises
    ------
    StoreTooNew
    """
    ours = migrations[-1].version
    if version > ours:
        raise StoreTooNew(
            f"The history {path} has schema {version}; this version of cipredict knows up to {ours}.",
            hint="Upgrade cipredict.",
            slug="store-too-new",
        )


def migrate(
    connection: duckdb.DuckDBPyConnection, path: Path, migrations: Sequence[Migration] | None = None
) -> Path | None:
    """Bring a file to our version, keeping a copy if it held an older one. Does nothing where it is current.

    Returns
    -------
    The copy, `<name>.v<version><suffix>` beside the file, or None if none was needed.

    Raises
    ------
    StoreError
        Foreign or newer file.
    """
    migrations = known_migrations() if migrations is None else migrations
    version = schema_version(connection, path)
    check_not_newer(version, path, migrations)
    due = [migration for migration in migrations if migration.version > version]
    copy = _keep_copy(connection, path, version) if due and version else None
    for migration in due:
        _apply(connection, migration)
    return copy


def _apply(connection: duckdb.DuckDBPyConnection, migration: Migration) -> None:
    with transaction(connection):
        connection.execute(
            "create table if not exists schema_version"
            " (version integer primary key, name varchar not null, applied_at timestamptz not null)"
        )
        connection.execute("comment on table schema_version is 'A row per migration applied.'")
        connection.execute(migration.sql)
        connection.execute(
            "insert into schema_version values ($version, $name, current_timestamp)",
            {"version": migration.version, "name": migration.name},
        )


def _keep_copy(connection: duckdb.DuckDBPyConnection, path: Path, version: int) -> Path:
    """Copy through the connection: reading the file ourselves would drop our lock on it.

    POSIX locks end when the process closes *any* descriptor of the file (fcntl(2), "Advisory record locking").
    """
    copy = path.with_name(f"{path.stem}.v{version}{path.suffix}")
    unfinished = copy.with_name(copy.name + ".unfinished")
    unfinished.unlink(missing_ok=True)
    [(name,)] = connection.execute("select current_database()").fetchall()
    connection.execute(f"attach {quote_text(str(unfinished))} as kept_copy")
    try:
        connection.execute(f"copy from database {quote_identifier(name)} to kept_copy")
    finally:
        connection.execute("detach kept_copy")
    unfinished.replace(copy)
    return copy
