"""An export into a store of its own, at our schema version: checked, loaded, migrated. `merge` takes it from there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from cipredict.errors import InputError, StoreTooNew
from cipredict.store.archive import MANIFEST, ArchivedTable, Manifest, sha256_of
from cipredict.store.migrate import known_migrations, migrate
from cipredict.store.staging import staging_folder
from cipredict.store.statements import bounded_memory, call_file, quote_identifier, quote_text


@contextmanager
def restored(folder: Path, *, beside: Path) -> Iterator[Path]:
    """Give a store file with what the export holds, for the length of the block; it lies `beside` the real one.

    An export of an older schema is loaded at that schema and then migrated, as an older file would be.

    Raises
    ------
    InputError
        No export, or damaged: nothing of it is used.
    StoreTooNew
        A newer cipredict wrote it.
    """
    manifest = read_manifest(folder)
    for table in manifest.tables:
        _check(table, folder)
    with staging_folder(beside) as place:
        path = place / "export.duckdb"
        _load(manifest, folder, path)
        yield path


def read_manifest(folder: Path) -> Manifest:
    """Read what an export says about itself.

    Raises
    ------
    InputError, StoreTooNew
        As `restored`.
    """
    try:
        manifest = Manifest.from_json((folder / MANIFEST).read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{folder} is no export: it holds no {MANIFEST}.", slug="export-unreadable") from error
    except ValueError as error:
        raise InputError(f"{folder / MANIFEST} cannot be read: {error}.", slug="export-unreadable") from error
    ours = known_migrations()[-1].version
    if manifest.store_schema > ours:
        raise StoreTooNew(
            f"The export {folder} has schema {manifest.store_schema}; this version of cipredict knows up to {ours}.",
            hint="Upgrade cipredict.",
            slug="store-too-new",
        )
    return manifest


def _check(table: ArchivedTable, folder: Path) -> None:
    path = table.path(folder)
    try:
        if sha256_of(path) == table.sha256:
            return
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.", slug="export-unreadable") from error
    raise InputError(f"{path} is damaged: its checksum is not the manifest's.", slug="export-damaged")


def _load(manifest: Manifest, folder: Path, path: Path) -> None:
    then = [migration for migration in known_migrations() if migration.version <= manifest.store_schema]
    with duckdb.connect(path) as connection, bounded_memory(connection):
        connection.execute("set TimeZone = 'UTC'")
        migrate(connection, path, then)
        try:
            for table in manifest.tables:
                _load_table(connection, table, folder)
        except duckdb.Error as error:
            reason = str(error).splitlines()[0]
            raise InputError(f"{folder} does not fit its schema: {reason}.", slug="export-damaged") from error
        migrate(connection, path)


def _load_table(connection: duckdb.DuckDBPyConnection, table: ArchivedTable, folder: Path) -> None:
    columns = call_file(connection, "sql/load_stored_columns.sql", {"table_name": table.name})
    names = ", ".join(quote_identifier(name) for (name,) in columns) or "*"
    source = f"read_parquet({quote_text(str(table.path(folder)))})"
    connection.execute(f"insert into {quote_identifier(table.name)} by name select {names} from {source}")  # noqa: S608  # quoted
