"""The history file: creating, opening and closing it. What is in it is known to `migrate`, `writer` and `queries`."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from cipredict.errors import StoreError
from cipredict.store.lock import Patience, wait_for
from cipredict.store.migrate import check_not_newer, known_migrations, migrate, schema_version

_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": False,  # nothing is fetched from the network behind the user's back
    "autoload_known_extensions": False,
    "python_enable_replacements": False,  # a misspelled table must not become somebody's local variable
    "default_block_size": "65536",  # of new files; DuckDB's own, 256 KiB, makes a small history five times larger
}
_WRITER_CONFIG = {**_CONFIG, "threads": 1}  # a report at a time is inserted: threads would only hold memory
_LABEL = re.compile(r"^(IO|TransactionContext) Error: ")
_BROKEN_FILE = (
    duckdb.IOException,
    duckdb.SerializationException,
    duckdb.FatalException,
    duckdb.OutOfMemoryException,
    duckdb.TransactionException,  # a commit that finds the disk full
)
"""What the file or the disk can do to us at any statement; every other error is a bug of ours."""


@dataclass(frozen=True, slots=True)
class Store:
    """An open history. `writer`, `snapshots`, `ledger` and `queries` take it as their first argument.

    Not thread-safe: one thread per store. Valid inside the `with open_store(...)` block only.
    """

    path: Path
    connection: duckdb.DuckDBPyConnection


@contextmanager
def open_store(
    path: Path,
    *,
    read_only: bool = False,
    wait_s: float = 15.0,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[Store]:
    """Open the history for the length of a `with` block, at our schema version.

    A writer creates a missing file with its folder. Opened for writing the file is locked against every other
    process, opened `read_only` against writers: parse before you open, and leave the block soon. An older file is
    upgraded, after a copy, whoever opens it.

    Raises
    ------
    StoreLocked
        Another process held the file for `wait_s` seconds.
    StoreTooNew
        A newer cipredict wrote it.
    StoreError
        Missing for a reader, unwritable, corrupt, or not ours.
    """
    try:
        connection = _open(path, read_only=read_only, patience=Patience(wait_s, clock, sleep))
    except _BROKEN_FILE as error:
        raise _broken(path, error) from error
    try:
        yield Store(path, connection)
    except _BROKEN_FILE as error:
        raise _broken(path, error) from error
    finally:
        connection.close()


def _open(path: Path, *, read_only: bool, patience: Patience) -> duckdb.DuckDBPyConnection:
    if not path.exists():
        if read_only:
            raise StoreError(f"There is no history at {path}.", hint="Run `cipredict ingest` first.", slug="no-store")
        _create(path)
    connection = _connect(path, read_only=read_only, patience=patience)
    try:
        if not read_only:
            migrate(connection, path)
            return connection
        version = schema_version(connection, path)
        check_not_newer(version, path, known_migrations())
    except BaseException:
        connection.close()
        raise
    if version == known_migrations()[-1].version:
        return connection
    connection.close()
    _open(path, read_only=False, patience=patience).close()  # a reader of an older file upgrades it first
    return _connect(path, read_only=True, patience=patience)


def _connect(path: Path, *, read_only: bool, patience: Patience) -> duckdb.DuckDBPyConnection:
    try:
        config = _CONFIG if read_only else _WRITER_CONFIG
        connection = wait_for(lambda: duckdb.connect(path, read_only=read_only, config=config), path, patience)
    except duckdb.Error as error:
        raise _broken(path, error) from error
    connection.execute("set TimeZone = 'UTC'")
    return connection


def _create(path: Path) -> None:
    """Build the new file under another name first: a kill leaves a whole history or none, never half of one."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.unfinished")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished.unlink(missing_ok=True)
        with duckdb.connect(unfinished, config=_CONFIG) as connection:
            migrate(connection, path)
            connection.execute("checkpoint")  # closing would do it too, but keep quiet about a full disk
        _publish(unfinished, path)
    except (OSError, *_BROKEN_FILE) as error:
        reason = f"{path.parent} is not a folder" if isinstance(error, FileExistsError) else _reason(error)
        raise StoreError(f"Cannot create the history {path}: {reason}.", slug="store-unwritable") from error


def _publish(unfinished: Path, path: Path) -> None:
    try:
        os.link(unfinished, path)
    except FileExistsError:  # another process was faster: its file is as good
        unfinished.unlink()
    except OSError:  # a filesystem without hard links
        unfinished.replace(path)
    else:
        unfinished.unlink()


def _broken(path: Path, error: duckdb.Error) -> StoreError:
    return StoreError(f"Cannot use the history {path}: {_reason(error)}.", slug="store-unusable")


def _reason(error: Exception) -> str:
    """Give the first line of an error, without DuckDB's label and final punctuation."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return _LABEL.sub("", lines[0]).rstrip(".!")
