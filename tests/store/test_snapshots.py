"""Coverage, imports, timings: the latest known picture answers, taking one in again changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("duckdb", reason="the store extra is not installed")
pytest.importorskip("pyarrow", reason="the store extra is not installed")

from cipredict.records import CoverageLink, CoveredFile, ImportEdge  # after the skips
from cipredict.store.database import Store
from cipredict.store.queries import load_coverage_files, load_coverage_links, load_import_edges, load_timings
from cipredict.store.snapshots import add_coverage_links, add_covered_files, add_import_edges, add_timings

if TYPE_CHECKING:
    from tests.store.conftest import At

pytestmark = pytest.mark.learn


def links(store: Store, hour: float, at: At) -> list[tuple[Any, ...]]:  # Any: columns of a query
    return [(row["case_id"], row["path"], row["lines"]) for row in load_coverage_links(store, at(hour)).to_pylist()]


def test_a_case_measured_again_has_only_its_new_links(store: Store, at: At) -> None:
    old = [CoverageLink("t::a", "x.py", 3), CoverageLink("t::a", "y.py", 1), CoverageLink("t::b", "x.py", 9)]
    add_coverage_links(store, old, source=".coverage", recorded_at=at(1))
    assert add_coverage_links(store, [CoverageLink("t::a", "z.py", 2)], source=".coverage", recorded_at=at(2)) == 1
    assert links(store, 0.5, at) == []
    assert links(store, 1.5, at) == [("t::a", "x.py", 3), ("t::a", "y.py", 1), ("t::b", "x.py", 9)]
    assert links(store, 2, at) == [("t::a", "z.py", 2), ("t::b", "x.py", 9)]


def test_of_two_measurements_at_one_time_one_counts_whole(store: Store, at: At) -> None:
    add_coverage_links(store, [CoverageLink("t::a", "x.py", 3)], source="unit", recorded_at=at(1))
    add_coverage_links(store, [CoverageLink("t::a", "y.py", 1)], source="slow", recorded_at=at(1))
    assert links(store, 1, at) == [("t::a", "x.py", 3)]


def test_a_snapshot_taken_in_again_replaces_itself(store: Store, at: At) -> None:
    for lines in (3, 4):
        twice = [CoverageLink("t::a", "x.py", lines), CoverageLink("t::a", "x.py", 1)]
        add_coverage_links(store, twice, source=".coverage", recorded_at=at(1))
    assert links(store, 1, at) == [("t::a", "x.py", 4)]
    assert store.connection.execute("select count(*) from snapshots").fetchall() == [(1,)]


def test_covered_files_are_the_last_measured_of_each_path(store: Store, at: At) -> None:
    old = [CoveredFile("a.py", 1, 4), CoveredFile("b.py", 0, 0)]
    for _ in range(2):
        assert add_covered_files(store, old, source="lcov.info", recorded_at=at(1)) == 2
    add_covered_files(store, [CoveredFile("a.py", 3, 4)], source="lcov.info", recorded_at=at(2))
    rows = [load_coverage_files(store, at(hour)).to_pylist() for hour in (0.5, 1, 3)]
    shares = [[(row["path"], row["covered_lines"], row["covered_share"]) for row in found] for found in rows]
    assert shares == [[], [("a.py", 1, 0.25), ("b.py", 0, None)], [("a.py", 3, 0.75), ("b.py", 0, None)]]
    assert load_coverage_links(store, at(3)).num_rows == 0


def test_the_import_graph_of_each_repository_is_the_last_one_read(store: Store, at: At) -> None:
    add_import_edges(store, "one", [ImportEdge("t.py", "a.py"), ImportEdge("t.py", "b.py")], recorded_at=at(1))
    add_import_edges(store, "one", [ImportEdge("t.py", "b.py"), ImportEdge("t.py", "b.py")], recorded_at=at(2))
    add_import_edges(store, "two", [ImportEdge("u.py", "c.py")], recorded_at=at(1))
    assert load_import_edges(store, at(2)).to_pylist() == [
        {"repository": "one", "importer": "t.py", "imported": "b.py", "recorded_at": at(2)},
        {"repository": "two", "importer": "u.py", "imported": "c.py", "recorded_at": at(1)},
    ]
    assert load_import_edges(store, at(1)).num_rows == 3


def test_timings_are_the_last_recorded_of_each_case(store: Store, at: At) -> None:
    add_timings(store, {"t::a": 1.0, "t::b": 2.0}, source=".test_durations", recorded_at=at(1))
    assert add_timings(store, {"t::a": 5.0}, source=".test_durations", recorded_at=at(2)) == 1
    found = [(row["case_id"], row["duration_s"], row["recorded_at"]) for row in load_timings(store, at(3)).to_pylist()]
    assert found == [("t::a", 5.0, at(2)), ("t::b", 2.0, at(1))]


def test_an_empty_snapshot_is_a_fact_too(store: Store, at: At) -> None:
    add_import_edges(store, "one", [ImportEdge("t.py", "a.py")], recorded_at=at(1))
    add_import_edges(store, "one", [], recorded_at=at(2))
    assert load_import_edges(store, at(2)).num_rows == 0
