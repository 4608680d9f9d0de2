"""The whole store as a folder of Parquet files that any tool can read, and the manifest that vouches for them.

::

    DIR/manifest.json      schema, store schema, version, and per table rows and sha256
    DIR/runs.parquet       a file per table, zstd, in the order of the store; and so on

The same store gives the same bytes. Generated columns are in the files, for readers; `restore` leaves them out.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from cipredict import __version__
from cipredict.errors import StoreError, UsageError
from cipredict.store.database import Store
from cipredict.store.migrate import schema_version
from cipredict.store.statements import bounded_memory, call_file, quote_identifier, quote_text

# 1: a file per table, named after it
ARCHIVE_SCHEMA = "cipredict.store-export/1"
MANIFEST = "manifest.json"


@dataclass(frozen=True, slots=True)
class ArchivedTable:
    """One file of an export; its name is the table's with `.parquet`."""

    name: str
    rows: int
    sha256: str

    def path(self, folder: Path) -> Path:
        """Give where the file lies."""
        return folder / f"{self.name}.parquet"


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an export holds. `store_schema` is the version of the store that wrote it."""

    store_schema: int
    tables: tuple[ArchivedTable, ...]

    def to_json(self) -> str:
        """Write it, with sorted keys."""
        document = {
            "schema": ARCHIVE_SCHEMA,
            "store_schema": self.store_schema,
            "version": __version__,
            "tables": {table.name: {"rows": table.rows, "sha256": table.sha256} for table in self.tables},
        }
        return json.dumps(document, indent=2, sort_keys=True) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Manifest:
        """Read it.

        Raises
        ------
        ValueError
            No JSON, not ours, or of a later form.
        """
        try:
            document = json.loads(text)
            if document["schema"] != ARCHIVE_SCHEMA:
                raise ValueError(f"its schema is {document['schema']}, not {ARCHIVE_SCHEMA}")
            return cls(int(document["store_schema"]), tuple(_tables(document["tables"])))
        except (KeyError, TypeError, AttributeError, RecursionError) as error:
            raise ValueError(f"no manifest of an export ({error!r})") from error


def _tables(tables: Mapping[str, Mapping[str, object]]) -> Iterator[ArchivedTable]:
    for name, facts in sorted(tables.items()):
        yield ArchivedTable(name, int(str(facts["rows"])), str(facts["sha256"]))


def export_store(store: Store, folder: Path, *, replace: bool = False) -> Manifest:
    """Write every table into `folder`, which appears whole or not at all; `replace` an earlier export there.

    Raises
    ------
    UsageError
        The folder holds something; with `replace`, something that is no export.
    StoreError
        The disk does not take it.
    """
    folder = folder.resolve()
    _check_free(folder, replace=replace)
    try:
        with _unfinished(folder) as place, bounded_memory(store.connection):
            version = schema_version(store.connection, store.path)
            manifest = Manifest(version, tuple(_write_table(store, name, place) for name in table_names(store)))
            (place / MANIFEST).write_text(manifest.to_json(), encoding="utf-8")
            _publish(place, folder)
    except (OSError, duckdb.IOException) as error:
        reason = str(error).splitlines()[0]
        raise StoreError(f"Cannot write the export to {folder}: {reason}.", slug="output-unwritable") from error
    return manifest


def table_names(store: Store) -> list[str]:
    """Give the tables of the store that hold facts, sorted."""
    return [str(name) for (name,) in call_file(store.connection, "sql/load_table_names.sql", {})]


def sha256_of(path: Path) -> str:
    """Give the checksum of a file in hex."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _check_free(folder: Path, *, replace: bool) -> None:
    if not folder.exists():
        return
    if not folder.is_dir():
        raise UsageError(f"{folder} is a file; the export is a folder.", slug="export-exists")
    if not any(folder.iterdir()):
        return
    is_export = (folder / MANIFEST).is_file() and all(
        path.name == MANIFEST or path.suffix == ".parquet" for path in folder.iterdir()
    )
    if not is_export:
        raise UsageError(f"{folder} holds other things than an export.", slug="export-exists", hint="Name a new one.")
    if not replace:
        raise UsageError(f"{folder} holds an export already.", slug="export-exists", hint="--force replaces it.")


@contextmanager
def _unfinished(folder: Path) -> Iterator[Path]:
    place = folder.with_name(f".{folder.name}.{os.getpid()}.unfinished")
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _publish(place: Path, folder: Path) -> None:
    """Swap the earlier export for the new one; `place` ends up holding what is to be thrown away."""
    if not folder.exists():
        place.rename(folder)
        return
    former = place.with_suffix(".former")
    folder.rename(former)
    place.rename(folder)
    former.rename(place)


def _write_table(store: Store, name: str, place: Path) -> ArchivedTable:
    path = place / f"{name}.parquet"
    [(rows,)] = store.connection.execute(
        f"copy {quote_identifier(name)} to {quote_text(str(path))} (format parquet, compression zstd)"
    ).fetchall()
    return ArchivedTable(name, int(rows), sha256_of(path))
