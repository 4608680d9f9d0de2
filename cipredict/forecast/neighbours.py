"""Seconds of a case that nobody has measured, from those that were: siblings, class, file, folder, suite. Stdlib only.

Within the nearest scope that knows anything, cases whose names are alike count more: the median is weighted by
exp(6 · share of words in common). On six public suites it is below the plain median of the same scopes on each of
them, and every mean is worse (benchmarks/prediction/durations.py).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from math import exp
from operator import mul
from typing import NamedTuple

from cipredict.ids import case_class, case_file, case_folder, case_function


def _class_or_file(case_id: str) -> str:
    return case_class(case_id) or case_file(case_id)  # a case that is a whole file has no class


SCOPES: Mapping[str, Callable[[str], str]] = {
    "function": case_function,
    "class": _class_or_file,
    "file": case_file,
    "folder": case_folder,
    "suite": lambda _: "",
}
"""Name → key of a case, the nearest first."""
_OUTER = ("folder", "suite")
"""Scopes beyond the file, which is all that they look at."""
_Middle = Callable[[Sequence[tuple[float, float]]], float]
_SHARPNESS = 6.0
_MOST = 100
"""So many cases of a large scope are asked, evenly picked: where everything is new, each costs a CI job time."""
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")


class Guess(NamedTuple):
    """Seconds and the scope that they come from."""

    seconds: float
    scope: str


class Neighbours:
    """Answers for unknown cases from known ones (id → seconds); tables are built when the first one asks.

    Parameters
    ----------
    adds_up : give the mean, for sums of many cases, in place of the median, which is nearest to most of them
    """

    def __init__(self, known: Mapping[str, float], *, adds_up: bool = False) -> None:
        self._known = known
        self._middle_of = weighted_mean if adds_up else weighted_median
        self._beyond: dict[str, tuple[_Group, str] | None] = {}

    def guess(self, case_id: str) -> Guess | None:
        """Give the weighted middle of the nearest scope; None where nothing is known."""
        file, _, name = case_id.partition("::")
        found = self._within(case_id) if file in self._tables["file"] else self._around(file)
        return Guess(found[0].middle(words_of(name or case_id)), found[1]) if found else None

    def _within(self, case_id: str) -> tuple[_Group, str] | None:
        return self._nearest(case_id, SCOPES)

    def _around(self, file: str) -> tuple[_Group, str] | None:
        """Give the group for a file that nobody knows, the same for all of its cases."""
        if file not in self._beyond:
            self._beyond[file] = self._nearest(file, _OUTER)
        return self._beyond[file]

    def _nearest(self, case_id: str, scopes: Iterable[str]) -> tuple[_Group, str] | None:
        for scope in scopes:
            group = self._tables[scope].get(SCOPES[scope](case_id))
            if group:
                return group, scope
        return None

    @cached_property
    def _tables(self) -> dict[str, dict[str, _Group]]:
        tables: dict[str, defaultdict[str, list[str]]] = {scope: defaultdict(list) for scope in SCOPES}
        for case_id in self._known:
            for scope, key_of in SCOPES.items():
                tables[scope][key_of(case_id)].append(case_id)
        return {scope: {key: self._group(ids) for key, ids in table.items()} for scope, table in tables.items()}

    def _group(self, ids: Sequence[str]) -> _Group:
        asked = ids[:: -(-len(ids) // _MOST)]
        return _Group(asked, self._known, self._middle_of)


class _Group:
    """The cases of one scope that are asked.

    What they answer depends on the words that a newcomer shares with any of them and on how many it has in all, and is
    remembered by that: twenty thousand newcomers differ mostly in numbers that nobody else has.
    """

    def __init__(self, ids: Sequence[str], known: Mapping[str, float], middle_of: _Middle) -> None:
        self._ids = ids
        self._known = known
        self._middle_of = middle_of
        self._answers: dict[tuple[frozenset[str], int], float] = {}

    def middle(self, own: frozenset[str]) -> float:
        """Give the weighted middle for a newcomer with these words."""
        shared = own & self._vocabulary
        key = shared, len(own)
        if key not in self._answers:
            pairs = [(seconds, _weight(shared, words, size=len(own))) for seconds, words in self._members]
            self._answers[key] = self._middle_of(pairs)
        return self._answers[key]

    @cached_property
    def _members(self) -> list[tuple[float, frozenset[str]]]:
        return [(self._known[case_id], words_of(case_id.partition("::")[2] or case_id)) for case_id in self._ids]

    @cached_property
    def _vocabulary(self) -> frozenset[str]:
        return frozenset().union(*(words for _, words in self._members))


def weighted_median(pairs: Iterable[tuple[float, float]]) -> float:
    """Give the value at which half of the weight lies below, of (value, weight); between two where it is exactly half.

    >>> weighted_median([(1.0, 1.0), (3.0, 1.0), (8.0, 1.0), (20.0, 1.0)])
    5.5
    """
    ordered = sorted(pairs)
    half = sum(weight for _, weight in ordered) / 2
    below = 0.0
    for place, (value, weight) in enumerate(ordered):
        below += weight
        if below > half * (1 + 1e-12):
            return value
        if below >= half * (1 - 1e-12) and place + 1 < len(ordered):
            return (value + ordered[place + 1][0]) / 2
    return ordered[-1][0]


def weighted_mean(pairs: Iterable[tuple[float, float]]) -> float:
    """Give the mean of (value, weight), each value counted by its weight."""
    values, weights = zip(*pairs, strict=True)
    return float(sum(map(mul, values, weights)) / sum(weights))


def _weight(shared: frozenset[str], theirs: frozenset[str], *, size: int) -> float:
    """Weigh a member with these words for a newcomer with `size` words, of which these are `shared` with anybody."""
    common = len(shared & theirs)
    return _WEIGHTS[common, size + len(theirs) - common] if common else 1.0


class _Weights(dict[tuple[int, int], float]):
    """exp(sharpness · common / all), computed once per pair of counts."""

    def __missing__(self, counts: tuple[int, int]) -> float:
        common, together = counts
        weight = self[counts] = exp(_SHARPNESS * common / together)
        return weight


_WEIGHTS = _Weights()


def words_of(name: str) -> frozenset[str]:
    """Give the lower-case words and numbers in the part of a case id behind its file.

    >>> sorted(words_of("TestUpload::test_slow[3]"))
    ['3', 'slow', 'test', 'upload']
    """
    return frozenset(" ".join(_WORD.findall(name)).lower().split())
