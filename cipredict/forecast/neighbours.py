"""Seconds of a case that nobody has measured, from those that were: siblings, class, file, folder, suite. Stdlib only.

Within the nearest scope that knows anything, cases whose names are alike count more: the median is weighted by
exp(6 · share of words in common). On six public suites it is below the plain median of the same scopes on each of
them, and every mean is worse (benchmarks/prediction/durations.py).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property, lru_cache
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

    def guess(self, case_id: str) -> Guess | None:
        """Give the weighted middle of the nearest scope; None where nothing is known."""
        for (scope, key_of), members in zip(SCOPES.items(), self._members, strict=True):
            found = members.get(key_of(case_id))
            if found:
                return Guess(self._middle(case_id, found), scope)
        return None

    @cached_property
    def _members(self) -> list[dict[str, list[str]]]:
        tables: list[defaultdict[str, list[str]]] = [defaultdict(list) for _ in SCOPES]
        for case_id in self._known:
            for table, key_of in zip(tables, SCOPES.values(), strict=True):
                table[key_of(case_id)].append(case_id)
        return [{key: ids[:: -(-len(ids) // _MOST)] for key, ids in table.items()} for table in tables]

    def _middle(self, case_id: str, members: Sequence[str]) -> float:
        own = _words(case_id)
        return self._middle_of((self._known[member], _weight(own, member)) for member in members)


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


def _weight(own: frozenset[str], other: str) -> float:
    theirs = _words(other)
    common = len(own & theirs)
    return _WEIGHTS[common, len(own) + len(theirs) - common] if common else 1.0


class _Weights(dict[tuple[int, int], float]):
    """exp(sharpness · common / all), computed once per pair of counts."""

    def __missing__(self, counts: tuple[int, int]) -> float:
        common, together = counts
        weight = self[counts] = exp(_SHARPNESS * common / together)
        return weight


_WEIGHTS = _Weights()


@lru_cache(maxsize=65536)
def _words(case_id: str) -> frozenset[str]:
    name = case_id.partition("::")[2] or case_id
    return frozenset(word.lower() for word in _WORD.findall(name))
