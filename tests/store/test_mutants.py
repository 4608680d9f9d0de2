"""Injected faults are kept apart from runs, replaced when they run again, and counted per path."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

pytest.importorskip("duckdb", reason="the store extra is not installed")
pytest.importorskip("pyarrow", reason="the store extra is not installed")

from cipredict.records import MutantOutcome, MutantRecord  # after the skips
from cipredict.store import health, queries, trust
from cipredict.store.database import Store
from cipredict.store.mutants import add_mutants, known_mutants, load_mutation_links

if TYPE_CHECKING:
    from tests.store.conftest import At

pytestmark = pytest.mark.learn


def mutant(at: At, name: str, *failed: str, path: str = "a.py", hour: float = 1, outcome: str = "") -> MutantRecord:
    ending = MutantOutcome(outcome or ("killed" if failed else "survived"))
    return MutantRecord("me/it", name, path, "f", 3, "constant", at(hour), ending, 1.5, failed)


def test_kills_are_counted_by_path_and_case(store: Store, at: At) -> None:
    mutants = [mutant(at, "1", "t::a", "t::b"), mutant(at, "2", "t::a"), mutant(at, "3"), mutant(at, "4", path="b.py")]
    assert add_mutants(store, [*mutants, mutant(at, "5", outcome="timeout"), mutant(at, "6", outcome="broken")]) == 6
    rows = [tuple(row.values())[:4] for row in load_mutation_links(store, at(1)).to_pylist()]
    assert rows == [("a.py", "t::a", 3, 2), ("a.py", "t::b", 3, 1), ("b.py", None, 1, 0)]
    assert load_mutation_links(store, at(0.5)).num_rows == 0


def test_a_mutant_that_runs_again_replaces_itself(store: Store, at: At) -> None:
    add_mutants(store, [mutant(at, "1", "t::a", "t::b"), mutant(at, "2", "t::a")])
    add_mutants(store, [mutant(at, "1", "t::c", hour=2)])
    rows = [tuple(row.values())[1:4] for row in load_mutation_links(store, at(2)).to_pylist()]
    assert rows == [("t::a", 2, 1), ("t::c", 2, 1)]
    assert known_mutants(store, "me/it") == {"1", "2"}
    assert known_mutants(store, "me/other") == frozenset()


def test_no_question_about_real_runs_sees_them(store: Store, at: At) -> None:
    add_mutants(store, [mutant(at, "1", "t::a", "t::b")])
    asked = (
        *(queries.load_runs, queries.load_cases, queries.load_case_runs, queries.load_case_history),
        *(queries.load_changes, trust.load_flaky_outcomes, health.load_recent_cases),
    )
    assert [query(store, at(9)).num_rows for query in asked] == [0] * len(asked)
