"""Cases that must share a shard become one item: the same file, class, folder or marker, or lists named by people.

A group that shares a fixture pays for it once when it stays whole. What is together is together through chains too:
a list that names one case of each of two files joins the files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import sqrt
from typing import assert_never

from cipredict.decide.packing import Items
from cipredict.errors import UsageError
from cipredict.forecast.interface import DurationForecast
from cipredict.ids import case_class, case_file, case_folder

GroupOf = Callable[[str], str | None]
"""Case id → name of its group, None for a case that stands alone."""


class Grouping(StrEnum):
    """What stays whole."""

    CASE = "case"
    CLASS = "class"
    FILE = "file"
    MODULE = "module"
    MARKER = "marker"

    @classmethod
    def parse(cls, text: str) -> Grouping:
        """Read a name, raising UsageError with the names that exist."""
        try:
            return cls(text)
        except ValueError:
            known = ", ".join(cls)
            raise UsageError(f"Unknown grouping '{text}': choose from {known}.", slug="unknown-grouping") from None


def group_by(grouping: Grouping, markers: Mapping[str, str] | None = None) -> GroupOf | None:
    """Give the function that names the group of a case; None where every case stands alone.

    A module is the folder of a file: a Go package, the tests of a Maven module; what Python calls so is a file.
    `markers`, case id → marker, is for `marker`; a case without one stands alone.
    """
    match grouping:
        case Grouping.CASE:
            return None
        case Grouping.CLASS:
            return case_class
        case Grouping.FILE:
            return case_file
        case Grouping.MODULE:
            return lambda case_id: case_folder(case_id) or "."
        case Grouping.MARKER:
            if not markers:
                raise UsageError("Grouping by marker needs the marker of each case.", slug="no-markers")
            return markers.get
        case _:
            assert_never(grouping)


@dataclass(frozen=True, slots=True)
class Groups:
    """Cases, sorted by id, and the items made of them.

    Attributes
    ----------
    item_of : per case, the position of its item
    names : per item, its group or its only case
    items : lateness is that of the cases' upper bounds
    """

    cases: Sequence[DurationForecast]
    item_of: Sequence[int]
    names: Sequence[str]
    items: Items

    def members(self) -> list[list[str]]:
        """Give the case ids of every item."""
        members: list[list[str]] = [[] for _ in self.names]
        for case, item in zip(self.cases, self.item_of, strict=True):
            members[item].append(case.case_id)
        return members


def make_groups(
    cases: Iterable[DurationForecast], *, group_of: GroupOf | None = None, together: Iterable[Iterable[str]] = ()
) -> Groups:
    """Sort the cases, drop repeated ids, and join what belongs together; unknown ids in `together` are left out."""
    ordered = sorted({case.case_id: case for case in cases}.values(), key=lambda case: case.case_id)
    joined = [list(ids) for ids in together]
    if group_of is None and not joined:
        late_s = [max(0.0, case.high_s - case.expected_s) for case in ordered]
        seconds = [case.expected_s for case in ordered]
        memory = [case.peak_memory_bytes or 0 for case in ordered]
        names = [case.case_id for case in ordered]
        return Groups(ordered, range(len(ordered)), names, Items(seconds, late_s, memory))
    roots, names_of_roots = _join(ordered, group_of, joined)
    positions: dict[int, int] = {}
    item_of = [positions.setdefault(root, len(positions)) for root in roots]
    names = [names_of_roots[root] for root in positions]
    return Groups(ordered, item_of, names, _sum_items(ordered, item_of, len(positions)))


def _join(
    cases: Sequence[DurationForecast], group_of: GroupOf | None, together: Sequence[Sequence[str]]
) -> tuple[list[int], dict[int, str]]:
    """Give each case the first case of everything that it belongs with, and that one the name of the whole."""
    position_of = {case.case_id: position for position, case in enumerate(cases)}
    parents = list(range(len(cases)))

    def root_of(position: int) -> int:
        while parents[position] != position:
            parents[position] = parents[parents[position]]
            position = parents[position]
        return position

    def join(positions: Iterable[int]) -> None:
        roots = {root_of(position) for position in positions}
        for root in roots:
            parents[root] = min(roots)

    names = {position: case.case_id for case, position in zip(cases, position_of.values(), strict=True)}
    if group_of is not None:
        groups: dict[str, list[int]] = {}
        for case_id, position in position_of.items():
            group = group_of(case_id)
            if group is not None:
                groups.setdefault(group, []).append(position)
        for group, positions in groups.items():
            names[positions[0]] = group
            join(positions)
    for ids in together:
        join(position_of[case_id] for case_id in ids if case_id in position_of)
    return [root_of(position) for position in parents], names


def _sum_items(cases: Sequence[DurationForecast], item_of: Sequence[int], count: int) -> Items:
    seconds, late_s2, memory = [0.0] * count, [0.0] * count, [0] * count
    for case, item in zip(cases, item_of, strict=True):
        seconds[item] += case.expected_s
        late_s2[item] += max(0.0, case.high_s - case.expected_s) ** 2
        memory[item] = max(memory[item], case.peak_memory_bytes or 0)
    return Items(seconds, [sqrt(square) for square in late_s2], memory)
