"""Somebody else's tables, Parquet or CSV, into an empty store of their own: rows of (run, case, verdict, seconds, …).

DuckDB reads, translates and groups them; no row passes through Python. `merge` takes that store into the real one, so
that its lock is held for writing only, and taking the same file in again changes nothing.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from cipredict.errors import InputError
from cipredict.store.columns import table_of
from cipredict.store.database import Store, open_store
from cipredict.store.merge import merge_store
from cipredict.store.staging import staging_folder
from cipredict.store.statements import (
    bounded_memory,
    call_file,
    query_file,
    quote_identifier,
    quote_text,
    registered,
    run_file,
    transaction,
)
from cipredict.store.table_map import TEXTS, TIMES, UNITS, Column, TableMap

PROVIDER = "table"
"""The provider under which runs of tables are keyed, unless the user names the one that ran them."""

_PARQUET_MAGIC = b"PAR1"
_LONGEST_LINE = 1024**2
_HALF_EMPTY = re.compile(rb"(\0[ -~]){2}|([ -~]\0){2}")
_BINARY = re.compile(rb"[\0-\x08\x0e-\x1f]")
_UNREADABLE = (duckdb.InvalidInputException, duckdb.ConversionException, duckdb.IOException)
"""What a damaged file makes of a statement; every other error is a bug of ours."""

_VERDICT_WORDS = pa.schema([("word", pa.string()), ("verdict", pa.string())])
_STEPS_OF_RUNS = (
    "outside/runs.sql",
    "upserts/runs.sql",
    "outside/cases.sql",
    "upserts/cases.sql",
    "outside/case_runs.sql",
)
_STEPS_OF_TIMINGS = (
    "outside/runs.sql",
    "outside/cases.sql",
    "upserts/cases.sql",
    "outside/timings.sql",
)


@dataclass(frozen=True, slots=True)
class TableReading:
    """What became of one file; nothing of it was used where `error` says why.

    Attributes
    ----------
    rejects : lines of a CSV file that are no row of it
    misencoded : lines of a CSV file that are not UTF-8
    facts : what `outside/tally.sql` counts
    """

    source: str
    size_bytes: int
    facts: dict[str, Any]  # Any: counts, words and seconds
    rejects: int = 0
    misencoded: int = 0
    error: str = ""


@dataclass(frozen=True, slots=True)
class Origin:
    """Whose runs the rows are, where no column says so."""

    repository: str
    provider: str = PROVIDER


@contextmanager
def tables_store(
    files: Iterable[Path], table_map: TableMap, origin: Origin, *, beside: Path
) -> Iterator[tuple[Path, list[TableReading]]]:
    """Give a store file with what the tables hold, for the length of the block, and what became of each of them.

    Raises
    ------
    InputError
        A file that the user named is missing.
    """
    with staging_folder(beside) as folder:
        path = folder / "store" / "tables.duckdb"  # who opens a store lines up at its folder; `folder` is locked
        with open_store(path) as store, bounded_memory(store.connection):
            readings = [_Reader(store, table_map, origin).read(file) for file in dict.fromkeys(files)]
        yield path, readings


def merge_tables(store: Store, staged: Path, origin: Origin) -> None:
    """Add what `tables_store` gave, and say how its runs ended: of another provider's, others know that better."""
    merge_store(store, staged, further=["outside/ends.sql"] if origin.provider == PROVIDER else [])


class _Unfit(Exception):
    """A file lacks a column that the map names: it is skipped like a damaged one."""


@dataclass(frozen=True, slots=True)
class _Reader:
    """Lives for one command: the same map for every file."""

    store: Store
    table_map: TableMap
    origin: Origin

    def read(self, file: Path) -> TableReading:
        """Store the rows of one file, or none of them."""
        try:
            size_bytes = file.stat().st_size
            encoding = _foreign_encoding(file)
            scan = _scan(file)
        except OSError as error:
            raise InputError(f"Cannot read {file}: {error.strerror}.", slug="input-missing") from error
        if encoding:
            return TableReading(file.as_posix(), size_bytes, {}, error=encoding)
        connection, words = self.store.connection, self.table_map.words.items()
        word_table = table_of(_VERDICT_WORDS, words)
        try:
            with registered(connection, {"verdict_words": word_table}), transaction(connection):
                run_file(connection, "outside/macros.sql")
                self._show(file, scan)
                run_file(connection, "outside/rows.sql")
                for step in _STEPS_OF_RUNS if self.table_map.has_verdict else _STEPS_OF_TIMINGS:
                    run_file(connection, step)
                [facts] = query_file(connection, "outside/tally.sql", {}).to_pylist()
                run_file(connection, "outside/cleared.sql")
                return TableReading(file.as_posix(), size_bytes, facts, *_rejects(connection))
        except (_Unfit, *_UNREADABLE) as error:
            return TableReading(file.as_posix(), size_bytes, {}, error=str(error).splitlines()[0])

    def _show(self, file: Path, scan: str) -> None:
        """Create `outside`: their columns under our names, as text, beside what is the same for all rows."""
        connection, columns = self.store.connection, self.table_map.columns
        types = _column_types(connection, scan)
        missing = [column.name for column in columns.values() if column.name not in types]
        if missing:
            raise _Unfit(f"it has no column {', '.join(missing)}, but {', '.join(types)}")
        texts = {field: f"{quote_identifier(column.name)}::varchar" for field, column in columns.items()}
        times = {field: _time(columns[field], types) for field in TIMES if field in columns}
        paths = _paths(columns["changed"], types) if "changed" in columns else "null"
        same = {
            "source": file.as_posix(),
            "provider": self.origin.provider,
            "default_repository": self.origin.repository,
        }
        fields = [
            "row_number() over () as position",
            *(f"{quote_text(text)} as {name}" for name, text in same.items()),
            f"{self._duration_factor()} as duration_factor",
            f"{self.table_map.has_verdict} as has_verdict",
            *(f"{texts.get(field, 'null::varchar')} as {field}" for field in TEXTS),
            *(f"{times.get(field, 'null')}::timestamptz as {field}" for field in TIMES),
            f"coalesce({texts.get('started_at', 'null')}, '') <> '' as has_start",
            f"{paths}::varchar[] as changed",
        ]
        connection.execute(f"create or replace temp view outside as select {', '.join(fields)} from {scan}")  # noqa: S608  # quoted

    def _duration_factor(self) -> float:
        column = self.table_map.columns.get("duration_s")
        return UNITS[column.unit or "s"] if column else 1.0


def _foreign_encoding(file: Path) -> str:
    """Say what a CSV file's first line is instead of UTF-8, of which DuckDB would make other columns; else nothing.

    Further lines are rejected one by one.
    """
    with file.open("rb") as stream:
        line = stream.readline(_LONGEST_LINE)
    if line.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or _HALF_EMPTY.match(line):
        return "it is UTF-16; convert it to UTF-8"
    try:
        line.decode()
    except UnicodeDecodeError:
        is_text = line.endswith(b"\n") and not _BINARY.search(line)
        return "its first line is not UTF-8; convert it to UTF-8" if is_text else ""
    return ""


def _scan(file: Path) -> str:
    with file.open("rb") as stream:
        is_parquet = stream.read(len(_PARQUET_MAGIC)) == _PARQUET_MAGIC
    name = quote_text(str(file))
    if is_parquet:
        return f"read_parquet({name})"
    return f"read_csv({name}, all_varchar = true, header = true, ignore_errors = true, store_rejects = true)"


def _column_types(connection: duckdb.DuckDBPyConnection, scan: str) -> dict[str, str]:
    rows = connection.execute(f"describe from {scan}").fetchall()
    return {name: kind for name, kind, *_ in rows}


def _time(column: Column, types: dict[str, str]) -> str:
    """Give a column of times as it is, and read everything else from its text."""
    name = quote_identifier(column.name)
    if types[column.name].startswith(("TIMESTAMP", "DATE")):
        return name
    return f"moment(trim({name}::varchar), {quote_text(column.unit)})"


def _paths(column: Column, types: dict[str, str]) -> str:
    """Give a list column as it is, and split a text at semicolons."""
    name = quote_identifier(column.name)
    return name if types[column.name].endswith("[]") else f"string_split({name}::varchar, ';')"


def _rejects(connection: duckdb.DuckDBPyConnection) -> tuple[int, int]:
    """Count the lines of a CSV file that are no rows, and those not UTF-8: DuckDB lists them in a table of its own."""
    if not call_file(connection, "outside/rejects_table.sql", {}):  # Parquet has no lines
        return 0, 0
    [(rejects, misencoded)] = call_file(connection, "outside/rejects.sql", {})
    run_file(connection, "outside/rejects_cleared.sql")
    return int(rejects), int(misencoded)
