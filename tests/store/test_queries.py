"""What was known then: later facts change nothing, and the histories agree with plain Python."""

from __future__ import annotations

import re
import statistics
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("duckdb", reason="the store extra is not installed")
pytest.importorskip("pyarrow", reason="the store extra is not installed")

from cipredict.events import Event  # after the skips
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
    RunKey,
    RunRecord,
    Verdict,
)
from cipredict.store import build_steps, caches, health, queries, report, trust
from cipredict.store.batches import add_case_batches
from cipredict.store.database import Store, open_store
from cipredict.store.ledger import add_events
from cipredict.store.mutants import add_mutants, load_mutation_links
from cipredict.store.snapshots import add_coverage_links, add_covered_files, add_import_edges, add_timings
from cipredict.store.statements import Table
from cipredict.store.writer import add_commits, add_jobs, add_runs

if TYPE_CHECKING:
    from tests.store.conftest import At, MakeBatch, MakeCase, MakeRun

pytestmark = pytest.mark.learn

START = datetime(2024, 5, 1, tzinfo=UTC)
ROOM = Path(queries.__file__).parent
CASES = ("t.py::a", "t.py::b", "u.py::c")
PATHS = ("a.py", "b.py", "docs/c.md")


def load_periods(store: Store, as_of: datetime) -> Table:
    return report.load_periods(store, as_of, unit="day")


def load_cache_periods(store: Store, as_of: datetime) -> Table:
    return report.load_cache_periods(store, as_of, unit="week")


def load_job_failures(store: Store, as_of: datetime) -> Table:
    return queries.load_job_failures(store, as_of, workflow="ci")


def load_build_steps(store: Store, as_of: datetime) -> Table:
    return build_steps.load_build_steps(store, as_of, pattern=".*")


def load_cache_room(store: Store, as_of: datetime) -> Table:
    return report.load_cache_room(store, as_of, unit="week")


def load_listed_runs(store: Store, as_of: datetime) -> Table:
    return report.load_listed_runs(store, as_of, last_runs=100)


def load_job_times(store: Store, as_of: datetime) -> Table:
    return report.load_job_times(store, as_of, last_runs=100)


def load_case_trends(store: Store, as_of: datetime) -> Table:
    return report.load_case_trends(store, as_of, last_runs=100)


DATED = [
    queries.load_runs,
    queries.load_cases,
    queries.load_case_runs,
    queries.load_changes,
    queries.load_jobs,
    queries.load_flavour_times,
    queries.load_coverage_links,
    queries.load_coverage_files,
    queries.load_benchmark_events,
    queries.load_import_edges,
    load_mutation_links,
    queries.load_timings,
    queries.load_commits,
    queries.load_moved_paths,
    queries.load_plans,
    queries.load_ledger,
    queries.load_case_history,
    queries.load_default_branch,
    queries.load_file_churn,
    trust.load_flaky_outcomes,
    trust.load_flaky_trees,
    trust.load_flaky_window,
    health.load_health_history,
    health.load_health_steps,
    health.load_recent_cases,
    caches.load_cache_events,
    caches.load_cache_steps,
    report.load_deployments,
    report.load_alert_runs,
    report.load_alert_caches,
    report.load_gates,
    report.load_shard_balance,
    report.load_reliability,
    load_job_failures,
    load_build_steps,
    load_cache_periods,
    load_cache_room,
    load_periods,
    load_listed_runs,
    load_job_times,
    load_case_trends,
]


@dataclass(frozen=True, slots=True)
class Night:
    """Everything that one run brings with it; `hour` is when it starts, `hours` how long it takes."""

    hour: int
    hours: int | None
    sha: str
    branch: str
    event: str
    cases: tuple[CaseRun, ...]
    paths: tuple[str, ...] | None

    @property
    def started_at(self) -> datetime:
        return START + timedelta(hours=self.hour)

    @property
    def finished_at(self) -> datetime | None:
        return None if self.hours is None else self.known_at

    @property
    def known_at(self) -> datetime:
        return START + timedelta(hours=self.hour + (self.hours or 0))


case_runs = st.builds(
    CaseRun,
    st.sampled_from(CASES),
    st.sampled_from(Verdict),
    st.none() | st.integers(0, 4000).map(lambda milliseconds: milliseconds / 1000),
    st.integers(1, 3),
    st.booleans(),
    st.none() | st.integers(1, 2**40),
)
nights = st.builds(
    Night,
    hour=st.integers(0, 2000),
    hours=st.none() | st.integers(0, 30),
    sha=st.sampled_from(("", "s1", "s2", "s3")),
    branch=st.sampled_from(("main", "feature")),
    event=st.sampled_from(("push", "pull_request")),
    cases=st.lists(case_runs, max_size=4, unique_by=lambda case: case.case_id).map(tuple),
    paths=st.none() | st.lists(st.sampled_from(PATHS), max_size=3, unique=True).map(tuple),
)
histories = st.lists(nights, max_size=12)


@contextmanager
def fresh_store() -> Iterator[Store]:
    with tempfile.TemporaryDirectory() as folder, open_store(Path(folder) / "h.duckdb") as store:
        yield store


def key_of(number: int) -> RunKey:
    return RunKey("github", "me/it", str(number))


def fill(store: Store, history: Sequence[Night], *, first: int = 0) -> None:
    """Write every kind of fact that takes a time, each at the time of its night."""
    numbered = list(enumerate(history, start=first))
    fill_runs(store, numbered)
    add_jobs(store, [JobRecord(key_of(n), "7", "linux", night.started_at, night.started_at) for n, night in numbered])
    add_commits(store, [commit_of(n, night) for n, night in numbered])
    add_events(store, [plan_of(n, night) for n, night in numbered])
    add_events(store, [Event("benchmarks", night.known_at, {}, {"job": str(n)}) for n, night in numbered])
    for number, night in numbered:
        source = str(number)
        links = [CoverageLink(case.case_id, path, number + 1) for case in night.cases for path in night.paths or ()]
        seconds = {case.case_id: float(number) for case in night.cases}
        add_coverage_links(store, links, source=source, recorded_at=night.known_at)
        add_covered_files(store, [CoveredFile("a.py", number, 9)], source=source, recorded_at=night.known_at)
        add_import_edges(store, "me/it", [ImportEdge(source, path) for path in PATHS], recorded_at=night.known_at)
        add_timings(store, seconds, source=source, recorded_at=night.known_at)
    add_mutants(store, [mutant_of(n, night) for n, night in numbered])


def mutant_of(number: int, night: Night) -> MutantRecord:
    failed = tuple(dict.fromkeys(case.case_id for case in night.cases))
    outcome = MutantOutcome.KILLED if failed else MutantOutcome.SURVIVED
    return MutantRecord("me/it", str(number), "a.py", "f", 1, "constant", night.known_at, outcome, 1.0, failed)


def fill_runs(store: Store, numbered: Iterable[tuple[int, Night]]) -> None:
    numbered = list(numbered)
    add_runs(store, [run_of(number, night) for number, night in numbered])
    add_case_batches(store, [CaseBatch(key_of(number), "r.xml", night.cases, "7") for number, night in numbered])


def run_of(number: int, night: Night) -> RunRecord:
    return RunRecord(
        key_of(number),
        night.started_at,
        night.finished_at,
        sha=night.sha,
        branch=night.branch,
        event=night.event,
        changes=None if night.paths is None else tuple(Change(path, number, 1) for path in night.paths),
    )


def commit_of(number: int, night: Night) -> CommitRecord:
    changes = tuple(Change(path, status="R", previous_path=f"old/{path}") for path in night.paths or ())
    return CommitRecord("me/it", f"commit {number}", "", night.known_at, "Ann", changes)


def plan_of(number: int, night: Night) -> Event:
    cases = [{"id": case.case_id, "decision": "skip"} for case in night.cases]
    plan = {"id": str(number), "cases": cases, "observe": number % 2 == 0}
    return Event("plan", night.known_at, {"provider": "github", "repository": "me/it", "run_id": str(number)}, plan)


def answers(store: Store, as_of: datetime) -> dict[str, Any]:  # Any: rows of every query
    rows = {query.__name__: query(store, as_of).to_pylist() for query in DATED}
    rows["load_case_runs"].sort(key=lambda row: (row["run_seq"], row["case_seq"]))  # the one without an order
    return rows


def test_every_query_that_takes_a_time_is_under_test() -> None:
    takes_time = {file.stem for file in (ROOM / "sql").glob("*.sql") if "$as_of" in file.read_text(encoding="utf-8")}
    assert len(takes_time) == len(DATED)
    assert {file.stem for file in (ROOM / "sql").glob("*.sql")} - takes_time == {
        "find_runs",
        "health_events",
        "health_reports",
        "load_complete_runs",
        "load_known_mutants",
        "load_reports",
        "load_run_cases",
        "load_stored_columns",
        "load_table_names",
        "load_traced_jobs",
        "load_traced_runs",
        "prune_cutoff",
        "prune_kept",
        "prune_training",
        "report_failures",
    }


def test_complete_runs_are_those_of_one_repository(store: Store, make_run: MakeRun, at: At) -> None:
    ended, running, elsewhere = make_run(1), make_run(2, minutes=None), make_run(3)
    elsewhere = replace(elsewhere, key=replace(elsewhere.key, repository="me/other"))
    add_runs(store, [replace(ended, is_complete=True), running, replace(elsewhere, is_complete=True)])
    assert queries.load_complete_runs(store, provider="github", repository="me/it").to_pylist() == [
        {"run_id": "1", "attempt": 1, "ended_at": at(1.5)}
    ]


@settings(max_examples=10, deadline=None)
@given(earlier=st.lists(nights, max_size=4), later=st.lists(nights, min_size=1, max_size=3))
def test_later_facts_change_nothing(earlier: list[Night], later: list[Night]) -> None:
    as_of = max((night.known_at for night in earlier), default=START)
    unfinished = [_finishing_after(night, as_of) for night in later]
    with fresh_store() as store:
        fill(store, earlier)
        before = answers(store, as_of)
        fill(store, unfinished, first=len(earlier))
        assert answers(store, as_of) == before


def _finishing_after(night: Night, as_of: datetime) -> Night:
    """Move a night so that it ends after `as_of`; a long one may have started before."""
    hour = int((as_of - START).total_seconds() // 3600) + 1 + night.hour % 40 - (night.hours or 0)
    return replace(night, hour=hour)


def test_a_run_is_known_when_it_has_finished(store: Store, make_run: MakeRun, at: At) -> None:
    add_runs(store, [make_run(1, minutes=30), make_run(2, minutes=None)])
    known = [queries.load_runs(store, at(hour))["run_id"].to_pylist() for hour in (1.49, 1.5, 1.99, 2)]
    assert known == [[], ["1"], ["1"], ["1", "2"]]


def test_the_time_may_stand_in_any_zone_but_must_have_one(store: Store, make_run: MakeRun, at: At) -> None:
    add_runs(store, [make_run(1)])
    assert queries.load_runs(store, at(1.5).astimezone()).num_rows == 1
    with pytest.raises(ValueError, match="time without zone"):
        queries.load_runs(store, at(9).replace(tzinfo=None))


def test_runs_and_all_that_belongs_to_them_come_in_the_order_of_their_start(
    store: Store, make_run: MakeRun, make_batch: MakeBatch, make_case: MakeCase, at: At
) -> None:
    numbers = (3, 1, 2)
    add_runs(store, [make_run(number, changes=(Change(f"{number}.py"),)) for number in numbers])
    add_case_batches(store, [make_batch(number, make_case("a")) for number in numbers])
    runs = queries.load_runs(store, at(9))
    assert runs["run_id"].to_pylist() == ["1", "2", "3"]
    assert queries.load_changes(store, at(9))["path"].to_pylist() == ["1.py", "2.py", "3.py"]


def test_a_matrix_gives_one_row_per_case_with_the_worst_verdict_and_the_mean_time(
    store: Store, make_run: MakeRun, make_batch: MakeBatch, make_case: MakeCase, at: At
) -> None:
    add_runs(store, [make_run(1)])
    jobs = {"linux": make_case("a", ".", 1.0), "mac": make_case("a", "E", 2.0), "windows": make_case("a", "s", None)}
    add_case_batches(store, [make_batch(1, case, job_id=job) for job, case in jobs.items()])
    [row] = queries.load_case_runs(store, at(9)).to_pylist()
    assert (row["verdict"], row["duration_s"]) == ("error", 1.5)
    [run] = queries.load_runs(store, at(9)).to_pylist()
    assert (run["n_cases"], run["n_failed"], run["test_s"]) == (1, 1, 3.0)


MANY_CASES = tuple(f"t.py::test_{number:02}" for number in range(70))
"""More than two blocks of the bits in which queries count cases."""
reports = st.lists(st.lists(st.sampled_from(MANY_CASES), max_size=70, unique=True), max_size=3)


@settings(max_examples=20, deadline=None)
@given(runs=st.lists(reports, max_size=3))
def test_what_became_of_cases_and_runs_agrees_with_plain_python(runs: list[list[list[str]]]) -> None:
    found: dict[tuple[int, str], list[CaseRun]] = {}
    batches = []
    for number, case_ids, job in ((n, ids, job) for n, jobs in enumerate(runs) for job, ids in enumerate(jobs)):
        cases = tuple(
            CaseRun(
                case_id, list(Verdict)[(index + job) % 4], float(index), attempts=1 + job, is_flaky=index % 7 == job
            )
            for index, case_id in enumerate(case_ids)
        )
        batches.append(CaseBatch(key_of(number), "r.xml", cases, str(job)))
        for case in cases:
            found.setdefault((number, case.case_id), []).append(case)
    with fresh_store() as store:
        add_runs(store, [RunRecord(key_of(number), START + timedelta(hours=number)) for number in range(len(runs))])
        add_case_batches(store, batches)
        as_of = START + timedelta(hours=9)
        names = dict(zip(*queries.load_cases(store, as_of).to_pydict().values(), strict=True))
        case_runs = queries.load_case_runs(store, as_of).to_pylist()
        rows = queries.load_runs(store, as_of).to_pylist()
    assert {(row.pop("run_seq") - 1, names[row.pop("case_seq")]): row for row in case_runs} == {
        place: _together(cases) for place, cases in found.items()
    }
    assert [(row["n_cases"], row["n_failed"], row["test_s"]) for row in rows] == [
        _counted([cases for (run, _), cases in found.items() if run == number]) for number in range(len(runs))
    ]


def _together(cases: list[CaseRun]) -> dict[str, object]:
    return {
        "verdict": max((case.verdict for case in cases), key=queries.VERDICTS.index),
        "duration_s": pytest.approx(sum(case.duration_s or 0 for case in cases) / len(cases)),
        "is_flaky": any(case.is_flaky for case in cases),
        "attempts": max(case.attempts for case in cases),
        "peak_memory_bytes": None,
    }


def _counted(cases: list[list[CaseRun]]) -> tuple[int, int, float | None]:
    failed = sum(any(run.verdict in {Verdict.FAILED, Verdict.ERROR} for run in runs) for runs in cases)
    return len(cases), failed, sum(run.duration_s or 0 for runs in cases for run in runs) if cases else None


def test_a_report_that_has_a_case_twice_counts_it_once(
    store: Store, make_run: MakeRun, make_batch: MakeBatch, make_case: MakeCase, at: At
) -> None:
    add_runs(store, [make_run(1)])
    add_case_batches(store, [make_batch(1, make_case("a", ".", 1.0), make_case("a", "F", 2.0), make_case("b"))])
    rows = queries.load_case_runs(store, at(9)).to_pylist()
    assert sorted((row["case_seq"], row["verdict"], row["duration_s"]) for row in rows) == [
        (1, "failed", 1.5),
        (2, "passed", 1.0),
    ]
    assert queries.load_runs(store, at(9))["n_cases"].to_pylist() == [2]


@pytest.mark.parametrize(("last_runs", "numbers"), [(None, {1, 2, 3}), (2, {2, 3}), (0, set()), (9, {1, 2, 3})])
def test_the_last_runs_are_those_that_started_last(
    store: Store, make_batch: MakeBatch, make_case: MakeCase, make_run: MakeRun, *, last_runs: int, numbers: set[int]
) -> None:
    add_runs(store, [make_run(number) for number in (2, 3, 1, 8)])
    add_case_batches(store, [make_batch(number, make_case(str(number))) for number in (2, 3, 1, 8)])
    as_of = START + timedelta(hours=5)
    names = dict(zip(*queries.load_cases(store, as_of).to_pydict().values(), strict=True))
    seqs = queries.load_case_runs(store, as_of, last_runs=last_runs)["case_seq"].to_pylist()
    history = queries.load_case_history(store, as_of, last_runs=last_runs)["case_id"].to_pylist()
    assert {int(names[seq]) for seq in seqs} == {int(case_id) for case_id in history} == numbers


def test_indices_of_a_verdict_column_are_those_of_the_list(
    store: Store, make_run: MakeRun, make_batch: MakeBatch, make_case: MakeCase, at: At
) -> None:
    add_runs(store, [make_run(1)])
    add_case_batches(store, [make_batch(1, make_case("a", "F"))])
    column = queries.load_case_runs(store, at(9))["verdict"].combine_chunks()
    assert column.dictionary.to_pylist() == list(queries.VERDICTS)
    assert column.indices.to_pylist() == [queries.VERDICTS.index(Verdict.FAILED)]


def test_a_run_says_whether_its_change_is_known(store: Store, make_run: MakeRun, at: At) -> None:
    add_runs(store, [make_run(1), make_run(2, changes=())])
    assert queries.load_runs(store, at(9))["is_change_known"].to_pylist() == [False, True]


# -- the oracle of case_history ----------------------------------------------------------------------------------------


def expected_history(seen: Sequence[tuple[datetime, Verdict, float | None]], as_of: datetime) -> dict[str, Any]:
    """Say in plain Python what a case's runs, oldest first and none skipped, amount to."""
    failed = [verdict in {Verdict.FAILED, Verdict.ERROR} for _, verdict, _ in seen]
    weights = [0.5 ** (ago / 10) for ago in range(len(seen) - 1, -1, -1)]
    lost = [at for (at, _, _), is_failed in zip(seen, failed, strict=True) if is_failed]
    decayed = sum(weight for weight, is_failed in zip(weights, failed, strict=True) if is_failed)
    times = [duration_s for _, _, duration_s in seen if duration_s is not None]
    return {
        "runs": len(seen),
        "failures": sum(failed),
        "new_failures": sum(now and not before for before, now in pairwise([False, *failed])),
        "flips": sum(now != before for before, now in pairwise(failed)),
        "decayed_runs": pytest.approx(sum(weights)),
        "decayed_failures": pytest.approx(decayed),
        "failure_rate": pytest.approx(decayed / sum(weights)),
        "last_verdict": seen[-1][1],
        "runs_since_failure": failed[::-1].index(True) if any(failed) else None,
        "since_failure_s": (as_of - lost[-1]).total_seconds() if lost else None,
        "age_s": (as_of - seen[0][0]).total_seconds(),
        "timed_runs": len(times),
        "duration_last_s": times[-1] if times else None,
        "duration_median3_s": pytest.approx(statistics.median(times[-3:])) if times else None,
        "duration_ewma_s": pytest.approx(_ewma(times)) if times else None,
        "duration_p90_s": pytest.approx(_quantile(times[-20:], 0.9)) if times else None,
    }


def _ewma(times: Sequence[float]) -> float:
    smooth = times[0]
    for time in times[1:]:
        smooth = 0.7 * smooth + 0.3 * time
    return smooth


def _quantile(times: Sequence[float], share: float) -> float:
    ordered, place = sorted(times), share * (len(times) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (place - low) * (ordered[high] - ordered[low])


@settings(max_examples=10, deadline=None)
@given(history=histories)
def test_the_history_of_cases_agrees_with_plain_python(history: list[Night]) -> None:
    as_of = START + timedelta(hours=3000)
    order = sorted(range(len(history)), key=lambda n: (history[n].known_at, history[n].hour, str(n)))
    expected = {}
    for scope in ("all", "default_branch"):
        for case_id in CASES:
            seen = [
                (history[n].known_at, case.verdict, case.duration_s)
                for n in order
                if scope == "all" or (history[n].branch, history[n].event) == ("main", "push")
                for case in history[n].cases
                if case.case_id == case_id and case.verdict != Verdict.SKIPPED
            ]
            if seen:
                expected[scope, case_id] = expected_history(seen, as_of)
    with fresh_store() as store:
        fill_runs(store, enumerate(history))
        rows = queries.load_case_history(store, as_of, default_branch="main").to_pylist()
    actual = {(row.pop("scope"), row.pop("case_id")): row for row in rows}
    assert expected == actual


def test_the_default_branch_is_the_one_most_often_pushed_to(
    store: Store, make_run: MakeRun, make_batch: MakeBatch, make_case: MakeCase, at: At
) -> None:
    runs = [make_run(n, branch=branch) for n, branch in enumerate(("dev", "trunk", "trunk"))]
    add_runs(store, [*runs, *(make_run(n, branch="dev", event="pull_request") for n in (3, 4))])
    add_case_batches(store, [make_batch(number, make_case("a")) for number in range(5)])
    rows = queries.load_case_history(store, at(9)).to_pylist()
    assert {row["scope"]: row["runs"] for row in rows} == {"all": 5, "default_branch": 2}


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        pytest.param(["push dev", " main", " main"], "dev", id="a push counts first"),
        pytest.param(["pull_request dev", "pull_request dev", " main"], "main", id="reports without an event"),
        pytest.param(["schedule main", "workflow_dispatch dev", "workflow_dispatch dev"], "main", id="nightly runs"),
        pytest.param(["push ", "push ", " main"], "main", id="an empty branch is none"),
        pytest.param(["push b", "push a"], "a", id="a tie"),
        pytest.param(["pull_request dev", "push ", " "], "", id="unknown"),
        pytest.param([], "", id="no run"),
    ],
)
def test_the_default_branch_is_guessed(seen: list[str], expected: str, store: Store, make_run: MakeRun, at: At) -> None:
    pairs = [text.partition(" ") for text in seen]
    add_runs(store, [make_run(n, event=event, branch=branch) for n, (event, _, branch) in enumerate(pairs)])
    assert queries.guess_default_branch(store, at(99)) == expected


def test_an_unknown_default_branch_is_not_that_of_runs_without_one(
    store: Store, make_run: MakeRun, make_batch: MakeBatch, make_case: MakeCase, at: At
) -> None:
    add_runs(store, [make_run(1, branch="", event="")])
    add_case_batches(store, [make_batch(1, make_case("a"))])
    assert {row["scope"] for row in queries.load_case_history(store, at(9)).to_pylist()} == {"all"}


# -- the oracle of file_churn ------------------------------------------------------------------------------------------


@settings(max_examples=10, deadline=None)
@given(history=histories)
def test_the_churn_of_files_agrees_with_plain_python(history: list[Night]) -> None:
    as_of = START + timedelta(hours=1500)
    times: dict[tuple[str, str], datetime] = {}
    for number, night in enumerate(history):
        if night.known_at <= as_of:
            for path in night.paths or ():
                change = (path, night.sha or f"run {number}")
                times[change] = min(times.get(change, night.started_at), night.started_at)
                times[path, f"commit {number}"] = night.known_at
    with fresh_store() as store:
        fill_runs(store, enumerate(history))
        add_commits(store, [commit_of(number, night) for number, night in enumerate(history)])
        rows = queries.load_file_churn(store, as_of).to_pylist()
    for days in (3, 14, 56):
        recent = Counter(path for (path, _), at in times.items() if at >= as_of - timedelta(days=days))
        assert {path: recent[path] for path, _ in times} == {row["path"]: row[f"changes_{days}_days"] for row in rows}
    assert Counter(path for path, _ in times) == {row["path"]: row["changes"] for row in rows}


def test_a_commit_counts_once_at_its_own_time_however_many_runs_tested_it(
    store: Store, make_run: MakeRun, at: At
) -> None:
    change = (Change("a.py"),)
    add_runs(store, [make_run(number, sha="abc", changes=change) for number in (5, 6)])
    add_commits(store, [CommitRecord("me/it", "abc", "", at(1), "Ann", change)])
    [row] = queries.load_file_churn(store, at(9)).to_pylist()
    assert (row["changes"], row["last_changed_at"]) == (1, at(1))


def test_commits_tell_what_they_renamed_in_the_order_of_time(store: Store, at: At) -> None:
    renamed = Change("b.py", status="R", previous_path="a.py")
    others = (Change("c.py"), Change("d.py", status="C", previous_path="a.py"))
    add_commits(store, [CommitRecord("me/it", "2", "", at(2), "Ann", (renamed, *others))])
    add_commits(store, [CommitRecord("me/it", "1", "", at(1), "Ann", (renamed,))])
    rows = queries.load_moved_paths(store, at(9)).to_pylist()
    assert [(row["sha"], row["previous_path"], row["path"]) for row in rows] == [
        ("1", "a.py", "b.py"),
        ("2", "a.py", "b.py"),
    ]
    assert rows[0]["committed_at"] == at(1)


# -- the files ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("file", sorted(ROOM.glob("*/*.sql")), ids=lambda file: file.stem)
def test_an_sql_file_says_what_it_is_for(file: Path) -> None:
    head = [line for line in file.read_text(encoding="utf-8").splitlines() if line.startswith("-- ")]
    assert head[0].startswith("-- Purpose: ")
    if file.parent.name != "migrations":
        assert any(line.startswith("-- Grain:   ") for line in head)
        body = re.sub(r"--.*", "", file.read_text(encoding="utf-8"))
        parameters = next(line for line in head if line.startswith("-- Parameters: "))
        assert set(re.findall(r"\$\w+", body)) == set(re.findall(r"\$\w+", parameters))
