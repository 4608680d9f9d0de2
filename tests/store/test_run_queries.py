"""Questions about single runs, for reports and doors."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("duckdb", reason="the store extra is not installed")
pytest.importorskip("pyarrow", reason="the store extra is not installed")

from cipredict.records import JobRecord, Result, RunKey, StepRecord  # after the skips
from cipredict.store.batches import add_case_batches
from cipredict.store.database import Store
from cipredict.store.queries import find_runs, load_job_failures, load_run_cases
from cipredict.store.traces import load_traced_runs
from cipredict.store.writer import add_jobs, add_runs

if TYPE_CHECKING:
    from tests.store.conftest import At, MakeBatch, MakeCase, MakeRun

pytestmark = pytest.mark.learn


def test_a_run_is_found_by_its_id_and_the_last_attempt_counts(store: Store, make_run: MakeRun) -> None:
    again = replace(make_run(1), key=RunKey("github", "me/it", "1", 2))
    fork = replace(make_run(1), key=RunKey("github", "you/it", "1"))
    add_runs(store, [make_run(1), again, fork, make_run(2)])

    def found(**options: str | int) -> list[tuple[str, int]]:
        rows = find_runs(store, "1", **options).to_pylist()  # type: ignore[arg-type]  # as named
        return [(row["repository"], row["attempt"]) for row in rows]

    assert found() == [("me/it", 2), ("you/it", 1)]
    assert found(attempt=1) == [("me/it", 1), ("you/it", 1)]
    assert found(repository="me/it") == [("me/it", 2)]
    assert found(attempt=7) == []


def test_the_cases_of_a_run_are_listed_for_each_report(
    store: Store, make_run: MakeRun, make_batch: MakeBatch, make_case: MakeCase
) -> None:
    add_runs(store, [make_run(1), make_run(2)])
    add_jobs(store, [JobRecord(RunKey("github", "me/it", "1"), "9", "unit (3.12)")])
    case = make_case("t::a", "F")
    add_case_batches(store, [make_batch(1, case, job_id="9"), make_batch(1, case, source="x.xml"), make_batch(2, case)])
    [run] = find_runs(store, "1").to_pylist()
    rows = load_run_cases(store, run["run_seq"]).to_pylist()
    assert [(row["case_id"], row["job"], row["verdict"]) for row in rows] == [
        ("t::a", "", "failed"),
        ("t::a", "unit (3.12)", "failed"),
    ]


def test_a_window_has_the_runs_that_finished_in_it_and_those_still_active(
    store: Store, make_run: MakeRun, at: At
) -> None:
    """Run n takes half of hour n. A run with a result and no end is no active one."""
    ended = replace(make_run(4, minutes=None), result=Result.CANCELLATION)
    add_runs(store, [*map(make_run, (1, 2, 3)), ended, make_run(5, minutes=None), make_run(9)])
    found = [run.key.run_id for run, _ in load_traced_runs(store, since=at(2.5), until=at(9.5))]
    assert found == ["2", "3", "5"]


def test_runs_come_back_with_jobs_and_steps(store: Store, make_run: MakeRun, at: At) -> None:
    run = replace(make_run(1, sha="abc"), result=Result.FAILURE, workflow="ci", parent_sha="def")
    steps = (StepRecord(1, "set up", at(1), at(1) + timedelta(seconds=3), Result.SUCCESS), StepRecord(2, "test"))
    unit = JobRecord(run.key, "1", "unit", at(1), at(1.2), 2.5, "ubuntu", Result.FAILURE, steps)
    waiting = JobRecord(run.key, "2", "waiting")
    add_runs(store, [run])
    add_jobs(store, [waiting, unit])
    assert list(load_traced_runs(store, since=at(0), until=at(9))) == [(run, (unit, waiting))]


def test_a_job_fails_as_often_as_one_of_its_legs_does(store: Store, make_run: MakeRun, at: At) -> None:
    """Skipped and cancelled ones do not count, nor what was known later or is of another workflow."""
    runs = [replace(make_run(n), workflow="docs" if n == 9 else "ci") for n in range(1, 10)]
    add_runs(store, runs)
    legs = {1: "FS", 2: "SS", 3: "ST", 4: "KK", 5: "CS", 9: "FF"}
    words = {
        "F": Result.FAILURE, "S": Result.SUCCESS, "T": Result.TIMEOUT, "K": Result.SKIP, "C": Result.CANCELLATION,
    }  # fmt: skip
    jobs = [
        JobRecord(runs[n - 1].key, str(place), f"unit (3.1{place})", at(n), at(n + 0.1), None, "", words[letter])
        for n, letters in legs.items()
        for place, letter in enumerate(letters)
    ]
    add_jobs(store, [*jobs, JobRecord(runs[5].key, "x", "lint", at(6), at(6.1), None, "", Result.SUCCESS)])

    def failures(hour: float, last: int = 100) -> list[tuple[object, ...]]:
        rows = load_job_failures(store, at(hour), workflow="ci", last_runs=last).to_pylist()
        return [(row["job"], row["runs"], row["failures"]) for row in rows]

    assert failures(20) == [("lint", 1, 0), ("unit", 4, 2)]
    assert failures(20, last=2) == [("lint", 1, 0), ("unit", 2, 1)]
    assert failures(2.9) == [("unit", 2, 1)]
