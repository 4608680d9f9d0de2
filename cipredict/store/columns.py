"""Records into Arrow tables, column by column: the shape in which DuckDB takes thousands of rows at once.

Every function gives the tables that the upsert of the same name reads. `position` numbers the records of one call,
so that of two records with one key the later wins.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

import pyarrow as pa

from cipredict.records import (
    CaseRun,
    Change,
    CommitRecord,
    CoverageLink,
    ImportEdge,
    JobRecord,
    ReportRecord,
    RunKey,
    RunRecord,
)
from cipredict.store.statements import Table

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
        ("position", pa.int32()),
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
_EDGE = pa.schema([("importer", pa.string()), ("imported", pa.string())])
_TIMING = pa.schema([("case_id", pa.string()), ("duration_s", pa.float64())])

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
    """Give `incoming` runs and `incoming_changes` of those whose change is known."""
    runs = [(position, *_key(record.key), *_run(record)) for position, record in enumerate(records)]
    changes = (
        (position, *_change(change))
        for position, record in enumerate(records)
        for change in _last_per_path(record.changes or ())
    )
    return {"": table_of(_RUN, runs), "changes": table_of(_CHANGE, changes)}


def job_tables(records: Sequence[JobRecord]) -> dict[str, Table]:
    """Give `incoming` jobs, `incoming_keys` of their runs, and `incoming_steps`."""
    jobs = [(position, *_key(record.key), *_job(record)) for position, record in enumerate(records)]
    steps = (
        (position, step.number, step.name, utc(step.started_at), utc(step.finished_at), step.result)
        for position, record in enumerate(records)
        for step in record.steps
    )
    table = table_of(_JOB, jobs)
    return {"": table, "keys": table, "steps": table_of(_STEP, steps)}


def commit_tables(records: Sequence[CommitRecord]) -> dict[str, Table]:
    """Give `incoming` commits and `incoming_changes`."""
    commits = [
        (position, record.repository, record.sha, record.parent_sha, utc(record.committed_at), record.author)
        for position, record in enumerate(records)
    ]
    changes = (
        (position, *_change(change))
        for position, record in enumerate(records)
        for change in _last_per_path(record.changes)
    )
    return {"": table_of(_COMMIT, commits), "changes": table_of(_CHANGE, changes)}


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
    rows = (
        (position, r.source, r.status, r.reason, r.size_bytes, r.sha256, r.cases, utc(r.read_at))
        for position, r in enumerate(records)
    )
    return {"": table_of(_REPORT, rows)}


def event_tables(
    events: Iterable[Sequence[object]], plans: Iterable[Sequence[object]], predictions: Iterable[Sequence[object]]
) -> dict[str, Table]:
    """Give `incoming_events`, `incoming_plans` and the `incoming` predictions of those plans."""
    return {
        "": table_of(_PREDICTION, predictions),
        "events": table_of(_EVENT, events),
        "plans": table_of(_PLAN, plans),
    }


def snapshot_table(kind: str, source: str, recorded_at: datetime) -> Table:
    """Give the one row that names a snapshot."""
    return table_of(_SNAPSHOT, [(kind, source, utc(recorded_at))])


def link_table(links: Iterable[CoverageLink]) -> Table:
    """Give the `incoming` links of a coverage snapshot."""
    return table_of(_LINK, links)


def edge_table(edges: Iterable[ImportEdge]) -> Table:
    """Give the `incoming` edges of an import snapshot."""
    return table_of(_EDGE, edges)


def timing_table(seconds: Mapping[str, float]) -> Table:
    """Give the `incoming` seconds of a timings snapshot."""
    return table_of(_TIMING, seconds.items())


def _key(key: RunKey) -> tuple[str, str, str, int]:
    return key.provider, key.repository, key.run_id, key.attempt


def _run(record: RunRecord) -> tuple[object, ...]:
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
    )


def _job(record: JobRecord) -> tuple[object, ...]:
    started_at, finished_at = utc(record.started_at), utc(record.finished_at)
    return record.job_id, record.name, record.runner, started_at, finished_at, record.queued_s, record.result


def _change(change: Change) -> tuple[object, ...]:
    return change.path, change.added, change.deleted, change.status, change.previous_path


def _last_per_path(changes: Iterable[Change]) -> Iterable[Change]:
    return {change.path: change for change in changes}.values()
