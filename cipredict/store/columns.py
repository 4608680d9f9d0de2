"""Records into Arrow tables, column by column: the shape in which DuckDB takes thousands of rows at once.

Every function gives the tables that an upsert reads, a row per key: of two records with one key the later wins, and
what it does not know it takes from the earlier. `position` numbers the rows from 1 and ties details to them.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TypeAlias, TypeVar

import pyarrow as pa

from cipredict.records import (
    CaseRun,
    Change,
    CommitRecord,
    CoverageLink,
    CoveredFile,
    ImportEdge,
    JobRecord,
    MutantRecord,
    ReportRecord,
    RunKey,
    RunRecord,
    StepRecord,
)
from cipredict.store.statements import Table

Row: TypeAlias = tuple[object, ...]
Key = TypeVar("Key", bound=Hashable)
_TIME = pa.timestamp("us", tz="UTC")
_KEY = (("provider", pa.string()), ("repository", pa.string()), ("run_id", pa.string()), ("attempt", pa.int32()))
_RUN = pa.schema(
    [
        ("position", pa.int32()),
        *_KEY,
        ("workflow", pa.string()),
        ("sha", pa.string()),
        ("parent_sha", pa.string()),
        ("branch", pa.string()),
        ("event", pa.string()),
        ("started_at", _TIME),
        ("finished_at", _TIME),
        ("result", pa.string()),
        ("is_change_known", pa.bool_()),
        ("url", pa.string()),
        ("is_complete", pa.bool_()),
    ]
)
_JOB = pa.schema(
    [
        ("position", pa.int32()),
        *_KEY,
        ("job_id", pa.string()),
        ("name", pa.string()),
        ("runner", pa.string()),
        ("started_at", _TIME),
        ("finished_at", _TIME),
        ("queued_s", pa.float64()),
        ("result", pa.string()),
    ]
)
_STEP = pa.schema(
    [
        ("position", pa.int32()),
        ("number", pa.int32()),
        ("name", pa.string()),
        ("started_at", _TIME),
        ("finished_at", _TIME),
        ("result", pa.string()),
    ]
)
_CHANGE = pa.schema(
    [
        ("position", pa.int32()),
        ("path", pa.string()),
        ("added", pa.int32()),
        ("deleted", pa.int32()),
        ("status", pa.string()),
        ("previous_path", pa.string()),
    ]
)
_COMMIT = pa.schema(
    [
        ("position", pa.int32()),
        ("repository", pa.string()),
        ("sha", pa.string()),
        ("parent_sha", pa.string()),
        ("committed_at", _TIME),
        ("author", pa.string()),
    ]
)
_CASE_RUN = pa.schema(
    [
        ("batch_seq", pa.int32()),
        ("run_seq", pa.int32()),
        ("case_seq", pa.int32()),
        ("verdict", pa.string()),
        ("duration_s", pa.float64()),
        ("attempts", pa.int32()),
        ("is_flaky", pa.bool_()),
        ("peak_memory_bytes", pa.int64()),
    ]
)
_REPORT = pa.schema(
    [
        ("source", pa.string()),
        ("status", pa.string()),
        ("reason", pa.string()),
        ("size_bytes", pa.int64()),
        ("sha256", pa.string()),
        ("cases", pa.int32()),
        ("read_at", _TIME),
    ]
)

_SNAPSHOT = pa.schema([("kind", pa.string()), ("source", pa.string()), ("recorded_at", _TIME)])
_LINK = pa.schema([("case_id", pa.string()), ("path", pa.string()), ("lines", pa.int32())])
_COVERED_FILE = pa.schema([("path", pa.string()), ("covered_lines", pa.int32()), ("valid_lines", pa.int32())])
_EDGE = pa.schema([("importer", pa.string()), ("imported", pa.string())])
_TIMING = pa.schema([("case_id", pa.string()), ("duration_s", pa.float64())])

_MUTANT = pa.schema(
    [
        ("position", pa.int32()),
        ("repository", pa.string()),
        ("mutant_id", pa.string()),
        ("path", pa.string()),
        ("function", pa.string()),
        ("line", pa.int32()),
        ("operator", pa.string()),
        ("recorded_at", _TIME),
        ("outcome", pa.string()),
        ("duration_s", pa.float64()),
    ]
)
_MUTANT_FAILURE = pa.schema([("position", pa.int32()), ("case_id", pa.string())])

_EVENT = pa.schema(
    [("event_id", pa.string()), ("kind", pa.string()), ("happened_at", _TIME), *_KEY, ("body", pa.string())]
)
_PLAN = pa.schema(
    [
        ("event_id", pa.string()),
        ("plan_id", pa.string()),
        ("plan_schema", pa.string()),
        ("skips_nothing", pa.bool_()),
    ]
)
_SAMPLE = pa.schema(
    [
        *_KEY,
        ("benchmark", pa.string()),
        ("metric", pa.string()),
        ("unit", pa.string()),
        ("sample", pa.int32()),
        ("value", pa.float64()),
    ]
)
_PREDICTION = pa.schema(
    [
        ("event_id", pa.string()),
        ("case_id", pa.string()),
        ("is_selected", pa.bool_()),
        ("p_fail", pa.float64()),
        ("expected_s", pa.float64()),
    ]
)


def table_of(schema: pa.Schema, rows: Iterable[Sequence[object]]) -> Table:
    """Turn rows into an Arrow table of `schema`; no rows give an empty table."""
    columns = list(zip(*rows, strict=True)) or [()] * len(schema)
    return _from_columns(schema, columns)


def _from_columns(schema: pa.Schema, columns: Iterable[Sequence[object]]) -> Table:
    arrays = [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema)


def utc(at: datetime | None) -> datetime | None:
    """Bring an aware time to UTC.

    Raises
    ------
    ValueError
        A naive time: a record that breaks its contract must not be stored as if it were UTC.
    """
    if at is None:
        return None
    if at.tzinfo is None:
        raise ValueError(f"time without zone: {at.isoformat()}")
    return at.astimezone(UTC)


def run_tables(records: Sequence[RunRecord]) -> dict[str, Table]:
    """Give `incoming` runs and their `incoming_changes`."""
    rows = _merged((record.key, (*_key(record.key), *_run(record))) for record in records)
    changes = {record.key: _change_rows(record.changes) for record in records if record.changes is not None}
    return {"": table_of(_RUN, _numbered(rows)), "changes": table_of(_CHANGE, _details(rows, changes))}


def job_tables(records: Sequence[JobRecord]) -> dict[str, Table]:
    """Give `incoming` jobs, `incoming_keys` of their runs, and `incoming_steps`."""
    rows = _merged(((record.key, record.job_id), (*_key(record.key), *_job(record))) for record in records)
    steps = {(record.key, record.job_id): _step_rows(record.steps) for record in records if record.steps}
    table = table_of(_JOB, _numbered(rows))
    return {"": table, "keys": table, "steps": table_of(_STEP, _details(rows, steps))}


def commit_tables(records: Sequence[CommitRecord]) -> dict[str, Table]:
    """Give `incoming` commits and their `incoming_changes`."""
    rows = {(r.repository, r.sha): (r.repository, r.sha, r.parent_sha, utc(r.committed_at), r.author) for r in records}
    changes = {(record.repository, record.sha): _change_rows(record.changes) for record in records}
    return {"": table_of(_COMMIT, _numbered(rows)), "changes": table_of(_CHANGE, _details(rows, changes))}


def mutant_tables(records: Sequence[MutantRecord]) -> dict[str, Table]:
    """Give `incoming_mutants`, and as `incoming` the cases that they turned red."""
    rows = {(record.repository, record.mutant_id): _mutant(record) for record in records}
    failures = {(r.repository, r.mutant_id): [(case_id,) for case_id in r.failed] for r in records}
    return {
        "mutants": table_of(_MUTANT, _numbered(rows)),
        "": table_of(_MUTANT_FAILURE, _details(rows, failures)),
    }


def _mutant(record: MutantRecord) -> Row:
    place = (record.repository, record.mutant_id, record.path, record.function, record.line, record.operator)
    return (*place, utc(record.recorded_at), record.outcome.value, record.duration_s)


def case_run_table(cases: Sequence[CaseRun], *, batch_seq: int, run_seq: int, case_seqs: Sequence[int]) -> Table:
    """Give the rows of one report file, cases named by `case_seqs`."""
    columns = list(zip(*cases, strict=True))[1:] or [()] * 5
    seqs = ([batch_seq] * len(cases), [run_seq] * len(cases), case_seqs)
    return _from_columns(_CASE_RUN, (*seqs, *columns))


def id_table(case_ids: Iterable[str]) -> Table:
    """Give case ids as the column `case_id`."""
    return pa.table({"case_id": pa.array(list(case_ids), pa.string())})


def key_table(keys: Iterable[RunKey]) -> Table:
    """Give keys of runs as four columns."""
    return table_of(pa.schema(_KEY), [_key(key) for key in keys])


def report_table(records: Sequence[ReportRecord]) -> dict[str, Table]:
    """Give the `incoming` reports."""
    rows = {r.source: (r.source, r.status, r.reason, r.size_bytes, r.sha256, r.cases, utc(r.read_at)) for r in records}
    return {"": table_of(_REPORT, rows.values())}


def event_tables(
    events: Iterable[Sequence[object]], plans: Iterable[Sequence[object]], predictions: Iterable[Sequence[object]]
) -> dict[str, Table]:
    """Give `incoming_events`, `incoming_plans` and the `incoming` predictions of those plans."""
    return {
        "": table_of(_PREDICTION, predictions),
        "events": table_of(_EVENT, events),
        "plans": table_of(_PLAN, plans),
    }


def sample_tables(samples: Sequence[Sequence[object]]) -> dict[str, Table]:
    """Give the `incoming` samples of benchmarks, and the keys of their runs."""
    return {"": table_of(_SAMPLE, samples), "keys": table_of(pa.schema(_KEY), [row[:4] for row in samples])}


def snapshot_table(kind: str, source: str, recorded_at: datetime) -> Table:
    """Give the one row that names a snapshot."""
    return table_of(_SNAPSHOT, [(kind, source, utc(recorded_at))])


def link_table(links: Iterable[CoverageLink]) -> Table:
    """Give the `incoming` links of a coverage snapshot."""
    return table_of(_LINK, links)


def covered_file_table(files: Iterable[CoveredFile]) -> Table:
    """Give the `incoming` files of a coverage snapshot."""
    return table_of(_COVERED_FILE, files)


def edge_table(edges: Iterable[ImportEdge]) -> Table:
    """Give the `incoming` edges of an import snapshot."""
    return table_of(_EDGE, edges)


def timing_table(seconds: Mapping[str, float]) -> Table:
    """Give the `incoming` seconds of a timings snapshot."""
    return table_of(_TIMING, seconds.items())


def _key(key: RunKey) -> tuple[str, str, str, int]:
    return key.provider, key.repository, key.run_id, key.attempt


def _run(record: RunRecord) -> Row:
    return (
        record.workflow,
        record.sha,
        record.parent_sha,
        record.branch,
        record.event,
        utc(record.started_at),
        utc(record.finished_at),
        record.result,
        record.changes is not None,
        record.url,
        record.is_complete,
    )


def _job(record: JobRecord) -> Row:
    started_at, finished_at = utc(record.started_at), utc(record.finished_at)
    return record.job_id, record.name, record.runner, started_at, finished_at, record.queued_s, record.result


def _change_rows(changes: Iterable[Change]) -> list[Row]:
    last = {change.path: change for change in changes}
    return [(c.path, c.added, c.deleted, c.status, c.previous_path) for c in last.values()]


def _step_rows(steps: Iterable[StepRecord]) -> list[Row]:
    return [(s.number, s.name, utc(s.started_at), utc(s.finished_at), s.result) for s in steps]


def _merged(rows: Iterable[tuple[Key, Row]]) -> dict[Key, Row]:
    """Give a row per key; a later row adds what it knows (neither null, empty nor false) to an earlier one."""
    merged: dict[Key, Row] = {}
    for key, row in rows:
        earlier = merged.get(key, row)
        merged[key] = tuple(new if new not in (None, "", False) else old for old, new in zip(earlier, row, strict=True))
    return merged


def _numbered(rows: Mapping[Key, Row]) -> Iterable[Row]:
    return ((position, *row) for position, row in enumerate(rows.values(), start=1))


def _details(rows: Mapping[Key, Row], details: Mapping[Key, Sequence[Row]]) -> Iterable[Row]:
    """Give the details of every row behind the row's position."""
    return ((position, *detail) for position, key in enumerate(rows, start=1) for detail in details.get(key, ()))
