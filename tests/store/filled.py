"""Stores with rows in every table, for the tests of what handles a store as a whole."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from cipredict.events import Event
from cipredict.records import (
    CaseBatch,
    CaseRun,
    Change,
    CommitRecord,
    CoverageLink,
    CoveredFile,
    ImportEdge,
    JobRecord,
    MutantOutcome,
    MutantRecord,
    ReportRecord,
    ReportStatus,
    Result,
    RunKey,
    RunRecord,
    StepRecord,
    Verdict,
)

if TYPE_CHECKING:
    from cipredict.store.database import Store

FIRST = datetime(2024, 5, 1, tzinfo=UTC)


def fill(store: Store, numbers: range) -> None:
    """Store runs of these numbers with all that can be known about a run, and everything else once per number.

    The numbers decide the content: two ranges that overlap say the same about what they share.
    """
    from cipredict.store.batches import add_case_batches  # noqa: PLC0415  # needs the extra
    from cipredict.store.ledger import add_events  # noqa: PLC0415
    from cipredict.store.mutants import add_mutants  # noqa: PLC0415
    from cipredict.store.snapshots import (  # noqa: PLC0415
        add_coverage_links,
        add_covered_files,
        add_import_edges,
        add_timings,
    )
    from cipredict.store.writer import add_commits, add_jobs, add_reports, add_runs  # noqa: PLC0415

    for number in numbers:
        at, key = FIRST + timedelta(hours=number), RunKey("github", "me/it", str(number))
        cases = tuple(_case_run(f"t{name}.py::x", number) for name in range(number % 3 + 2))
        add_runs(store, [_run(key, at)])
        add_jobs(store, [_job(key, at)])
        add_case_batches(store, [CaseBatch(key, f"{number}.xml", cases, "unit"), CaseBatch(key, "lint.xml", cases[:1])])
        add_case_batches(store, [CaseBatch(RunKey("local", "me/it", f"later-{number}"), "r.xml", cases[1:])])
        add_case_batches(store, [CaseBatch(key, "huge.xml", cases[:1], part=part) for part in (1, 2)])
        add_commits(store, [CommitRecord("me/it", f"{number:040}", "", at, "Ada", (Change("a.py", 1, number),))])
        reading = ReportRecord(f"{number}.xml", ReportStatus.SUBOPTIMAL, at, "no times", len(cases), 10, "ab")
        add_reports(store, [reading])
        links = [CoverageLink(f"t{number % 4}.py::x", "a.py", number), CoverageLink(f"cover{number}", "b.py", 1)]
        add_coverage_links(store, links, source=".coverage", recorded_at=at)
        add_covered_files(store, [CoveredFile("a.py", number, 99)], source="lcov.info", recorded_at=at)
        add_import_edges(store, "me/it", [ImportEdge("t0.py", f"m{number}.py")], recorded_at=at)
        add_timings(store, {f"t{number}.py::timed": 1.5}, source=".test_durations", recorded_at=at)
        add_events(store, [_plan(number, at)])
        add_mutants(store, [_mutant(number, at)])
        _add_what_has_no_writer_yet(store, number, at)


def _run(key: RunKey, at: datetime) -> RunRecord:
    changes = (Change("a.py", 3, 1), Change("new.py", None, None, "R", "old.py"))
    return RunRecord(
        key, at, at + timedelta(minutes=9), "ci", "f" * 40, "e" * 40, "main", "push", Result.FAILURE, changes
    )


def _job(key: RunKey, at: datetime) -> JobRecord:
    steps = (StepRecord(1, "set up", at, at + timedelta(seconds=5), Result.SUCCESS), StepRecord(2, "test"))
    return JobRecord(key, "unit", "unit (3.12)", at, at + timedelta(minutes=8), 12.5, "ubuntu", Result.FAILURE, steps)


def _case_run(case_id: str, number: int) -> CaseRun:
    verdict = tuple(Verdict)[number % 4]
    return CaseRun(
        case_id, verdict, number / 7 if number % 5 else None, 1 + number % 2, number % 3 == 0, number or None
    )


def _mutant(number: int, at: datetime) -> MutantRecord:
    outcome = tuple(MutantOutcome)[number % 4]
    failed = (f"t{number % 3}.py::x", "mutated.py::y") if outcome is MutantOutcome.KILLED else ()
    return MutantRecord("me/it", f"m{number}", "a.py", "f", number, "constant", at, outcome, number / 7, failed)


def _plan(number: int, at: datetime) -> Event:
    cases = [{"id": f"planned{number}", "decision": "skip", "p_fail": 0.25, "expected_s": 1.5}]
    body = {"id": f"plan{number}", "schema": "cipredict.selection-plan/1", "cases": cases}
    run = {"provider": "github", "repository": "me/it", "run_id": str(number), "attempt": 1}
    return Event("plan", at, run, body)


def _add_what_has_no_writer_yet(store: Store, number: int, at: datetime) -> None:
    facts = {"event_id": f"cache{number}", "at": at, "run_id": str(number)}
    run_seq = "(select run_seq from runs where run_id = $run_id)"
    store.connection.execute(
        "insert into cache_events (event_id, run_seq, happened_at, cache, key, operation, size_bytes, duration_s)"
        f" select $event_id, {run_seq}, $at, 'actions', 'pip-1', 'restore', 9, 0.5"
        " where not exists (from cache_events where event_id = $event_id)",
        facts,
    )
    store.connection.execute(
        f"insert into benchmark_samples select {run_seq}, 'parse', 'time', 's', n, n / 7 from range(3) t(n)"  # noqa: S608
        f" where not exists (from benchmark_samples where run_seq = {run_seq})",
        {"run_id": str(number)},
    )


def rows_by_table(store: Store) -> dict[str, list[dict[str, Any]]]:  # Any: columns of every table
    """Give the whole store, each table's rows sorted."""
    from cipredict.store.archive import table_names  # noqa: PLC0415  # needs the extra

    query = store.connection.sql
    return {name: query(f'from "{name}" order by all').to_arrow_table().to_pylist() for name in table_names(store)}


def facts_by_table(store: Store) -> dict[str, list[dict[str, Any]]]:  # Any: as above
    """Give the whole store with keys in place of numbers: equal for stores that know the same."""
    run = "struct_pack(provider := provider, repository := repository, run_id := run_id, attempt := attempt)"
    keys = {
        "run_seq": f"select run_seq, {run} as key from runs",  # noqa: S608  # ours
        "case_seq": "select case_seq, case_id as key from cases",
        "batch_seq": f"select batch_seq, struct_pack(run := {run}, job_id := job_id, source := source, part := part)"  # noqa: S608
        " as key from batches join runs using (run_seq)",
        "snapshot_seq": "select snapshot_seq, struct_pack(kind := kind, source := source, recorded_at := recorded_at)"
        " as key from snapshots",
        "mutant_seq": "select mutant_seq, repository || mutant_id as key from mutants",
        "commit_seq": "select commit_seq, repository || sha as key from commits",
    }
    numbers = {
        column: {row[column]: row["key"] for row in store.connection.sql(query).to_arrow_table().to_pylist()}
        for column, query in keys.items()
    }

    def name(row: dict[str, Any]) -> dict[str, Any]:
        return {column: numbers[column].get(value) if column in numbers else value for column, value in row.items()}

    return {
        table: sorted((name(row) for row in rows), key=lambda row: repr(list(row.values())))
        for table, rows in rows_by_table(store).items()
    }
