"""Rows back into records: runs with their jobs and steps, for doors that show single runs to other systems."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from cipredict.records import JobRecord, Result, RunKey, RunRecord, StepRecord
from cipredict.store.columns import utc
from cipredict.store.database import Store
from cipredict.store.statements import query_file

_Row = Mapping[str, Any]  # Any: a query's columns


def load_traced_runs(
    store: Store, *, since: datetime, until: datetime
) -> Iterator[tuple[RunRecord, tuple[JobRecord, ...]]]:
    """Give the runs that finished from `since` up to `until`, and those that started then and are still active."""
    window = {"since": utc(since), "until": utc(until)}
    runs = {row["run_seq"]: row for row in query_file(store.connection, "sql/load_traced_runs.sql", window).to_pylist()}
    jobs: defaultdict[int, list[JobRecord]] = defaultdict(list)
    for row in query_file(store.connection, "sql/load_traced_jobs.sql", window).to_pylist():
        if row["run_seq"] in runs:
            jobs[row["run_seq"]].append(_job(row, _key(runs[row["run_seq"]])))
    for run_seq, row in runs.items():
        yield _run(row), tuple(jobs[run_seq])


def _key(row: _Row) -> RunKey:
    return RunKey(row["provider"], row["repository"], row["run_id"], row["attempt"])


def _run(row: _Row) -> RunRecord:
    texts = {name: row[name] for name in ("workflow", "sha", "parent_sha", "branch", "event")}
    return RunRecord(_key(row), row["started_at"], row["finished_at"], result=_result(row), **texts)


def _job(row: _Row, key: RunKey) -> JobRecord:
    return JobRecord(
        key=key,
        job_id=row["job_id"],
        name=row["name"] or row["job_id"],
        started_at=row["started_at"],
        finished_at=row["finished_at"],
        queued_s=row["queued_s"],
        runner=row["runner"],
        result=_result(row),
        steps=tuple(_step(step) for step in row["steps"] or ()),
    )


def _step(row: _Row) -> StepRecord:
    return StepRecord(row["number"], row["name"], row["started_at"], row["finished_at"], _result(row))


def _result(row: _Row) -> Result | None:
    return Result(row["result"]) if row["result"] else None
