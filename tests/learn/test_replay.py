"""What a run is told is what was known when it started."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cipredict.forecast.case_index import build_case_index
from cipredict.forecast.features import FEATURES, ChangeFacts, failure_features
from cipredict.forecast.run_features import RUN_FEATURES
from cipredict.forecast.state import Floats, State
from cipredict.learn.case_time import collect_case_times
from cipredict.learn.history import FAILED, PASSED, SKIPPED, History, PastRun
from cipredict.learn.links import Links
from cipredict.learn.replay import MAX_BRANCHES, MAX_EPISODES, absorb, final_state, newly_failing, replay
from cipredict.learn.run_time import TimedRun, collect_run_times
from cipredict.records import Change

pytestmark = pytest.mark.learn
START = datetime(2026, 1, 1, tzinfo=UTC)
CASES = [f"tests/test_{number}.py::test_x" for number in range(4)]
INDEX = build_case_index(CASES)
RUN = st.tuples(
    st.integers(0, 3),  # hours after the run before
    st.integers(0, 8),  # hours it takes
    st.lists(st.sampled_from([PASSED, FAILED, SKIPPED]), min_size=4, max_size=4),
    st.sets(st.sampled_from(["pkg/0.py", "pkg/1.py", "tests/test_2.py"])),
    st.sampled_from(["main", "topic"]),
)
RawRun = tuple[int, int, list[int], set[str], str]


def past_run(number: int, start: datetime, raw: RawRun) -> PastRun:
    facts = ChangeFacts(tuple(Change(path) for path in sorted(raw[3])), raw[4], raw[4] == "main")
    return PastRun(
        run_id=str(number),
        started_at=start,
        finished_at=start + timedelta(hours=raw[1]),
        facts=facts,
        event="push",
        slots=np.arange(4, dtype=np.int32),
        verdicts=np.array(raw[2], np.int8),
        seconds=np.full(4, 1.0 + number, np.float32),
        is_flaky=np.zeros(4, np.bool_),
        wall_s=raw[1] * 3600.0,
    )


def history_of(raws: list[RawRun], links: Links | None = None) -> History:
    start, runs = START, []
    for number, raw in enumerate(raws):
        start += timedelta(hours=raw[0])
        runs.append(past_run(number, start, raw))
    return History(CASES, runs, as_of=start + timedelta(days=9), links=links)


def features_by_run(history: History) -> list[Floats]:
    return [failure_features(state, INDEX, run.facts) for run, state in replay(history)]


@settings(max_examples=60, deadline=None)
@given(st.lists(RUN, min_size=1, max_size=8), st.data())
def test_later_and_unfinished_runs_change_nothing_for_a_run(raws: list[RawRun], data: st.DataObject) -> None:
    """The law of `as_of`: cut at a run's start, keep what had finished, and its features stay as they were."""
    history = history_of(raws)
    position = data.draw(st.integers(0, len(raws) - 1))
    subject = history.runs[position]
    known = [run for run in history.runs[:position] if run.finished_at <= subject.started_at]
    alone = replace(history, runs=[*known, subject])
    np.testing.assert_array_equal(features_by_run(alone)[-1], features_by_run(history)[position])


@settings(max_examples=40, deadline=None)
@given(st.lists(RUN, min_size=2, max_size=8))
def test_a_verdict_moves_no_features_of_its_own_run(raws: list[RawRun]) -> None:
    history = history_of(raws)
    last = history.runs[-1]
    other = replace(last, verdicts=np.where(last.verdicts == FAILED, PASSED, FAILED).astype(np.int8))
    changed = replace(history, runs=[*history.runs[:-1], other])
    np.testing.assert_array_equal(features_by_run(history)[-1], features_by_run(changed)[-1])


@settings(max_examples=30, deadline=None)
@given(st.lists(RUN, min_size=1, max_size=8))
def test_the_published_state_is_what_a_run_after_everything_sees(raws: list[RawRun]) -> None:
    history = history_of(raws)
    tomorrow = past_run(99, history.as_of, (0, 1, [0] * 4, {"pkg/0.py"}, "topic"))
    seen = features_by_run(replace(history, runs=[*history.runs, tomorrow]))[-1]
    np.testing.assert_array_equal(seen, failure_features(final_state(history), INDEX, tomorrow.facts))


@settings(max_examples=30, deadline=None)
@given(st.lists(RUN, min_size=1, max_size=8), st.data())
def test_durations_of_later_runs_change_no_earlier_row(raws: list[RawRun], data: st.DataObject) -> None:
    history = history_of(raws)
    stop = data.draw(st.integers(0, len(raws)))
    rows, fewer = (
        collect_case_times(history, INDEX),
        collect_case_times(replace(history, runs=history.runs[:stop]), INDEX),
    )
    earlier = rows.window(0, stop)
    np.testing.assert_array_equal(fewer.X, earlier.X)
    np.testing.assert_array_equal(fewer.actual_s, earlier.actual_s)
    assert np.isfinite(rows.X).all()


@settings(max_examples=30, deadline=None)
@given(st.lists(RUN, min_size=1, max_size=8), st.data())
def test_wall_seconds_of_unfinished_runs_are_not_known(raws: list[RawRun], data: st.DataObject) -> None:
    runs = history_of(raws).runs
    timed = [
        TimedRun("ci", number, run.started_at, run.finished_at, run.facts, run.wall_s, 5.0)
        for number, run in enumerate(runs)
    ]
    position = data.draw(st.integers(0, len(raws) - 1))
    known = [run for run in timed[:position] if run.finished_at <= timed[position].started_at]
    whole = collect_run_times(timed).window(position, position + 1)
    alone = collect_run_times([*known, timed[position]]).window(position, position + 1)
    told = [name != "n_running" for name in RUN_FEATURES]  # that a run goes on is known, not what will come of it
    np.testing.assert_array_equal(whole.X[:, told], alone.X[:, told])
    assert bool(known) == bool(len(whole.X))


def test_links_are_known_only_after_they_were_recorded() -> None:
    links = Links(START + timedelta(hours=2), {"pkg/0.py": np.array([1], np.int32)}, {})
    raws: list[RawRun] = [(1, 0, [PASSED] * 4, {"pkg/0.py"}, "main"), (1, 0, [PASSED] * 4, {"pkg/0.py"}, "main")]
    covered = [float(rows[1, FEATURES.index("is_covered")]) for rows in features_by_run(history_of(raws, links))]
    assert covered == [0.0, 1.0]


def test_a_state_counts_failures_new_failures_and_flips() -> None:
    verdicts = [[FAILED, PASSED, SKIPPED, PASSED], [FAILED, FAILED, SKIPPED, PASSED], [PASSED, PASSED, PASSED, PASSED]]
    state = final_state(history_of([(1, 0, row, {"pkg/0.py"}, "topic") for row in verdicts]))
    counts = {
        name: state.columns[name].tolist() for name in ("runs", "failures", "new_failures", "flips", "base_verdict")
    }
    assert counts == {
        "runs": [3, 3, 1, 3],
        "failures": [2, 1, 0, 0],
        "new_failures": [1, 1, 0, 0],
        "flips": [1, 2, 0, 0],
        "base_verdict": [-1, -1, -1, -1],
    }
    memory = state.paths["pkg/0.py"]
    assert memory.cases.tolist() == [0, 1]
    keep = 0.5 ** (1 / 60)
    np.testing.assert_allclose([keep**2, keep], memory.new_failures, rtol=1e-6)
    assert pytest.approx(1 + keep + keep**2) == memory.changes
    assert [(episode.tick, episode.cases.tolist()) for episode in state.episodes] == [(0, [0]), (1, [1])]
    assert state.branch_failures["topic"].tolist() == []
    assert state.tick == 3


def test_newly_failing_compares_with_the_run_before() -> None:
    state = State.blank(CASES)
    run = past_run(0, START, (0, 0, [FAILED, PASSED, FAILED, SKIPPED], set(), ""))
    assert newly_failing(state, run).tolist() == [True, False, True, False]
    absorb(state, run)
    assert newly_failing(state, run).tolist() == [False] * 4


def test_a_state_stays_bounded() -> None:
    state = State.blank(CASES)
    for number in range(MAX_EPISODES + 10):
        verdict = FAILED if number % 2 else PASSED
        absorb(state, past_run(number, START, (0, 0, [verdict] * 4, {"pkg/0.py"}, f"b{number}")))
        absorb(state, past_run(number, START, (0, 0, [PASSED] * 4, set(), f"b{number}")))
    assert (len(state.episodes) <= MAX_EPISODES, len(state.branch_failures)) == (True, MAX_BRANCHES)
