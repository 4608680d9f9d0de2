"""Coverage and imports as links."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise

import numpy as np
import pytest

from cipredict.forecast.case_index import build_case_index
from cipredict.forecast.features import FEATURES, ChangeFacts, failure_features
from cipredict.forecast.state import PathFaults, State
from cipredict.learn.carrying import carry_cases
from cipredict.learn.history import History, PastRun
from cipredict.learn.links import MAX_HOPS, Mutations, covered_slots, faults_by_path, import_distances
from cipredict.learn.replay import replay
from cipredict.learn.rows import collect_rows
from cipredict.records import Change

pytestmark = pytest.mark.learn


def test_coverage_is_grouped_by_path_and_unknown_cases_are_left_out() -> None:
    links = [("b", "pkg/x.py"), ("a", "pkg/x.py"), ("gone", "pkg/x.py"), ("a", "pkg/w.py"), ("a", "pkg/x.py")]
    grouped = covered_slots(links, {"a": 0, "b": 1})
    assert {path: slots.tolist() for path, slots in grouped.items()} == {"pkg/w.py": [0], "pkg/x.py": [0, 1]}


def test_hops_are_the_shortest_way_from_a_test() -> None:
    edges = [
        ("tests/test_a.py", "pkg/a.py"),
        ("pkg/a.py", "pkg/b.py"),
        ("pkg/b.py", "pkg/c.py"),
        ("tests/test_a.py", "pkg/c.py"),
        ("pkg/c.py", "pkg/a.py"),
        ("tests/test_b.py", "tests/conftest.py"),
        ("tests/conftest.py", "pkg/b.py"),
    ]
    assert {source: dict(sorted(hops.items())) for source, hops in import_distances(edges).items()} == {
        "pkg/a.py": {"tests/conftest.py": 3, "tests/test_a.py": 1},
        "pkg/b.py": {"tests/conftest.py": 1, "tests/test_a.py": 2, "tests/test_b.py": 2},
        "pkg/c.py": {"tests/conftest.py": 2, "tests/test_a.py": 1, "tests/test_b.py": 3},
    }


def test_beyond_the_last_hop_nothing_is_linked() -> None:
    chain = ["tests/test_a.py", *(f"pkg/{number}.py" for number in range(6))]
    edges = list(pairwise(chain))
    assert len(import_distances(edges)) == MAX_HOPS


def test_faults_are_grouped_by_path_and_know_only_cases_with_a_slot() -> None:
    rows = [("a.py", "t::b", 4, 1), ("a.py", "t::a", 4, 3), ("a.py", "t::gone", 4, 2), ("b.py", None, 2, 0)]
    faults = faults_by_path(rows, {"t::a": 0, "t::b": 1})
    assert {path: (f.mutants, f.cases.tolist(), f.kills.tolist()) for path, f in faults.items()} == {
        "a.py": (4.0, [0, 1], [3.0, 1.0]),
        "b.py": (2.0, [], []),
    }


def test_faults_are_known_once_recorded_and_are_nothing_but_a_link() -> None:
    """Synthetic evidence moves the feature made of it and the prior; no rate, count, time or verdict."""
    runs = [
        PastRun(
            run_id=str(number),
            started_at=datetime(2026, 1, 1 + number, tzinfo=UTC),
            finished_at=datetime(2026, 1, 1 + number, 1, tzinfo=UTC),
            facts=ChangeFacts((Change("pkg/a.py"),)),
            event="push",
            slots=np.arange(2, dtype=np.int32),
            verdicts=np.zeros(2, np.int8),
            seconds=np.ones(2, np.float32),
            is_flaky=np.zeros(2, np.bool_),
        )
        for number in range(3)
    ]
    faults = faults_by_path([("pkg/a.py", "t.py::a", 3, 2)], {"t.py::a": 0})
    history = History(["t.py::a", "t.py::b"], runs, as_of=datetime(2026, 2, 1, tzinfo=UTC))
    index = build_case_index(history.case_ids)
    with_faults = replace(history, mutations=Mutations(runs[1].started_at, faults))
    plain, informed = (
        [failure_features(state, index, run.facts) for run, state in replay(given)] for given in (history, with_faults)
    )
    moved = [
        {FEATURES[column] for column in np.flatnonzero((a != b).any(axis=0))}
        for a, b in zip(plain, informed, strict=True)
    ]
    assert moved == [set(), {"mutation_rate", "prior"}, {"mutation_rate", "prior"}]
    assert len(collect_rows(with_faults, index, judge_from=0).judged) == 0


def test_a_renamed_case_takes_its_kills_along() -> None:
    state = State.blank(["t.py::old", "t.py::new"])
    state.mutated["a.py"] = PathFaults(4.0, np.array([0], np.int32), np.array([3.0], np.float32))
    carry_cases(state, np.array([0], np.int32), np.array([1], np.int32))
    carried = state.mutated["a.py"]
    assert (carried.mutants, carried.cases.tolist(), carried.kills.tolist()) == (4.0, [0, 1], [3.0, 3.0])
