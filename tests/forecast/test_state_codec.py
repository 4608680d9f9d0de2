"""A state survives its bundle."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cipredict.errors import ForecastUnusable
from cipredict.forecast.bundle import Bundle
from cipredict.forecast.case_index import build_case_index
from cipredict.forecast.state import CASE_FIELDS, Episode, PathFaults, PathMemory, State
from cipredict.forecast.state_codec import decode_state

NAMES = st.text(st.characters(exclude_characters="\0", codec="utf-8"), min_size=1, max_size=8)
NUMBERS = st.floats(0, 1e6, width=32)


@st.composite
def states(draw: st.DrawFn) -> State:
    case_ids = draw(st.lists(NAMES, unique=True, max_size=5))
    slots = st.lists(st.integers(0, max(len(case_ids) - 1, 0)), unique=True, max_size=len(case_ids))
    arrays = slots.map(lambda found: np.array(sorted(found), np.int32))
    state = State.blank(case_ids)
    for name in CASE_FIELDS:
        state.columns[name][:] = draw(NUMBERS)
    for path, cases in draw(st.dictionaries(NAMES, arrays, max_size=3)).items():
        state.paths[path] = PathMemory(draw(NUMBERS), cases, np.full(len(cases), draw(NUMBERS), np.float32))
    paths = st.frozensets(NAMES, max_size=3)
    state.episodes = draw(st.lists(st.builds(Episode, st.integers(0, 99), paths, arrays), max_size=3))
    state.branch_failures = draw(st.dictionaries(NAMES, arrays, max_size=3))
    state.covered = draw(st.dictionaries(NAMES, arrays, max_size=3))
    for path, cases in draw(st.dictionaries(NAMES, arrays, max_size=3)).items():
        state.mutated[path] = PathFaults(draw(NUMBERS), cases, np.full(len(cases), draw(NUMBERS), np.float32))
    state.import_distance = draw(st.dictionaries(NAMES, st.dictionaries(NAMES, st.integers(1, 3)), max_size=2))
    state.tick = draw(st.integers(0, 10**6))
    return state


def spelled(state: State) -> dict[str, object]:
    """Everything in a state as plain values, orders kept."""
    return {
        "case_ids": state.case_ids,
        "columns": {name: values.tolist() for name, values in state.columns.items()},
        "paths": [(p, m.changes, m.cases.tolist(), m.new_failures.tolist()) for p, m in state.paths.items()],
        "episodes": [(e.tick, e.paths, e.cases.tolist()) for e in state.episodes],
        "branch_failures": [(branch, cases.tolist()) for branch, cases in state.branch_failures.items()],
        "covered": [(path, cases.tolist()) for path, cases in state.covered.items()],
        "import_distance": state.import_distance,
        "mutated": [(p, f.mutants, f.cases.tolist(), f.kills.tolist()) for p, f in state.mutated.items()],
        "tick": state.tick,
    }


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(states())
def test_a_state_comes_back_as_it_was(make_bundle: Callable[..., Bundle], state: State) -> None:
    decoded, index = decode_state(make_bundle(state))
    assert spelled(state) == spelled(decoded)
    fresh = build_case_index(state.case_ids)
    assert (fresh.files, fresh.n_functions, fresh.vocabulary) == (index.files, index.n_functions, index.vocabulary)
    np.testing.assert_array_equal(fresh.similarity(["a"]), index.similarity(["a"]))


def test_the_same_state_gives_the_same_bytes(make_bundle: Callable[..., Bundle], tmp_path: Path) -> None:
    state = State.blank(["a.py::x"])
    state.episodes.append(Episode(1, frozenset("zyxwvutsrq"), np.array([0], np.int32)))
    make_bundle(state)
    first = (tmp_path / "forecast.bundle").read_bytes()
    make_bundle(state)
    assert first == (tmp_path / "forecast.bundle").read_bytes()


@pytest.mark.parametrize(
    ("entry", "content"),
    [
        ("state/columns.npy", b""),
        ("state/columns.npy", b"\x93NUMPY\x01\x00"),
        ("state/names.json", b"{}"),
        ("state/names.json", b"["),
    ],
)
def test_entries_that_do_not_fit_are_corruption(make_bundle: Callable[..., Bundle], entry: str, content: bytes) -> None:
    bundle = make_bundle(State.blank(["a.py::x"]), entries={entry: content})
    with pytest.raises(ForecastUnusable) as caught:
        decode_state(bundle)
    assert caught.value.slug == "forecast-corrupt"


def test_living_cases_are_those_of_the_last_runs() -> None:
    state = State.blank(["old", "new", "never"])
    state.tick = 100
    state.columns["last_tick"][:2] = 79, 80
    assert state.living(within=20) == ["new"]


def test_a_path_is_known_by_any_link() -> None:
    state = State.blank(["a"])
    state.paths["changed"] = PathMemory()
    state.covered["covered"] = np.array([0], np.int32)
    state.import_distance["imported"] = {"a": 1}
    assert [state.knows(path) for path in ("changed", "covered", "imported", "other")] == [True, True, True, False]
