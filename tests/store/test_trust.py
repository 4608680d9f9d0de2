"""How cases came out on each state of the code: what is one tree, what is one series, and what changed between."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytest.importorskip("duckdb", reason="the store extra is not installed")
pytest.importorskip("pyarrow", reason="the store extra is not installed")

from cipredict.records import CaseBatch, CaseRun, Change, JobRecord, RunKey, RunRecord, Verdict  # after the skips
from cipredict.store.batches import add_case_batches
from cipredict.store.database import Store, open_store
from cipredict.store.trust import load_flaky_outcomes, load_flaky_trees, load_flaky_window
from cipredict.store.writer import add_jobs, add_runs

if TYPE_CHECKING:
    from tests.store.conftest import At, MakeBatch, MakeCase, MakeRun

pytestmark = pytest.mark.learn


def rows(store: Store, at: At, default_branch: str = "") -> list[tuple[str, str, bool, int, int]]:
    found = load_flaky_outcomes(store, at(99), default_branch=default_branch).to_pylist()
    return [(row["series"], row["tree"], row["is_base"], row["passes"], row["failures"]) for row in found]


def test_runs_of_one_commit_are_one_tree(
    store: Store, make_run: MakeRun, make_batch: MakeBatch, make_case: MakeCase, at: At
) -> None:
    add_runs(store, [make_run(1, sha="a"), make_run(2, sha="a", branch="other"), make_run(3, sha="b")])
    add_case_batches(store, [make_batch(n, make_case("t", letter)) for n, letter in ((1, "F"), (2, "."), (3, "."))])

    assert rows(store, at) == [("", "commit me/it a", True, 1, 1), ("", "commit me/it b", True, 1, 0)]


def test_reports_without_an_event_test_the_default_branch(
    store: Store, make_run: MakeRun, make_batch: MakeBatch, make_case: MakeCase, at: At
) -> None:
    add_runs(store, [make_run(n, sha=str(n), event="") for n in (1, 2)])
    add_case_batches(store, [make_batch(n, make_case("t", "F")) for n in (1, 2)])

    assert [is_base for _, _, is_base, _, _ in rows(store, at)] == [True, True]


def test_a_pull_request_may_test_another_merge_each_time_so_its_runs_stay_apart(
    store: Store, make_run: MakeRun, make_batch: MakeBatch, make_case: MakeCase, at: At
) -> None:
    add_runs(store, [make_run(n, sha="a", branch="pr", event="pull_request") for n in (1, 2)])
    add_case_batches(store, [make_batch(n, make_case("t", "F")) for n in (1, 2)])

    assert rows(store, at, default_branch="main") == [
        ("", "run github me/it 1", False, 0, 1),
        ("", "run github me/it 2", False, 0, 1),
    ]


@pytest.mark.parametrize(("marks", "red_runs"), [("F.", 0), (".F", 1), ("F.FF", 2), ("FFF", 3)])
def test_runs_that_failed_since_the_last_pass_are_counted(
    marks: str, red_runs: int, store: Store, make_run: MakeRun, make_batch: MakeBatch, make_case: MakeCase, at: At
) -> None:
    add_runs(store, [make_run(n, sha="a", event="schedule") for n in range(len(marks))])
    add_case_batches(store, [make_batch(n, make_case("t", mark)) for n, mark in enumerate(marks)])

    [row] = load_flaky_outcomes(store, at(9), default_branch="main").to_pylist()
    assert red_runs == row["red_runs"]


def test_attempts_of_one_run_are_one_tree(store: Store, make_run: MakeRun, make_case: MakeCase, at: At) -> None:
    first = make_run(1, sha="a", event="pull_request")
    again = replace(first, key=replace(first.key, attempt=2), started_at=at(2), finished_at=at(3))
    add_runs(store, [first, again])
    add_case_batches(store, [CaseBatch(run.key, "r", (make_case("t", x),)) for run, x in ((first, "F"), (again, "."))])

    assert rows(store, at) == [("", "run github me/it 1", False, 1, 1)]


def test_jobs_of_a_matrix_are_series_and_shards_are_not(
    store: Store, make_run: MakeRun, make_batch: MakeBatch, make_case: MakeCase, at: At
) -> None:
    add_runs(store, [make_run(1, sha="a")])
    add_jobs(
        store, [JobRecord(RunKey("github", "me/it", "1"), job, name) for job, name in (("7", "linux"), ("8", "mac"))]
    )
    linux = make_batch(1, make_case("matrix", "F"), make_case("shard", "F"), job_id="7")
    add_case_batches(store, [linux, make_batch(1, make_case("matrix"), job_id="8")])

    assert rows(store, at) == [
        ("linux", "commit me/it a", True, 0, 1),
        ("mac", "commit me/it a", True, 1, 0),
        ("", "commit me/it a", True, 0, 1),
    ]


def test_workflows_are_series(
    store: Store, make_run: MakeRun, make_batch: MakeBatch, make_case: MakeCase, at: At
) -> None:
    add_runs(store, [replace(make_run(n, sha="a"), workflow=name) for n, name in ((1, "unit"), (2, "nightly"))])
    add_case_batches(store, [make_batch(1, make_case("t")), make_batch(2, make_case("t", "F"))])

    assert [row[0] for row in rows(store, at)] == ["nightly", "unit"]


@pytest.mark.parametrize(
    ("case", "passes", "failures", "rerun_failures"),
    [
        pytest.param(CaseRun("t", Verdict.PASSED, 1.0, attempts=3, is_flaky=True), 1, 2, 2, id="passed at last"),
        pytest.param(CaseRun("t", Verdict.FAILED, 1.0, attempts=3, is_flaky=True), 1, 2, 2, id="passed in between"),
        pytest.param(CaseRun("t", Verdict.ERROR, 1.0, attempts=3), 0, 3, 0, id="failed throughout"),
        pytest.param(CaseRun("t", Verdict.FAILED, 1.0), 0, 1, 0, id="failed once"),
    ],
)
def test_attempts_inside_a_report_are_counted(
    case: CaseRun, passes: int, failures: int, rerun_failures: int, store: Store, make_run: MakeRun, at: At
) -> None:
    add_runs(store, [make_run(1, sha="a")])
    add_case_batches(store, [CaseBatch(RunKey("github", "me/it", "1"), "r", (case,))])

    [row] = load_flaky_outcomes(store, at(9)).to_pylist()
    assert (row["passes"], row["failures"], row["rerun_failures"]) == (passes, failures, rerun_failures)


def test_a_case_that_never_failed_and_one_that_was_skipped_are_left_out(
    store: Store, make_run: MakeRun, make_batch: MakeBatch, make_case: MakeCase, at: At
) -> None:
    add_runs(store, [make_run(1, sha="a")])
    add_case_batches(store, [make_batch(1, make_case("fine"), make_case("skipped", "s"))])

    assert rows(store, at) == []
    assert load_flaky_window(store, at(9)).to_pylist()[0]["cases"] == 1


def test_what_passed_away_from_any_failure_is_one_row(
    store: Store, make_run: MakeRun, make_batch: MakeBatch, make_case: MakeCase, at: At
) -> None:
    marks = "...F......."
    add_runs(store, [make_run(n, sha=str(n)) for n in range(len(marks))])
    add_case_batches(store, [make_batch(n, make_case("t", mark)) for n, mark in enumerate(marks)])

    assert rows(store, at) == [
        ("", "commit me/it 2", True, 1, 0),
        ("", "commit me/it 3", True, 0, 1),
        ("", "commit me/it 4", True, 1, 0),
        ("", "commit me/it 10", True, 8, 0),
    ]
    assert [row["run_id"] for row in load_flaky_outcomes(store, at(99)).to_pylist()] == ["2", "3", "4", "10"]


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seen=st.lists(
        st.tuples(
            st.sampled_from("abc"),  # commit
            st.booleans(),  # of the default branch
            st.lists(st.tuples(st.sampled_from("tuv"), st.sampled_from("..FEs"), st.integers(1, 3), st.booleans())),
        ),
        min_size=1,
        max_size=9,
    )
)
def test_outcomes_agree_with_plain_python(
    seen: list[tuple[str, bool, list[tuple[str, str, int, bool]]]], make_run: MakeRun, make_case: MakeCase, at: At
) -> None:
    expected: dict[tuple[str, str], list[tuple[int, int, int, int]]] = {}
    runs, batches = [], []
    for number, (sha, is_base, cases) in enumerate(seen):
        runs.append(make_run(number, sha=sha, branch="main" if is_base else "x"))
        by_case = {case[0]: case for case in cases}.values()
        made = [
            make_case(name, mark)._replace(attempts=attempts, is_flaky=is_flaky)
            for name, mark, attempts, is_flaky in by_case
        ]
        batches.append(CaseBatch(runs[-1].key, "r", tuple(made)))
        for case in made:
            if case.verdict is not Verdict.SKIPPED:
                passes = 1 if case.is_flaky else case.attempts if case.verdict is Verdict.PASSED else 0
                failures = case.attempts - passes
                outcome = number, passes, failures, failures if case.is_flaky else 0
                expected.setdefault((case.case_id, f"commit me/it {sha}"), []).append(outcome)

    with TemporaryDirectory() as folder, open_store(Path(folder) / "h.duckdb") as store:
        add_runs(store, runs)
        add_case_batches(store, batches)
        found = load_flaky_outcomes(store, at(99), default_branch="main").to_pylist()
    telling = {key: rows for key, rows in expected.items() if sum(row[2] for row in rows)}
    assert {row["case_id"] for row in found} == {case_id for case_id, _ in telling}
    assert {
        (row["case_id"], row["tree"]): (row["passes"], row["failures"], row["rerun_failures"], row["red_runs"])
        for row in found
        if row["failures"]
    } == {key: _summed(rows) for key, rows in telling.items()}
    for case_id in {case_id for case_id, _ in telling}:
        passes = sum(row[1] for key, rows in expected.items() if key[0] == case_id for row in rows)
        assert passes == sum(row["passes"] for row in found if row["case_id"] == case_id)


def _summed(rows: list[tuple[int, int, int, int]]) -> tuple[int, int, int, int]:
    last_pass = max((row[0] for row in rows if row[1]), default=-1)
    passes, failures, rerun_failures = (sum(row[column] for row in rows) for column in (1, 2, 3))
    return passes, failures, rerun_failures, sum(row[0] > last_pass for row in rows)


def test_runs_before_the_window_do_not_count(
    store: Store, make_run: MakeRun, make_batch: MakeBatch, make_case: MakeCase, at: At
) -> None:
    add_runs(store, [make_run(1, sha="a"), make_run(5, sha="b")])
    add_case_batches(store, [make_batch(1, make_case("t", "F")), make_batch(5, make_case("u", "F"))])

    [row] = load_flaky_outcomes(store, at(9), since=at(3)).to_pylist()
    [window] = load_flaky_window(store, at(9), since=at(3)).to_pylist()
    assert (row["case_id"], window["cases"], window["runs"]) == ("u", 1, 1)
    assert len(load_flaky_trees(store, at(9), since=at(3)).to_pylist()) == 1


def test_changes_of_a_commit_are_those_of_its_first_run(store: Store, make_run: MakeRun, at: At) -> None:
    moved = Change("new.py", status="R", previous_path="old.py")
    runs: list[RunRecord] = [
        replace(make_run(1, sha="b", changes=(moved, Change("a.py"))), parent_sha="a"),
        make_run(2, sha="b", changes=()),
        make_run(3, sha="c"),
        make_run(4, sha="d", changes=()),
        make_run(5, sha="e", changes=(), event="pull_request"),
    ]
    add_runs(store, runs)

    assert load_flaky_trees(store, at(9)).to_pylist() == [
        {"tree": "commit me/it b", "sha": "b", "parent_sha": "a", "paths": ["a.py", "new.py", "old.py"]},
        {"tree": "commit me/it c", "sha": "c", "parent_sha": "", "paths": None},
        {"tree": "commit me/it d", "sha": "d", "parent_sha": "", "paths": []},
    ]
