"""Histories in which cases change their names: what is joined, when it is known, and that nothing is lost by it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cipredict.forecast.features import ChangeFacts
from cipredict.forecast.state import State
from cipredict.learn.case_time import final_clock
from cipredict.learn.history import FAILED, PASSED, History, PastRun
from cipredict.learn.links import Links
from cipredict.learn.loading import load
from cipredict.learn.renames import MovedPath, known_renames, with_renames
from cipredict.learn.replay import final_state, replay
from cipredict.records import CaseBatch, CaseRun, Change, CommitRecord, RunKey, RunRecord, Verdict
from cipredict.store.batches import add_case_batches
from cipredict.store.database import Store, open_store
from cipredict.store.writer import add_commits, add_runs

pytestmark = pytest.mark.learn
START = datetime(2026, 1, 1, tzinfo=UTC)
A, B, C = "tests/a.py::test_copies_rows", "tests/b.py::test_copies_rows", "tests/c.py::test_other"
MOVE = (Change("tests/b.py", 0, 0, "R", "tests/a.py"),)
BACK = (Change("tests/a.py", 0, 0, "R", "tests/b.py"),)
ADD_DELETE = (Change("tests/a.py", status="D"), Change("tests/b.py", status="A"))
SOURCE = (Change("pkg/x.py"),)
Seen = Mapping[str, int] | Sequence[str]


class Story:
    """A history told run by run; each starts an hour after the one before and takes half of it."""

    def __init__(self) -> None:
        self.case_ids: list[str] = []
        self.runs: list[PastRun] = []

    def run(
        self,
        seen: Seen,
        changes: tuple[Change, ...] = (),
        *,
        branch: str = "main",
        hours: float = 0.5,
        took_s: float = 1,
    ) -> Story:
        """Add a run of cases, all passed or with the given verdicts."""
        verdicts = dict(seen) if isinstance(seen, Mapping) else dict.fromkeys(seen, PASSED)
        self.case_ids += [case_id for case_id in verdicts if case_id not in self.case_ids]
        started = START + timedelta(hours=len(self.runs))
        slots = sorted(self.case_ids.index(case_id) for case_id in verdicts)
        self.runs.append(
            PastRun(
                run_id=f"r{len(self.runs)}",
                started_at=started,
                finished_at=started + timedelta(hours=hours),
                facts=ChangeFacts(changes, branch, branch == "main"),
                event="push" if branch == "main" else "pull_request",
                slots=np.array(slots, np.int32),
                verdicts=np.array([verdicts[self.case_ids[slot]] for slot in slots], np.int8),
                seconds=np.full(len(slots), took_s, np.float32),
                is_flaky=np.zeros(len(slots), np.bool_),
            )
        )
        return self

    def history(self, moved: Sequence[MovedPath] = (), links: Links | None = None) -> History:
        """Give what was told, with its renames."""
        end = START + timedelta(days=9)
        return with_renames(History(self.case_ids, self.runs, as_of=end, links=links), moved)

    def joins(self, moved: Sequence[MovedPath] = ()) -> list[tuple[str, str, str, str]]:
        """Give (run, old id, new id, evidence) of all that is known in the end."""
        return [(k.run_id, k.old_id, k.new_id, k.evidence) for k in known_renames(self.history(moved))]


def column(state: State, name: str, case_id: str) -> float:
    return float(state.columns[name][state.case_ids.index(case_id)])


def test_a_file_that_git_renamed_goes_on() -> None:
    story = Story().run([A, C]).run([B, C], MOVE)
    assert story.joins() == [("r1", A, B, "git")]
    [known] = known_renames(story.history())
    assert known.known_at == story.runs[1].finished_at


def test_without_git_the_name_in_the_new_file_tells() -> None:
    assert Story().run([A, C]).run([B, C], ADD_DELETE).joins() == [("r1", A, B, "moved")]


def test_a_case_that_a_selection_skipped_is_not_gone() -> None:
    assert Story().run([A, C]).run([B, C], (Change("tests/b.py", status="A"),)).joins() == []
    assert Story().run([A, C]).run([B, C], SOURCE).joins() == []


def test_a_file_that_did_not_load_has_lost_no_case() -> None:
    renamed = "tests/a.py::test_copied_rows"
    edit = (Change("tests/a.py"),)
    broken = {"tests/a.py": FAILED, "tests/c.py::test_copies_rows": PASSED, C: PASSED}
    both = (*edit, Change("tests/c.py"))
    assert Story().run([A, C]).run(broken, both).joins() == []
    repaired = Story().run([A, C]).run({"tests/a.py": FAILED, C: PASSED}, edit).run([renamed, C], edit)
    assert repaired.joins() == [("r2", A, renamed, "renamed")]


def test_a_touched_file_without_any_case_is_not_gone() -> None:
    changes = (Change("tests/a.py"), Change("tests/b.py", status="A"))
    assert Story().run([A, C]).run([B, C], changes).joins() == []


def test_a_copy_is_no_rename() -> None:
    copied = (Change("tests/b.py", status="C", previous_path="tests/a.py"),)
    assert Story().run([A, C]).run([A, B, C], copied).joins() == []
    assert Story().run([A, C]).run([A, B, C], copied).run([B, C], ADD_DELETE).joins() == []
    on_a_branch = Story().run([A, C]).run([A, B, C], copied, branch="topic")
    assert on_a_branch.run([B, C], MOVE, branch="topic").joins() == []


def test_an_unknown_change_shows_what_commits_say() -> None:
    story = Story().run([A, C]).run([B, C]).run([B, C])
    committed = MovedPath(START + timedelta(minutes=90), "tests/a.py", "tests/b.py")
    assert story.joins() == []
    assert story.joins([committed]) == [("r1", A, B, "git")]
    assert story.joins([committed._replace(known_at=START + timedelta(hours=2))]) == [("r2", A, B, "git")]
    assert story.joins([committed._replace(known_at=START + timedelta(hours=3))]) == []


def test_a_branch_that_renames_takes_nothing_from_the_others() -> None:
    story = Story().run([A]).run([A]).run([B], MOVE, branch="topic").run({A: FAILED}, SOURCE).run([A])
    state = final_state(story.history())
    assert (column(state, "runs", A), column(state, "failures", A)) == (4, 1)
    assert (column(state, "runs", B), column(state, "failures", B)) == (3, 0)


def test_the_merge_of_a_branch_that_renames_continues_the_default_branch() -> None:
    story = Story().run([A]).run([A]).run([B], MOVE, branch="topic").run({A: FAILED}).run([A]).run([B], MOVE)
    assert story.joins() == [("r2", A, B, "git")]
    state = final_state(story.history())
    assert (column(state, "runs", B), column(state, "failures", B)) == (5, 1)


def test_there_and_back_again_the_first_name_goes_on() -> None:
    story = Story().run([A]).run([B], MOVE).run({B: FAILED}).run([A], BACK)
    assert story.joins() == [("r1", A, B, "git"), ("r3", B, A, "git")]
    state = final_state(story.history())
    assert (column(state, "runs", A), column(state, "failures", A), column(state, "base_verdict", A)) == (4, 1, 0)


def test_a_renamed_source_keeps_its_memory() -> None:
    rename = (Change("pkg/y.py", 0, 0, "R", "pkg/x.py"),)
    told = Story().run([A, C], SOURCE).run({A: FAILED, C: PASSED}, SOURCE).run([A, C], rename)
    stayed = Story().run([A, C], SOURCE).run({A: FAILED, C: PASSED}, SOURCE).run([A, C], SOURCE)
    renamed, expected = final_state(told.history()), final_state(stayed.history())
    assert renamed.paths["pkg/y.py"].changes == expected.paths["pkg/x.py"].changes
    assert renamed.paths["pkg/y.py"].new_failures.tolist() == expected.paths["pkg/x.py"].new_failures.tolist()
    assert [sorted(episode.paths) for episode in renamed.episodes] == [["pkg/y.py"]]
    assert renamed.paths["pkg/x.py"].changes < renamed.paths["pkg/y.py"].changes


def test_memories_and_links_of_a_case_go_on() -> None:
    links = Links(START, {"pkg/x.py": np.array([0], np.int32)}, {})
    story = Story().run([A, C], SOURCE).run({A: FAILED, C: PASSED}, SOURCE).run([B, C], MOVE)
    for state in (final_state(story.history(links=links)), *_last(story.run([B, C], SOURCE).history(links=links))):
        slots = {case_id: slot for slot, case_id in enumerate(state.case_ids)}
        memory = state.paths["pkg/x.py"]
        assert memory.cases.tolist() == [slots[A], slots[B]]
        assert memory.new_failures[0] == memory.new_failures[1] > 0
        assert [episode.cases.tolist() for episode in state.episodes] == [[slots[A], slots[B]]]
        assert state.covered["pkg/x.py"].tolist() == [slots[A], slots[B]]
    assert links.covered["pkg/x.py"].tolist() == [0]


def _last(history: History) -> list[State]:
    *_, (_, state) = replay(history)
    return [state]


def test_a_rename_is_used_once_its_run_has_finished() -> None:
    story = Story().run([A]).run([B], MOVE, hours=1.5).run([B]).run([B])
    known = [column(state, "runs", B) for _, state in replay(story.history())]
    assert known == [0, 0, 0, 3]


# -- from the store ----------------------------------------------------------------------------------------------------


def _ingest(store: Store, hour: int, case_id: str, changes: tuple[Change, ...] | None) -> None:
    key, started = RunKey("github", "me/it", str(hour)), START + timedelta(hours=hour)
    add_runs(
        store,
        [RunRecord(key, started, started + timedelta(minutes=30), branch="main", event="push", changes=changes)],
    )
    add_case_batches(
        store, [CaseBatch(key, "r.xml", (CaseRun(case_id, Verdict.PASSED, 1.0), CaseRun(C, Verdict.PASSED, 1.0)))]
    )


@pytest.mark.parametrize("is_in_change", [True, False])
def test_the_night_follows_what_the_store_knows(tmp_path: Path, *, is_in_change: bool) -> None:
    with open_store(tmp_path / "history.duckdb") as store:
        _ingest(store, 1, A, SOURCE)
        _ingest(store, 2, B, MOVE if is_in_change else None)
        if not is_in_change:
            add_commits(store, [CommitRecord("me/it", "abc", "", START + timedelta(hours=1.9), "Ann", MOVE)])
        before = load(store, as_of=START + timedelta(hours=2.4)).history
        after = load(store, as_of=START + timedelta(hours=2.6)).history
    assert known_renames(before) == []
    [known] = known_renames(after)
    assert (known.old_id, known.new_id, known.evidence, known.run_id) == (A, B, "git", "2")
    assert known.known_at == START + timedelta(hours=2.5)
    assert column(final_state(after), "runs", B) == 2


# -- laws --------------------------------------------------------------------------------------------------------------

VERDICTS = st.lists(st.sampled_from([PASSED, FAILED]), min_size=2, max_size=8)


@given(verdicts=VERDICTS, at=st.integers(1, 7), again=st.integers(0, 7))
@settings(deadline=None)
def test_a_case_under_two_names_is_one_case(verdicts: list[int], at: int, again: int) -> None:
    """Renamed before run `at`, and back before run `again` where that is later, it ends as if it had kept its name."""
    told, stayed = Story(), Story()
    for number, verdict in enumerate(verdicts):
        is_renamed = at <= number and not at < again <= number
        changes = MOVE if number == at else BACK if at < again == number else SOURCE
        told.run({B if is_renamed else A: verdict, C: PASSED}, changes, took_s=1.0 + number)
        stayed.run({A: verdict, C: PASSED}, changes, took_s=1.0 + number)
    last = B if at < len(verdicts) and not at < again < len(verdicts) else A
    got, expected = final_state(told.history()), final_state(stayed.history())
    assert {name: column(got, name, last) for name in got.columns} == {
        name: column(expected, name, A) for name in got.columns
    }
    times, expected_times = final_clock(told.history()), final_clock(stayed.history())
    np.testing.assert_array_equal(times.recent[told.case_ids.index(last)], expected_times.recent[0])
    assert times.ewma[told.case_ids.index(last)] == expected_times.ewma[0]


RUNS = st.lists(
    st.tuples(
        st.sets(st.sampled_from([A, B, C, "tests/a.py::test_copied_rows"]), min_size=1),
        st.sampled_from([MOVE, BACK, ADD_DELETE, SOURCE, (), (Change("tests/a.py"), Change("tests/b.py"))]),
        st.sampled_from(["main", "topic"]),
        st.sampled_from([0.5, 2.5]),
    ),
    max_size=7,
)


@given(runs=RUNS, cut=st.integers(0, 7))
@settings(deadline=None)
def test_later_runs_change_nothing_that_was_known(
    runs: list[tuple[set[str], tuple[Change, ...], str, float]], cut: int
) -> None:
    story = Story()
    for seen, changes, branch, hours in runs:
        story.run(sorted(seen), changes, branch=branch, hours=hours)
    whole = story.history()
    as_of = START + timedelta(hours=cut)
    earlier = replace(whole, runs=[replace(run, renames=()) for run in whole.runs if run.finished_at <= as_of])
    known = [rename for rename in known_renames(whole) if rename.known_at <= as_of]
    assert known_renames(with_renames(earlier)) == known


@given(runs=RUNS)
@settings(deadline=None)
def test_what_ran_together_is_never_joined(runs: list[tuple[set[str], tuple[Change, ...], str, float]]) -> None:
    story = Story()
    for seen, changes, branch, hours in runs:
        story.run(sorted(seen), changes, branch=branch, hours=hours)
    history = story.history()
    by_finish = sorted(history.runs, key=lambda run: run.finished_at)
    for position, run in enumerate(by_finish):
        for rename in run.renames:
            assert rename.new in run.slots
            assert rename.old not in run.slots
            assert not any({rename.old, rename.new} <= set(past.slots.tolist()) for past in by_finish[:position])
