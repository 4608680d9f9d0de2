"""Rows for reports: what people look at. Like `queries`; grain and units stand on top of each file in `sql/`."""

from __future__ import annotations

from datetime import datetime

from cipredict.store.columns import utc
from cipredict.store.database import Store
from cipredict.store.statements import Table, query_file


def load_periods(store: Store, as_of: datetime, *, unit: str) -> Table:
    """Give a row per `day`, `week` or `month`: how many runs, how many went well, how long they took and waited."""
    return query_file(store.connection, "sql/report_periods.sql", {"as_of": utc(as_of), "unit": unit})


def load_listed_runs(
    store: Store, as_of: datetime, *, last_runs: int, run_seq: int | None = None, ref: str = ""
) -> Table:
    """Give a row per run, the latest first; only the one, or those of a branch or commit, if named."""
    parameters = {"as_of": utc(as_of), "last_runs": last_runs, "run_seq": run_seq, "ref": ref}
    return query_file(store.connection, "sql/report_runs.sql", parameters)


def load_job_times(store: Store, as_of: datetime, *, last_runs: int) -> Table:
    """Give a row per name of a job, the longest in sum first."""
    return query_file(store.connection, "sql/report_jobs.sql", {"as_of": utc(as_of), "last_runs": last_runs})


def load_case_trends(store: Store, as_of: datetime, *, last_runs: int) -> Table:
    """Give a row per case: results, failures, seconds and their trend."""
    return query_file(store.connection, "sql/report_cases.sql", {"as_of": utc(as_of), "last_runs": last_runs})


def load_run_failures(store: Store, run_seq: int) -> Table:
    """Give a row per case that failed in a run."""
    return query_file(store.connection, "sql/report_failures.sql", {"run_seq": run_seq})


def load_deployments(store: Store, as_of: datetime) -> Table:
    """Give a row per deployment, in the order of time, with lead and recovery."""
    return query_file(store.connection, "sql/report_deployments.sql", {"as_of": utc(as_of)})


def load_gates(store: Store, as_of: datetime, *, last_plans: int = 1000) -> Table:
    """Give a row per gate and decision, in the order of time."""
    return query_file(store.connection, "sql/report_gates.sql", {"as_of": utc(as_of), "last_plans": last_plans})


def load_cache_periods(store: Store, as_of: datetime, *, unit: str) -> Table:
    """Give a row per period and cache: hits by kind, misses, saves, seconds and bytes."""
    return query_file(store.connection, "sql/report_caches.sql", {"as_of": utc(as_of), "unit": unit})


def load_cache_room(store: Store, as_of: datetime, *, unit: str) -> Table:
    """Give a row per period: the entries in use at its end, and their bytes."""
    return query_file(store.connection, "sql/report_cache_room.sql", {"as_of": utc(as_of), "unit": unit})


def load_shard_balance(store: Store, as_of: datetime, *, last_plans: int = 100) -> Table:
    """Give a row per shard of a plan: what it was to take, and what it took."""
    return query_file(store.connection, "sql/report_shards.sql", {"as_of": utc(as_of), "last_plans": last_plans})


def load_reliability(store: Store, as_of: datetime, *, last_plans: int = 500) -> Table:
    """Give a row per band of forecast probability: how many cases ran, how many failed."""
    return query_file(store.connection, "sql/report_reliability.sql", {"as_of": utc(as_of), "last_plans": last_plans})


def load_alert_runs(store: Store, as_of: datetime) -> Table:
    """Give a row per run that ended by itself, in the order of time."""
    return query_file(store.connection, "sql/alert_runs.sql", {"as_of": utc(as_of)})


def load_alert_caches(store: Store, as_of: datetime) -> Table:
    """Give a row per restore of a cache, in the order of time: whether it found anything."""
    return query_file(store.connection, "sql/alert_caches.sql", {"as_of": utc(as_of)})
