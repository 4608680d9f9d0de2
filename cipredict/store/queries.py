"""Rows into Arrow tables: every question that `learn`, reports and `doctor` ask of a store.

What takes `as_of` (aware) answers from what was known then: runs that had finished by that time (started, where the
finish is unknown), snapshots recorded, commits made and plans written by then. Runs that came later change nothing
in the answer. Knowledge that arrives late about an *old* run does: a report ingested today belongs to the run's time.

Grain, order and units of every column stand on top of the query's file in `sql/`. A verdict column is an Arrow
dictionary whose indices are those of `VERDICTS`.
"""

from __future__ import annotations

from datetime import UTC, datetime

from cipredict.records import Verdict
from cipredict.store.columns import utc
from cipredict.store.database import Store
from cipredict.store.statements import Table, query_file

EVER = datetime(1970, 1, 1, tzinfo=UTC)
VERDICTS = (Verdict.SKIPPED, Verdict.PASSED, Verdict.FAILED, Verdict.ERROR)
"""In order of severity: the indices of every verdict column."""


def load_runs(store: Store, as_of: datetime) -> Table:
    """Give a row per run, in the order of their start: key, commit, times, result, counts, seconds of its cases."""
    return _load(store, "load_runs", as_of)


def load_cases(store: Store, as_of: datetime) -> Table:
    """Give a row per case that had run: case_seq, case_id."""
    return _load(store, "load_cases", as_of)


def load_case_runs(store: Store, as_of: datetime, *, last_runs: int | None = None) -> Table:
    """Give a row per case and run, in no order: the worst verdict, the mean time; only of the `last_runs` if given."""
    return query_file(store.connection, "sql/load_case_runs.sql", {"as_of": utc(as_of), "last_runs": last_runs})


def load_changes(store: Store, as_of: datetime) -> Table:
    """Give a row per run and changed path, in the order of `load_runs`."""
    return _load(store, "load_changes", as_of)


def load_jobs(store: Store, as_of: datetime) -> Table:
    """Give a row per job, with its duration, queue time and the seconds of its cases."""
    return _load(store, "load_jobs", as_of)


def load_job_failures(store: Store, as_of: datetime, *, workflow: str, last_runs: int = 100) -> Table:
    """Load how often each job of a workflow failed lately."""
    parameters = {"as_of": utc(as_of), "workflow": workflow, "last_runs": last_runs}
    return query_file(store.connection, "sql/load_job_failures.sql", parameters)


def load_flavour_times(store: Store, as_of: datetime, *, last_runs: int = 20) -> Table:
    """Give a row per job name, runner and case: its median seconds in the `last_runs`."""
    return query_file(store.connection, "sql/load_flavour_times.sql", {"as_of": utc(as_of), "last_runs": last_runs})


def load_coverage_links(store: Store, as_of: datetime) -> Table:
    """Give a row per case and executed file, as last measured."""
    return _load(store, "load_coverage_links", as_of)


def load_coverage_files(store: Store, as_of: datetime) -> Table:
    """Give a row per file, with how much of it the suite executed, as last measured."""
    return _load(store, "load_coverage_files", as_of)


def load_benchmark_events(store: Store, as_of: datetime) -> Table:
    """Give a row per remembered measurement of a job's benchmarks, in the order of time: happened_at, body."""
    return _load(store, "load_benchmark_events", as_of)


def load_import_edges(store: Store, as_of: datetime) -> Table:
    """Give a row per import of one file by another, as last read."""
    return _load(store, "load_import_edges", as_of)


def load_timings(store: Store, as_of: datetime) -> Table:
    """Give a row per case of the tracked timings files, as last recorded."""
    return _load(store, "load_timings", as_of)


def load_commits(store: Store, as_of: datetime) -> Table:
    """Give a row per commit and touched path, in the order of time."""
    return _load(store, "load_commits", as_of)


def load_moved_paths(store: Store, as_of: datetime) -> Table:
    """Give a row per file that a commit renamed, in the order of time."""
    return _load(store, "load_moved_paths", as_of)


def load_plans(store: Store, as_of: datetime) -> Table:
    """Give a row per plan made, with its body as JSON text."""
    return _load(store, "load_plans", as_of)


def load_ledger(store: Store, as_of: datetime) -> Table:
    """Give a row per selection plan: what it decided, what failed, what it missed by name."""
    return _load(store, "load_ledger", as_of)


def load_case_history(
    store: Store, as_of: datetime, *, default_branch: str = "", last_runs: int | None = None
) -> Table:
    """Give what was known about each case, over all runs and over those of the default branch itself.

    An empty `default_branch` is guessed. Ten million results take seconds: a report gives
    `last_runs`, and sees only those.
    """
    branch = default_branch or guess_default_branch(store, as_of)
    parameters = {"as_of": utc(as_of), "default_branch": branch, "last_runs": last_runs}
    return query_file(store.connection, "sql/case_history.sql", parameters)


def load_default_branch(store: Store, as_of: datetime, *, since: datetime = EVER) -> Table:
    """Give one row with the branch that looks like the default one, or none where no run tells."""
    return query_file(store.connection, "sql/default_branch.sql", {"as_of": utc(as_of), "since": utc(since)})


def guess_default_branch(store: Store, as_of: datetime, *, since: datetime = EVER) -> str:
    """Give that branch, empty where unknown: the one rule for whoever was not told."""
    return next(iter(load_default_branch(store, as_of, since=since)["branch"].to_pylist()), "")


def load_file_churn(store: Store, as_of: datetime) -> Table:
    """Give how often each path changed in the last 3, 14 and 56 days."""
    return _load(store, "file_churn", as_of)


def find_runs(store: Store, run_id: str, *, attempt: int | None = None, repository: str = "") -> Table:
    """Give the run that CI called so, its last attempt by default: a row per provider and repository that has one."""
    parameters = {"run_id": run_id, "attempt": attempt, "repository": repository}
    return query_file(store.connection, "sql/find_runs.sql", parameters)


def load_run_cases(store: Store, run_seq: int) -> Table:
    """Give a row per case and report file of one run."""
    return query_file(store.connection, "sql/load_run_cases.sql", {"run_seq": run_seq})


def load_complete_runs(store: Store, *, provider: str, repository: str) -> Table:
    """Give the attempts of runs that have ended and whose jobs are all stored, whenever."""
    parameters = {"provider": provider, "repository": repository}
    return query_file(store.connection, "sql/load_complete_runs.sql", parameters)


def load_reports(store: Store) -> Table:
    """Give what became of every file that was read, whenever."""
    return query_file(store.connection, "sql/load_reports.sql", {})


def _load(store: Store, name: str, as_of: datetime) -> Table:
    return query_file(store.connection, f"sql/{name}.sql", {"as_of": utc(as_of)})
