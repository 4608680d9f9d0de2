"""What a store says, without the numbers it gave and the times it was written at: equal content, equal value."""

from __future__ import annotations

from pathlib import Path

from cipredict.store.database import Store, open_store
from cipredict.store.statements import quote_identifier

_NUMBERED = {"run_seq": "runs", "case_seq": "cases", "batch_seq": "batches"}
_NAMES = {
    "runs": "provider || '/' || repository || '/' || run_id || '/' || attempt",
    "cases": "case_id",
    "batches": "job_id || '/' || source || '#' || part",
}
_MOMENTS = frozenset({"read_at", "applied_at"})


def read_content(path: Path, *, runs: bool = True) -> dict[str, list[str]]:
    """Give every table as sorted rows of text; numbers of runs, cases and batches as what they stand for.

    Without `runs`, what one ingest says about its run as a whole is left out: of two at once, the last one counts.
    """
    with open_store(path, read_only=True) as store:
        tables = store.connection.execute("select table_name from duckdb_tables() order by all").fetchall()
        left_out = {"schema_version"} if runs else {"schema_version", "runs", "jobs"}
        return {table: _rows(store, table) for (table,) in tables if table not in left_out}


def _rows(store: Store, table: str) -> list[str]:
    columns = store.connection.execute(
        "select column_name from duckdb_columns() where table_name = $table order by column_index", {"table": table}
    ).fetchall()
    chosen = [_named(column, table) for (column,) in columns if column not in _MOMENTS]
    named = ", ".join(chosen)
    query = f"select {named} from {quote_identifier(table)} as t"  # noqa: S608  # names of our own schema
    return sorted(repr(row) for row in store.connection.execute(query).fetchall())


def _named(column: str, table: str) -> str:
    other = _NUMBERED.get(column)
    if other is None:
        return f"cast(t.{quote_identifier(column)} as varchar)"
    if other == table:
        return "''"
    return f"(select {_NAMES[other]} from {other} as o where o.{column} = t.{column})"  # noqa: S608  # our own names
