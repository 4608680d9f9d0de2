"""Runs of one commit are one build, contradicted verdicts are doubted, and what came later changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cipredict.forecast.case_index import build_case_index
from cipredict.forecast.features import ChangeFacts
from cipredict.learn.builds import NEVER, as_builds, doubt_contradicted, doubted_from, join_builds
from cipredict.learn.history import FAILED, PASSED, SKIPPED, History, PastRun
from cipredict.learn.rows import collect_rows
from cipredict.records import Change

pytestmark = pytest.mark.learn
START = datetime(2026, 1, 1, tzinfo=UTC)
CASES = [f"tests/test_{number}.py::test_x{number}" for number in range(6)]


def run_of(
    name: str, start: float, verdicts: Sequence[int], *, hours: float = 1.0, first: int = 0, **facts: str
) -> PastRun:
    n = len(verdicts)
    return PastRun(
        run_id=name,
        started_at=START + timedelta(hours=start),
        finished_at=START + timedelta(hours=start + hours),
        facts=ChangeFacts((Change(facts.get("path", "pkg/0.py")),), "topic"),
        event="push",
        slots=np.arange(first, first + n, dtype=np.int32),
        verdicts=np.array(verdicts, np.int8),
        seconds=np.full(n, start + 1.0, np.float32),
        is_flaky=np.zeros(n, np.bool_),
        workflow=facts.get("workflow", "ci"),
        commit=facts.get("commit", name),
        tree=facts.get("tree", facts.get("commit", name)),
    )


def test_runs_of_a_commit_that_overlap_are_one_build() -> None:
    unit = run_of("1", 0, [PASSED, PASSED, SKIPPED], hours=2, commit="a", workflow="unit")
    other = run_of("2", 0.5, [PASSED], commit="b")
    lint = run_of("3", 1, [FAILED, PASSED, SKIPPED], hours=3, first=1, commit="a", workflow="lint", path="pkg/1.py")
    later = run_of("4", 9, [PASSED], commit="a")
    builds = join_builds([unit, other, lint, later])
    assert [build.run_id for build in builds] == ["1", "2", "4"]
    joined = builds[0]
    assert (joined.started_at, joined.finished_at) == (unit.started_at, lint.finished_at)
    assert joined.slots.tolist() == [0, 1, 2, 3]
    assert joined.verdicts.tolist() == [PASSED, FAILED, PASSED, SKIPPED]
    assert joined.seconds.tolist() == [1.0, 1.5, 1.5, 2.0]
    assert [change.path for change in joined.facts.changes] == ["pkg/0.py", "pkg/1.py"]
    assert builds[1:] == [other, later]


def test_runs_without_a_known_commit_stay_apart() -> None:
    runs = [run_of(str(number), 0, [PASSED], commit="") for number in range(3)]
    assert join_builds(runs) == runs


def test_a_verdict_is_doubted_once_the_same_code_came_out_otherwise() -> None:
    red = run_of("1", 0, [FAILED, FAILED, PASSED], commit="a")
    between = run_of("2", 2, [FAILED], commit="b")
    green = run_of("3", 4, [PASSED, FAILED, SKIPPED], commit="a")
    after = run_of("4", 6, [PASSED], commit="c")
    doubted = doubted_from(doubt_contradicted([red, between, green, after]))
    assert [run.tolist() for run in doubted] == [[3, NEVER, NEVER], [NEVER], [3, NEVER, NEVER], [NEVER]]


def test_other_workflows_and_moving_merges_contradict_nothing() -> None:
    linux = run_of("1", 0, [FAILED], commit="a", workflow="linux")
    windows = run_of("2", 3, [PASSED], commit="a", workflow="windows")
    merge = run_of("3", 5, [FAILED], commit="m", tree="r1")
    again = run_of("4", 8, [PASSED], commit="m", tree="r2")
    doubted = doubted_from(doubt_contradicted([linux, windows, merge, again]))
    assert [run.tolist() for run in doubted] == [[NEVER]] * 4


def test_a_doubted_verdict_weighs_less_from_then_on() -> None:
    runs = [run_of("1", 0, [FAILED, PASSED], commit="a"), run_of("2", 2, [PASSED, PASSED], commit="a")]
    runs += [run_of("3", 4, [PASSED, PASSED])]
    history = as_builds(History(CASES, runs, as_of=START + timedelta(days=9)))
    replayed = collect_rows(history, build_case_index(CASES), judge_from=0)
    before, then = replayed.rows(0, 1, max_rows=99), replayed.rows(0, 2, max_rows=99)
    assert before.weight[before.y == 1].tolist() == [20.0]
    assert then.weight[then.y == 1].tolist() == pytest.approx([6.0])


RUN = st.tuples(
    st.floats(0, 2),  # hours after the run before
    st.floats(0.1, 5),  # hours it takes
    st.lists(st.sampled_from([PASSED, FAILED, SKIPPED]), min_size=1, max_size=3),
    st.integers(0, 3),  # the first case
    st.sampled_from("abc"),  # the commit
    st.sampled_from(["pkg/0.py", "pkg/x1.py", "tests/test_2.py"]),
)
RawRun = tuple[float, float, list[int], int, str, str]


def history_of(raws: list[RawRun]) -> History:
    runs, start = [], 0.0
    for number, (gap, hours, verdicts, first, commit, path) in enumerate(raws):
        start += gap
        runs.append(run_of(str(number), start, verdicts, hours=hours, first=first, commit=commit, path=path))
    seen = 1 + max(int(run.slots.max()) for run in runs)  # later runs bring cases of their own
    return History(CASES[:seen], runs, as_of=START + timedelta(days=99))


@settings(max_examples=80, deadline=None)
@given(st.lists(RUN, min_size=1, max_size=8), st.data())
def test_later_runs_change_no_row_of_an_earlier_build(raws: list[RawRun], data: st.DataObject) -> None:
    """Cut the raw runs at any start: what the builds that had finished by then teach stays the same, to the bit."""
    whole = as_builds(history_of(raws))
    stop = data.draw(st.integers(1, len(raws)))
    cut = as_builds(history_of(raws[:stop]))
    at = history_of(raws[:stop]).runs[-1].started_at
    all_rows, rows = (
        collect_rows(history, build_case_index(history.case_ids), judge_from=0) for history in (whole, cut)
    )
    for position, build in enumerate(cut.runs):
        if build.finished_at <= at:
            ours, theirs = rows.rows_by_run[position], all_rows.rows_by_run[position]
            for name in ("X", "y", "weight", "frequency"):
                np.testing.assert_array_equal(getattr(ours, name), getattr(theirs, name))
    finished = next((n for n, build in enumerate(cut.runs) if build.finished_at > at), len(cut.runs))
    np.testing.assert_array_equal(
        rows.rows(0, finished, max_rows=999).weight, all_rows.rows(0, finished, max_rows=999).weight
    )


@settings(max_examples=40, deadline=None)
@given(st.lists(RUN, min_size=1, max_size=8))
def test_joining_loses_no_case_and_no_failure(raws: list[RawRun]) -> None:
    history = history_of(raws)
    builds = as_builds(history).runs
    assert sorted({s for r in history.runs for s in r.slots}) == sorted({s for b in builds for s in b.slots})
    failed = {(run.commit, slot) for run in history.runs for slot in run.slots[run.failed].tolist()}
    assert failed == {(build.commit, slot) for build in builds for slot in build.slots[build.failed].tolist()}
    assert [build.started_at for build in builds] == sorted(build.started_at for build in builds)
