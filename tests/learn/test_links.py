"""Coverage and imports as links."""

from __future__ import annotations

from itertools import pairwise

import pytest

from cipredict.learn.links import MAX_HOPS, covered_slots, import_distances

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
