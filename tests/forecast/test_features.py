"""Features of small states with known answers, and laws over random ones."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cipredict.forecast.case_index import build_case_index
from cipredict.forecast.features import (
    CHANGE_FEATURES,
    FEATURES,
    LINK_FEATURES,
    ChangeFacts,
    decayed_rate,
    failure_features,
    typical_seconds,
)
from cipredict.forecast.state import CASE_FIELDS, Episode, Floats, PathFaults, PathMemory, State
from cipredict.records import Change

CASES = ["tests/test_lexer.py::test_a", "tests/test_lexer.py::test_b[1]", "tests/cli/test_main.py::test_c"]
TOKEN_FREE = [name for name in LINK_FEATURES if name not in {"word_similarity", "similar_changes"}]


def ints(*values: int) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
    return np.array(values, np.int32)


def facts(*paths: str, branch: str = "", lines: int = 0) -> ChangeFacts:
    return ChangeFacts(tuple(Change(path, lines, 0) for path in paths), branch)


def small_state(case_ids: list[str] = CASES) -> State:
    """Ten runs; test_a newly failed twice in the four changes of the lexer, test_c is red on the default branch."""
    state = State.blank(case_ids)
    state.tick = 10
    column = state.columns
    column["runs"][:3] = 10
    column["first_tick"][:3] = 0
    column["last_tick"][:3] = 9
    column["last_verdict"][:3] = 0, 0, 1
    column["base_verdict"][:3] = 0, 0, 1
    column["failures"][:3] = 2, 0, 10
    column["new_failures"][:3] = 2, 0, 1
    column["last_failure_tick"][:3] = 6, -1, 9
    column["flips"][:3] = 4, 0, 0
    column["runs_timed"][:3] = 10, 10, 0
    column["typical_s"][:3] = 1.0, 3.0, 0.0
    state.paths["pkg/lexer.py"] = PathMemory(4.0, ints(0), np.array([2.0], np.float32))
    state.episodes.append(Episode(10, frozenset({"pkg/lexer.py"}), ints(0)))
    state.branch_failures["topic"] = ints(1)
    state.covered["pkg/lexer.py"] = ints(2)
    state.mutated["pkg/lexer.py"] = PathFaults(3.0, ints(0, 2), np.array([2.0, 1.0], np.float32))
    state.import_distance["pkg/lexer.py"] = {"tests/test_lexer.py": 1, "tests/cli/test_main.py": 3}
    return state


def rows(state: State, change: ChangeFacts) -> dict[str, Floats]:
    matrix = failure_features(state, build_case_index(state.case_ids), change)
    return {name: matrix[:, position] for position, name in enumerate(FEATURES)}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("failure_rate", [0.2, 0, 1]),
        ("new_failure_rate", [2.1 / 15, 0.1 / 15, 1.1 / 15]),
        ("last_verdict", [0, 0, 1]),
        ("base_verdict", [0, 0, 1]),
        ("branch_failed", [0, 1, 0]),
        ("runs_since_failure", [np.log1p(4), 9, np.log1p(1)]),
        ("flip_rate", [0.4, 0, 0]),
        ("age_runs", [np.log1p(10)] * 3),
        ("runs", [np.log1p(10)] * 3),
        ("log_typical_s", [np.log(1.001), np.log(3.001), np.log(2.001)]),
        ("n_paths", [2] * 3),
        ("n_sources", [1] * 3),
        ("n_tests", [1] * 3),
        ("log_lines", [np.log1p(14)] * 3),
        ("log_churn", [np.log1p(4)] * 3),
        ("cofailure_max", [(2 + 2 * 2.1 / 15) / 6, (2 * 0.1 / 15) / 6, (2 * 1.1 / 15) / 6]),
        ("cofailure_mean", [(2 + 2 * 2.1 / 15) / 6, (2 * 0.1 / 15) / 6, (2 * 1.1 / 15) / 6]),
        ("cofailure_any", [(2 + 2 * 2.1 / 15) / 6, (2 * 0.1 / 15) / 6, (2 * 1.1 / 15) / 6]),
        ("cofailure_runs", [4] * 3),
        ("cofailure_file", [1 / 6, 1 / 6, 0]),
        ("cofailure_function", [2 / 6, 0, 0]),
        ("similar_weight", [1] * 3),
        ("stem_match", [1, 1, 0]),
        ("same_folder", [0, 0, 0]),
        ("test_changed", [0, 0, 1]),
        ("is_covered", [0, 0, 1]),
        ("mutation_rate", [0.5, 0, 0.25]),
        ("import_nearness", [1 / 2, 1 / 2, 1 / 4]),
    ],
)
def test_a_small_state_has_known_features(name: str, expected: list[float]) -> None:
    actual = rows(small_state(), facts("pkg/lexer.py", "tests/cli/test_main.py", branch="topic", lines=7))
    np.testing.assert_allclose(expected, actual[name], rtol=1e-5, atol=1e-6)


def test_similar_changes_vote_for_what_failed_then() -> None:
    votes = rows(small_state(), facts("pkg/lexer.py"))["similar_changes"]
    assert votes[0] > 0.7
    assert votes[1] == votes[2] < 0.1
    other = rows(small_state(), facts("pkg/other.py"))
    assert other["similar_weight"].max() == 0


def test_a_folder_in_common_counts() -> None:
    assert rows(small_state(), facts("pkg/cli/run.py"))["same_folder"].tolist() == [0, 0, 0.5]


def test_a_case_nobody_saw_is_in_doubt_not_safe() -> None:
    state = small_state([*CASES, "tests/test_new.py::test_new"])
    unseen = {name: float(values[3]) for name, values in rows(state, facts("pkg/new.py")).items()}
    assert tuple(
        unseen[name]
        for name in ("runs", "last_verdict", "base_verdict", "runs_since_failure", "failure_rate", "age_runs")
    ) == (0, -1, -1, 9, 0, 0)
    assert unseen["failure_rate_10"] == pytest.approx(12.01 / 30.5)  # the suite's own rate
    assert unseen["new_failure_rate"] == pytest.approx(0.02)
    assert unseen["stem_match"] == 1


def test_decayed_rate_lies_between_the_case_and_its_suite() -> None:
    state = State.blank(["a", "b"])
    state.columns["runs"][:], state.columns["failures"][:] = 10, [10, 0]
    state.columns["decayed_runs_10"][:], state.columns["decayed_failures_10"][:] = 9, [9, 0]
    prior = 10.01 / 20.5
    np.testing.assert_allclose([(9 + prior) / 10, prior / 10], decayed_rate(state, 10), rtol=1e-6)


def test_seconds_of_unmeasured_cases_are_the_median() -> None:
    assert typical_seconds(small_state()).tolist() == [1, 3, 2]
    assert typical_seconds(State.blank(["a", "b"])).tolist() == [1, 1]


def test_a_case_that_was_only_added_changes_no_link_of_the_others() -> None:
    """Words are left out: how rare a word is depends on the suite; so is the suite's mean rate of new failures."""
    change = facts("pkg/lexer.py", "tests/cli/test_main.py", branch="topic")
    before = rows(small_state(), change)
    after = rows(small_state([*CASES, "web/other.spec.ts::shows", "x/unrelated.rs::works"]), change)
    for name in (*TOKEN_FREE, *CHANGE_FEATURES):
        np.testing.assert_array_equal(before[name], after[name][:3], err_msg=name)


@st.composite
def states(draw: st.DrawFn) -> State:
    n = draw(st.integers(0, 5))
    state = State.blank([f"tests/test_{number % 2}.py::test_x[{number}]" for number in range(n)])
    state.tick = draw(st.integers(0, 50))
    share = draw(st.floats(0, 1))
    for name in CASE_FIELDS:
        if n and draw(st.booleans()):
            top = 1 if "verdict" in name else state.tick
            state.columns[name][:] = np.linspace(0, share * top, n)
    for number in range(draw(st.integers(0, 3))):
        cases = np.arange(draw(st.integers(0, n)), dtype=np.int32)
        changes = float(draw(st.integers(0, 9)))
        state.paths[f"pkg/m{number}.py"] = PathMemory(changes, cases, np.full(len(cases), changes, np.float32))
        paths = frozenset({f"pkg/m{number}.py", "x.py"})
        state.episodes.append(Episode(draw(st.integers(0, state.tick)), paths, cases))
        state.covered[f"pkg/m{number}.py"] = cases
    return state


@given(states(), st.lists(st.sampled_from(["pkg/m0.py", "pkg/m1.py", "tests/test_1.py", "é/ß", ""]), unique=True))
def test_features_are_finite_everywhere(state: State, paths: list[str]) -> None:
    matrix = failure_features(state, build_case_index(state.case_ids), facts(*paths))
    assert (len(state.case_ids), len(FEATURES)) == matrix.shape
    assert np.float32 == matrix.dtype
    assert np.isfinite(matrix).all()
