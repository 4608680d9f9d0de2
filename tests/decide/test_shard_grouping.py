"""Groups: what stays together, and what an item made of several cases costs."""

from __future__ import annotations

import pytest

from cipredict.decide.grouping import Grouping, group_by, make_groups
from cipredict.errors import UsageError
from cipredict.forecast.interface import Basis, DurationForecast

CASE_ID = "pkg/sub/test_a.py::TestA::test_b[x]"


def case(case_id: str, seconds: float = 1.0, high_s: float = 1.0, memory: int | None = None) -> DurationForecast:
    return DurationForecast(case_id, seconds, 0.0, high_s, Basis.HISTORY, 3, memory)


@pytest.mark.parametrize(
    ("grouping", "expected"),
    [
        (Grouping.CLASS, "pkg/sub/test_a.py::TestA"),
        (Grouping.FILE, "pkg/sub/test_a.py"),
        (Grouping.MODULE, "pkg/sub"),
        (Grouping.MARKER, "database"),
    ],
)
def test_the_group_of_a_case(grouping: Grouping, expected: str) -> None:
    group_of = group_by(grouping, {CASE_ID: "database"})
    assert group_of is not None
    assert group_of(CASE_ID) == expected


def test_every_grouping_can_be_asked_for_by_name() -> None:
    assert [Grouping.parse(grouping.value) for grouping in Grouping] == list(Grouping)
    assert [group_by(grouping, {"a": "b"}) is None for grouping in Grouping] == [True, False, False, False, False]


def test_files_at_the_root_are_a_module_with_a_name() -> None:
    group_of = group_by(Grouping.MODULE)
    assert group_of is not None
    assert group_of("test_a.py::test_b") == "."


def test_an_unknown_grouping_is_a_usage_error_that_lists_the_known() -> None:
    with pytest.raises(UsageError, match="choose from case, class, file, module, marker"):
        Grouping.parse("planet")


def test_grouping_by_marker_needs_markers() -> None:
    with pytest.raises(UsageError, match="needs the marker"):
        group_by(Grouping.MARKER)


def test_a_case_without_marker_stands_alone() -> None:
    groups = make_groups([case("a"), case("b"), case("c")], group_of=group_by(Grouping.MARKER, {"a": "m", "c": "m"}))
    assert groups.members() == [["a", "c"], ["b"]]
    assert list(groups.names) == ["m", "b"]


def test_lists_join_groups_in_chains() -> None:
    cases = [case("x.py::a"), case("x.py::b"), case("y.py::c"), case("z.py::d")]
    groups = make_groups(cases, group_of=group_by(Grouping.FILE), together=[["z.py::d", "x.py::b"], ["gone"]])
    assert groups.members() == [["x.py::a", "x.py::b", "z.py::d"], ["y.py::c"]]


def test_an_item_sums_seconds_squares_lateness_and_takes_the_hungriest() -> None:
    cases = [case("x::a", 10.0, 13.0, 5), case("x::b", 20.0, 24.0, 7), case("y::c", 1.0)]
    items = make_groups(cases, group_of=group_by(Grouping.FILE)).items
    assert (items.seconds, items.late_s, items.memory_bytes) == ([30.0, 1.0], [5.0, 0.0], [7, 0])
