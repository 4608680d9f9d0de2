"""The chain of jobs that decided when a run ended."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from cipredict.records import JobRecord, Result, RunKey, RunRecord
from cipredict.render.html.critical_path import critical_path
from cipredict.render.html.waterfall import waterfall_of

AT = datetime(2026, 3, 1, tzinfo=UTC)
KEY = RunKey("github", "owner/name", "7")


def job(name: str, begin_s: int, end_s: int, result: Result = Result.SUCCESS) -> JobRecord:
    begin, end = (AT + timedelta(seconds=seconds) for seconds in (begin_s, end_s))
    return JobRecord(KEY, name, name, begin, end, result=result)


BUILD, LINT, TEST, DEPLOY = job("build", 0, 60), job("lint", 0, 90), job("test", 62, 200), job("deploy", 201, 230)


def names(*jobs: JobRecord, needs: dict[str, list[str]] | None = None) -> list[str]:
    return [one.name for one in critical_path(jobs, needs or {})]


def test_without_needs_the_last_to_end_before_stands_in() -> None:
    assert names(BUILD, LINT, TEST, DEPLOY) == ["build", "test", "deploy"]


def test_needs_win_over_the_order_of_ends() -> None:
    needs = {"deploy": ["lint"], "lint": [], "test": ["build"]}

    assert names(BUILD, LINT, TEST, DEPLOY, needs=needs) == ["lint", "deploy"]


def test_of_several_needs_the_last_to_end_counts() -> None:
    assert names(BUILD, LINT, TEST, DEPLOY, needs={"deploy": ["build", "lint", "test"], "test": []}) == [
        "test",
        "deploy",
    ]


def test_a_job_that_needs_nothing_begins_the_chain() -> None:
    assert names(BUILD, TEST, needs={"test": []}) == ["test"]


def test_clocks_may_differ_by_a_second() -> None:
    assert names(job("a", 0, 61), job("b", 60, 100)) == ["a", "b"]
    assert names(job("a", 0, 62), job("b", 60, 100)) == ["b"]


def test_skipped_jobs_and_jobs_without_an_end_are_passed_over() -> None:
    open_ended = JobRecord(KEY, "x", "x", AT, None)

    assert names(BUILD, job("skipped", 0, 500, Result.SKIP), open_ended) == ["build"]
    assert names() == []


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), max_size=12))
def test_the_chain_ends_last_and_goes_back_in_time(times: list[tuple[int, int]]) -> None:
    jobs = [job(f"j{k}", begin, begin + length) for k, (begin, length) in enumerate(times)]
    path = critical_path(jobs, {})
    ends = [one.finished_at or AT for one in path]

    assert bool(path) == bool(jobs)
    assert not path or ends[-1] == max(one.finished_at or AT for one in jobs)
    assert len({one.job_id for one in path}) == len(path)
    for before, after in pairwise(path):
        assert (before.finished_at or AT) <= (after.started_at or AT) + timedelta(seconds=1)


def test_the_waterfall_marks_the_chain_and_says_what_it_rests_on() -> None:
    run = RunRecord(KEY, AT)
    by_ends = waterfall_of(run, (BUILD, LINT, TEST))
    by_needs = waterfall_of(run, (BUILD, LINT, TEST), {"test": ["build"], "build": []})

    assert by_ends is not None
    assert by_needs is not None
    assert [bar.is_critical for bar in by_needs.bars] == [True, False, True]
    assert (by_ends.are_needs_known, by_needs.are_needs_known) == (False, True)
