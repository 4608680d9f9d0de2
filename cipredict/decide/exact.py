"""The best packing of few items on equal workers, by branch and bound (depth first, the emptiest worker first).

Longest first is furthest from the best where every shard holds two or three items: a dozen files on five machines.
There the search ends in milliseconds; where it does not, it stops after a fixed number of steps with the best seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

from cipredict.decide.packing import TOLERANCE_SHARE

MAX_ITEMS = 32
MAX_STEPS = 6_000
"""About 20 ms. Eight items never need more: they can be divided in 4 140 ways, reached through 1 155 beginnings."""


def pack_exactly(homes: list[int], seconds: Sequence[float], *, workers: int) -> list[int]:
    """Give the packing that ends earliest, at most MAX_ITEMS items long; `homes` where nothing better was found."""
    if len(seconds) > MAX_ITEMS:
        return homes
    search = _Search(seconds, homes, workers)
    search.place(0)
    return search.best


def crowded_bound_s(seconds: Sequence[float], workers: int) -> float:
    """Give a lower bound: perfect balance, or of the k·workers + 1 longest items the k + 1 shortest on one worker."""
    longest_first = sorted(seconds, reverse=True)
    bound_s = sum(longest_first) / workers
    for together in range(len(longest_first) // workers + 1):
        last = together * workers
        if last < len(longest_first):
            bound_s = max(bound_s, sum(longest_first[last - together : last + 1]))
    return bound_s


class _Search:
    """Places items longest first; workers of equal load are the same choice, so only one of them is tried."""

    def __init__(self, seconds: Sequence[float], homes: list[int], workers: int) -> None:
        self._seconds = seconds
        self._order = sorted(range(len(seconds)), key=seconds.__getitem__, reverse=True)
        self._loads = [0.0] * workers
        self._homes = list(homes)
        self._steps_left = MAX_STEPS
        self._enough_s = crowded_bound_s(seconds, workers) * (1 + TOLERANCE_SHARE)
        self.best = homes
        self._best_s = self._end_s(homes)

    def _end_s(self, homes: Sequence[int]) -> float:
        loads = [0.0] * len(self._loads)
        for home, seconds in zip(homes, self._seconds, strict=True):
            loads[home] += seconds
        return max(loads)

    def place(self, depth: int) -> None:
        """Try every worker for the item at `depth` and all below it."""
        if depth == len(self._order):
            self._best_s, self.best = max(self._loads), list(self._homes)
            return
        item = self._order[depth]
        tried_s = -inf
        for home in sorted(range(len(self._loads)), key=self._loads.__getitem__):
            load_s = self._loads[home]
            if self._is_over(load_s + self._seconds[item]):
                return
            if load_s == tried_s:
                continue
            tried_s = load_s
            self._steps_left -= 1
            self._loads[home] = load_s + self._seconds[item]
            self._homes[item] = home
            self.place(depth + 1)
            self._loads[home] = load_s

    def _is_over(self, end_s: float) -> bool:
        """Tell whether a branch is hopeless, the steps are used up, or the best is good enough."""
        return end_s >= self._best_s * (1 - 1e-12) or self._steps_left <= 0 or self._best_s <= self._enough_s
