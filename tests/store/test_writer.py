"""Runs, jobs, commits, reports, batches: writing twice changes nothing, later and richer wins."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("duckdb", reason="the store extra is not installed")
pytest.importorskip("pyarrow", reason="the store extra is not installed")

from cipredict.records import (  # after the skips
    CaseBatch,
    CaseRun,
    Change,
    CommitRecord,
    JobRecord,
    ReportRecord,
    ReportStatus,
    Result,
    RunKey,
    RunRecord,
    StepRecord,
    Verdict,
)
from cipredict.store.batches import add_case_batches
from cipredict.store.database import Store
from cipredict.store.queries import (
    load_case_runs,
    load_cases,
    load_changes,
    load_commits,
    load_jobs,
    load_reports,
    load_runs,
)
from cipredict.store.statements import transaction
from cipredict.store.writer import add_commits, add_jobs, add_reports, add_runs

if TYPE_CHECKING:
    from tests.store.conftest import At, MakeBatch, MakeCase, MakeRun

pytestmark = pytest.mark.learn

A = Change("a.py", 3, 1)
B = Change("b.bin", status="A")


def rows(store: Store, sql: str) -> list[Any]:  # Any: rows of any query
    return store.connection.execute(sql).fetchall()


def contents(store: Store) -> dict[str, list[Any]]:  # Any: rows of every table
    tables = [name for (name,) in rows(store, "select table_name from duckdb_tables() order by all")]
    return {name: rows(store, f"select columns(*)::varchar from {name} order by all") for name in tables}  # noqa: S608  # our own tables


# -- runs --------------------------------------------------------------------------------------------------------------


def test_a_run_comes_back_as_it_was(store: Store, make_run: MakeRun, at: At) -> None:
    run = replace(make_run(1, changes=(A,), sha="abc"), workflow="test", parent_sha="abb", result=Result.FAILURE)
    assert add_runs(store, [run]) == 1
    [row] = load_runs(store, at(9)).to_pylist()
    assert row == {
        "run_seq": 1,
        "provider": "github",
        "repository": "me/it",
        "run_id": "1",
        "attempt": 1,
        "workflow": "test",
        "sha": "abc",
        "parent_sha": "abb",
        "branch": "main",
        "event": "push",
        "started_at": at(1),
        "finished_at": at(1.5),
        "result": "failure",
        "is_change_known": True,
        "n_cases": 0,
        "n_failed": 0,
        "test_s": None,
    }


def test_writing_runs_twice_changes_nothing(store: Store, make_run: MakeRun) -> None:
    runs = [make_run(number, changes=(A, B)) for number in range(3)]
    add_runs(store, runs)
    once = contents(store)
    add_runs(store, runs)
    assert contents(store) == once


@pytest.mark.parametrize("in_one_call", [True, False])
def test_an_unknown_change_leaves_the_known_one_alone(
    store: Store, make_run: MakeRun, at: At, *, in_one_call: bool
) -> None:
    known, unknown = make_run(1, changes=(A, B)), make_run(1, changes=None)
    for records in [[known, unknown]] if in_one_call else [[known], [unknown]]:
        add_runs(store, records)
    assert [row["path"] for row in load_changes(store, at(9)).to_pylist()] == ["a.py", "b.bin"]
    assert load_runs(store, at(9))["is_change_known"].to_pylist() == [True]


@pytest.mark.parametrize("in_one_call", [True, False])
def test_a_later_change_replaces_the_known_one_even_if_empty(
    store: Store, make_run: MakeRun, at: At, *, in_one_call: bool
) -> None:
    first, then = make_run(1, changes=(A, B)), make_run(1, changes=())
    for records in [[first, then]] if in_one_call else [[first], [then]]:
        add_runs(store, records)
    assert load_changes(store, at(9)).num_rows == 0
    assert load_runs(store, at(9))["is_change_known"].to_pylist() == [True]


@pytest.mark.parametrize("in_one_call", [True, False])
def test_later_and_richer_wins_and_poorer_erases_nothing(
    store: Store, make_run: MakeRun, at: At, *, in_one_call: bool
) -> None:
    poor = replace(make_run(1, minutes=None), branch="", sha="old", workflow="test")
    rich = replace(make_run(1), sha="new", branch="feature", result=Result.SUCCESS)
    for records in [[poor, rich, poor]] if in_one_call else [[poor], [rich], [poor]]:
        add_runs(store, records)
    [row] = load_runs(store, at(9)).to_pylist()
    assert (row["workflow"], row["branch"], row["result"]) == ("test", "feature", "success")
    assert (row["sha"], row["finished_at"]) == ("old", at(1.5))


def test_attempts_of_a_run_are_runs_of_their_own(store: Store, make_run: MakeRun, at: At) -> None:
    first = make_run(1)
    add_runs(store, [first, replace(first, key=replace(first.key, attempt=2))])
    assert load_runs(store, at(9))["attempt"].to_pylist() == [1, 2]


def test_of_a_path_named_twice_the_last_counts(store: Store, make_run: MakeRun, at: At) -> None:
    add_runs(store, [make_run(1, changes=(A, replace(A, added=7)))])
    assert load_changes(store, at(9))["added"].to_pylist() == [7]


def test_a_time_without_zone_is_refused(store: Store, make_run: MakeRun) -> None:
    run = make_run(1)
    with pytest.raises(ValueError, match="time without zone"):
        add_runs(store, [replace(run, started_at=run.started_at.replace(tzinfo=None))])


def test_nothing_to_write_is_fine(store: Store) -> None:
    assert (add_runs(store, []), add_jobs(store, []), add_case_batches(store, [])) == (0, 0, 0)


# -- jobs --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def job(make_run: MakeRun, at: At) -> JobRecord:
    steps = (StepRecord(1, "checkout", at(1), at(1.1), Result.SUCCESS), StepRecord(2, "test"))
    return JobRecord(make_run(1).key, "77", "linux", at(1), at(1.25), 4.0, "ubuntu", Result.SUCCESS, steps)


def test_a_job_comes_back_with_its_duration_and_its_cases(
    store: Store, make_run: MakeRun, make_batch: MakeBatch, make_case: MakeCase, job: JobRecord, at: At
) -> None:
    add_runs(store, [make_run(1)])
    add_jobs(store, [job, replace(job, job_id="78", name="mac")])
    add_case_batches(store, [make_batch(1, make_case("a", ".", 1.5), make_case("b", ".", 2.0), job_id="77")])
    first, second = load_jobs(store, at(9)).to_pylist()
    assert (first["name"], first["duration_s"], first["queued_s"], first["test_s"]) == ("linux", 900.0, 4.0, 3.5)
    assert (second["name"], second["test_s"]) == ("mac", None)


def test_writing_jobs_twice_changes_nothing(store: Store, job: JobRecord) -> None:
    add_jobs(store, [job])
    once = contents(store)
    add_jobs(store, [job, job])
    assert contents(store) == once
    assert rows(store, "select number, name from steps") == [(1, "checkout"), (2, "test")]


def test_a_poorer_job_erases_nothing(store: Store, job: JobRecord) -> None:
    add_jobs(store, [job])
    once = contents(store)
    add_jobs(store, [JobRecord(job.key, job.job_id, "")])
    assert contents(store) == once


def test_a_job_of_an_unknown_run_waits_for_it(store: Store, job: JobRecord, make_run: MakeRun, at: At) -> None:
    add_jobs(store, [job])
    assert load_jobs(store, at(9)).num_rows == 0
    add_runs(store, [make_run(1)])
    assert load_jobs(store, at(9)).num_rows == 1


def test_a_job_that_outlasts_its_run_is_known_when_it_has_finished(
    store: Store, job: JobRecord, make_run: MakeRun, at: At
) -> None:
    add_runs(store, [make_run(1, minutes=None)])
    add_jobs(store, [job])
    assert [load_jobs(store, at(hour)).num_rows for hour in (1, 1.2, 1.25)] == [0, 0, 1]


# -- case batches ------------------------------------------------------------------------------------------------------


def test_cases_come_back_with_everything_measured(
    store: Store, make_run: MakeRun, make_batch: MakeBatch, at: At
) -> None:
    add_runs(store, [make_run(1)])
    cases = (
        CaseRun("t.py::a", Verdict.PASSED, 0.25, 2, is_flaky=True, peak_memory_bytes=3_000_000_000),
        CaseRun("t.py::b", Verdict.SKIPPED, None),
    )
    assert add_case_batches(store, [make_batch(1, *cases)]) == 2
    names = dict(zip(*load_cases(store, at(9)).to_pydict().values(), strict=True))
    stored = [
        CaseRun(
            names[row["case_seq"]],
            Verdict(row["verdict"]),
            row["duration_s"],
            row["attempts"],
            row["is_flaky"],
            row["peak_memory_bytes"],
        )
        for row in load_case_runs(store, at(9)).to_pylist()
    ]
    assert stored == list(cases)


def test_writing_a_batch_twice_changes_nothing(
    store: Store, make_run: MakeRun, make_batch: MakeBatch, make_case: MakeCase
) -> None:
    add_runs(store, [make_run(1)])
    batch = make_batch(1, make_case("a"), make_case("b", "F"))
    add_case_batches(store, [batch])
    once = contents(store)
    add_case_batches(store, [batch])
    add_case_batches(store, [batch, batch])
    assert contents(store) == once


def test_a_report_replaces_itself_and_nothing_else(store: Store, make_batch: MakeBatch, make_case: MakeCase) -> None:
    add_case_batches(
        store,
        [
            make_batch(1, make_case("a"), make_case("b")),
            make_batch(1, make_case("a"), job_id="77"),
            make_batch(1, make_case("a"), source="other.xml"),
            make_batch(2, make_case("a")),
            make_batch(1, make_case("c", "F")),
        ],
    )
    stored = rows(
        store,
        "select run_id, job_id, source, case_id, verdict from case_runs"
        " join batches using (batch_seq) join cases using (case_seq) join runs on runs.run_seq = batches.run_seq"
        " order by all",
    )
    assert stored == [
        ("1", "", "other.xml", "a", "passed"),
        ("1", "", "r.xml", "c", "failed"),
        ("1", "77", "r.xml", "a", "passed"),
        ("2", "", "r.xml", "a", "passed"),
    ]
    assert rows(store, "select cases from batches order by batch_seq") == [(1,), (1,), (1,), (1,)]


def test_a_report_that_shrinks_keeps_none_of_its_old_parts(
    store: Store, make_batch: MakeBatch, make_case: MakeCase
) -> None:
    huge = [replace(make_batch(1, make_case(f"old {part}"), make_case("b")), part=part) for part in (1, 2, 3)]
    other = make_batch(1, make_case("a"), source="r.xml#2")
    add_case_batches(store, [*huge, other, *huge])
    query = "select source, part, case_id from case_runs join batches using (batch_seq) join cases using (case_seq)"
    assert len(rows(store, query)) == 7
    add_case_batches(store, [make_batch(1, make_case("new"))])
    assert rows(store, f"{query} order by all") == [("r.xml", 1, "new"), ("r.xml#2", 1, "a")]
    assert rows(store, "select source, part, cases from batches order by all") == [("r.xml", 1, 1), ("r.xml#2", 1, 1)]
    add_case_batches(store, huge)
    assert [row[1:] for row in rows(store, f"{query} where source = 'r.xml' order by all")] == [
        (part, case_id) for part in (1, 2, 3) for case_id in ("b", f"old {part}")
    ]


def test_two_ingests_of_a_huge_report_that_take_turns_store_it_once(
    store: Store, make_batch: MakeBatch, make_case: MakeCase
) -> None:
    first, second, third = (replace(make_batch(1, make_case(f"{part}")), part=part) for part in (1, 2, 3))
    for turn in ([first, second], [first, second], [third], [third]):
        add_case_batches(store, turn)
    assert (
        rows(store, "select count(*), sum(cases) from batches union all select count(*), 3 from case_runs")
        == [(3, 3)] * 2
    )


def test_a_batch_of_an_unknown_run_is_seen_once_the_run_is_known(
    store: Store, make_run: MakeRun, make_batch: MakeBatch, make_case: MakeCase, at: At
) -> None:
    add_case_batches(store, [make_batch(1, make_case("a"))])
    assert (load_runs(store, at(9)).num_rows, load_case_runs(store, at(9)).num_rows) == (0, 0)
    add_runs(store, [make_run(1)])
    assert load_runs(store, at(9))["n_cases"].to_pylist() == [1]


def test_an_empty_report_is_remembered(store: Store, make_batch: MakeBatch) -> None:
    assert add_case_batches(store, [make_batch(1)]) == 0
    assert rows(store, "select cases from batches") == [(0,)]


def test_the_stream_of_batches_may_store_its_runs_itself(
    store: Store, make_run: MakeRun, make_batch: MakeBatch, make_case: MakeCase, at: At
) -> None:
    def stream() -> Iterator[CaseBatch]:
        for number in (1, 2):
            add_runs(store, [make_run(number)])
            add_commits(store, [])
            yield make_batch(number, make_case("a"), make_case(f"only {number}"))

    add_case_batches(store, stream())
    assert load_runs(store, at(9))["n_cases"].to_pylist() == [2, 2]


def test_a_stream_that_breaks_keeps_the_batches_before(
    store: Store, make_batch: MakeBatch, make_case: MakeCase
) -> None:
    def stream() -> Iterator[CaseBatch]:
        yield make_batch(1, make_case("a"))
        raise RuntimeError("broken report")

    with pytest.raises(RuntimeError, match="broken report"):
        add_case_batches(store, stream())
    assert rows(store, "select source from batches") == [("r.xml",)]


def test_a_batch_that_cannot_be_stored_leaves_no_trace(
    store: Store, make_batch: MakeBatch, make_case: MakeCase
) -> None:
    broken = make_case("new")._replace(attempts=2**40)
    with pytest.raises(Exception, match="1099511627776"):
        add_case_batches(store, [make_batch(1, broken)])
    assert {name: found for name, found in contents(store).items() if found and name != "schema_version"} == {}


def test_case_numbers_survive_reopening_and_other_writers(
    store: Store, make_batch: MakeBatch, make_case: MakeCase
) -> None:
    add_case_batches(store, [make_batch(1, make_case("b"))])
    add_case_batches(store, [make_batch(2, make_case("a"), make_case("b"))])
    assert rows(store, "select case_seq, case_id from cases order by all") == [(1, "b"), (2, "a")]


def test_a_transaction_that_fails_is_undone(store: Store) -> None:
    with pytest.raises(KeyboardInterrupt), transaction(store.connection):
        store.connection.execute("insert into cases values (1, 'a')")
        raise KeyboardInterrupt
    assert rows(store, "select * from cases") == []


# -- commits and reports -----------------------------------------------------------------------------------------------


def test_commits_come_back_in_the_order_of_time(store: Store, at: At) -> None:
    later = CommitRecord("me/it", "bbb", "aaa", at(2), "Ann", (A, B))
    earlier = CommitRecord("me/it", "aaa", "", at(1), "Bob", ())
    add_commits(store, [later, earlier])
    found = [(row["sha"], row["author"], row["path"]) for row in load_commits(store, at(9)).to_pylist()]
    assert found == [("aaa", "Bob", None), ("bbb", "Ann", "a.py"), ("bbb", "Ann", "b.bin")]


def test_writing_commits_twice_changes_nothing_and_the_last_wins(store: Store, at: At) -> None:
    commit = CommitRecord("me/it", "aaa", "", at(1), "Bob", (A, B))
    add_commits(store, [replace(commit, author="?", changes=()), commit])
    once = contents(store)
    add_commits(store, [commit])
    assert contents(store) == once
    assert rows(store, "select author from commits") == [("Bob",)]


def test_of_a_file_read_twice_the_last_reading_counts(store: Store, at: At) -> None:
    bad = ReportRecord("r.xml", ReportStatus.INVALID, at(1), "not XML", size_bytes=7)
    good = ReportRecord("r.xml", ReportStatus.VALID, at(2), cases=3, size_bytes=70, sha256="ff")
    for step in ([bad, good], [bad], [good]):
        add_reports(store, step)
    assert load_reports(store).to_pylist() == [
        {
            "source": "r.xml",
            "status": "valid",
            "reason": "",
            "size_bytes": 70,
            "sha256": "ff",
            "cases": 3,
            "read_at": at(2),
        }
    ]


def test_more_records_than_fit_a_step_are_all_stored(store: Store, at: At, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cipredict.store.writer._RECORDS_PER_STEP", 2)
    runs = (RunRecord(RunKey("x", "y", str(number)), at(number)) for number in range(5))
    assert add_runs(store, runs) == 5
    assert load_runs(store, at(9))["run_seq"].to_pylist() == [1, 2, 3, 4, 5]
