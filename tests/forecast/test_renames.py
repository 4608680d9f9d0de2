"""A change that renames: cases and sources are forecast from what they were called before."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from cipredict.forecast.bundle import Bundle
from cipredict.forecast.case_index import build_case_index
from cipredict.forecast.durations import DurationTable
from cipredict.forecast.failures import FailureForecaster
from cipredict.forecast.features import FEATURES, ChangeFacts, failure_features
from cipredict.forecast.interface import Basis, CaseForecast
from cipredict.forecast.renames import former_id, former_paths, other_names, under_new_names
from cipredict.forecast.state import Episode, Floats, PathMemory, State
from cipredict.records import Change

MakeBundle = Callable[..., Bundle]
MOVED_TEST = Change("tests/new.py", 0, 0, "R", "tests/old.py")
MOVED_SOURCE = Change("pkg/new.py", 0, 0, "R", "pkg/old.py")


def known_state() -> State:
    state = State.blank(["tests/old.py::x", "tests/old.py::y", "tests/other.py::z"])
    state.tick = 4
    state.columns["runs"][:] = 4
    state.columns["failures"][0] = 2
    state.columns["decayed_runs_10"][:] = 4
    state.columns["decayed_failures_10"][0] = 2
    state.paths["pkg/old.py"] = PathMemory(5.0, np.array([1], np.int32), np.array([3], np.float32))
    state.episodes.append(Episode(2, frozenset({"pkg/old.py"}), np.array([1], np.int32)))
    state.covered["pkg/old.py"] = np.array([2], np.int32)
    state.import_distance["pkg/old.py"] = {"tests/old.py": 1}
    return state


def forecast(make_bundle: MakeBundle, candidates: list[str], *changes: Change) -> list[CaseForecast]:
    bundle = make_bundle(known_state())
    return FailureForecaster(bundle, DurationTable.from_bundle(bundle)).forecast(candidates, ChangeFacts(changes))


def features(*changes: Change) -> Floats:
    state = known_state()
    known, index = under_new_names(state, build_case_index(state.case_ids), former_paths(changes))
    return failure_features(known, index, ChangeFacts(changes))


def test_a_copy_is_no_rename() -> None:
    copied = Change("b.py", status="C", previous_path="a.py")
    assert former_paths([MOVED_TEST, copied, Change("c.py")]) == {"tests/new.py": "tests/old.py"}


def test_either_name_leads_to_the_other() -> None:
    assert other_names({"new": "old"}) == {"new": "old", "old": "new"}


@pytest.mark.parametrize(
    ("case_id", "expected"),
    [
        ("tests/new.py::T::x[a/b::c]", "tests/old.py::T::x[a/b::c]"),
        ("tests/new.py", "tests/old.py"),
        ("tests/new.py2::x", "tests/new.py2::x"),
        ("tests/old.py::x", "tests/old.py::x"),
    ],
)
def test_only_the_file_of_an_id_changes(case_id: str, expected: str) -> None:
    assert former_id(case_id, {"tests/new.py": "tests/old.py"}) == expected


def test_cases_of_a_renamed_file_inherit_their_forecast(make_bundle: MakeBundle) -> None:
    [before] = forecast(make_bundle, ["tests/old.py::x"])
    [moved, added, other] = forecast(
        make_bundle, ["tests/new.py::x", "tests/new.py::added", "tests/other.py::z"], MOVED_TEST
    )
    assert moved._replace(p_fail=0) == before._replace(
        case_id="tests/new.py::x", evidence="moved from tests/old.py", p_fail=0
    )
    assert moved.p_fail > before.p_fail  # the change touches its file
    assert (added.basis, added.runs, added.evidence) == (Basis.FALLBACK, 0, "never seen")
    assert (other.case_id, other.basis) == ("tests/other.py::z", Basis.HISTORY)


def test_a_new_case_in_a_renamed_file_takes_what_its_neighbours_took(make_bundle: MakeBundle) -> None:
    seconds = {"cases/expected_s.f32": np.array([7, 7, 1], "<f4").tobytes()}
    bundle = make_bundle(known_state(), entries=seconds)
    teller = FailureForecaster(bundle, DurationTable.from_bundle(bundle))
    [added] = teller.forecast(["tests/new.py::added"], ChangeFacts((MOVED_TEST,)))
    assert added.expected_s == 7.0


def test_what_is_known_under_the_new_name_comes_first(make_bundle: MakeBundle) -> None:
    back = Change("tests/old.py", status="R", previous_path="tests/other.py")
    [known] = forecast(make_bundle, ["tests/old.py::x"], back)
    assert (known.runs, known.evidence) != (0, "moved from tests/other.py")
    state = known_state()
    state.paths["pkg/new.py"] = PathMemory(1.0)
    renamed, _ = under_new_names(state, build_case_index(state.case_ids), {"pkg/new.py": "pkg/old.py"})
    assert renamed.paths["pkg/new.py"].changes == 1.0


@pytest.mark.parametrize(
    "name", ["cofailure_max", "similar_changes", "is_covered", "import_nearness", "log_churn", "cofailure_file"]
)
def test_a_renamed_source_has_the_ties_of_its_former_path(name: str) -> None:
    at = FEATURES.index(name)
    assert features(MOVED_SOURCE)[:, at].tolist() == features(Change("pkg/old.py"))[:, at].tolist()
    assert features(MOVED_SOURCE)[:, at].tolist() != features(Change("pkg/unknown.py"))[:, at].tolist()


def test_a_moved_file_is_judged_where_it_is_now() -> None:
    together = features(MOVED_SOURCE, MOVED_TEST)
    assert together[:, FEATURES.index("test_changed")].tolist() == [1, 1, 0]
    assert together[:, FEATURES.index("import_nearness")].tolist() == [0.5, 0.5, 0]


def test_without_a_rename_nothing_is_copied() -> None:
    state = known_state()
    index = build_case_index(state.case_ids)
    renamed, same = under_new_names(state, index, {})
    assert renamed is state
    assert same is index


def test_the_bundles_state_stays_as_it_is() -> None:
    state = known_state()
    under_new_names(
        state, build_case_index(state.case_ids), {"pkg/new.py": "pkg/old.py", "tests/new.py": "tests/old.py"}
    )
    assert list(state.paths) == list(state.covered) == list(state.import_distance) == ["pkg/old.py"]
    assert state.import_distance["pkg/old.py"] == {"tests/old.py": 1}
