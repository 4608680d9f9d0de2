"""Policies that weigh cost against bytes: GDSF, Landlord, and hit density by class."""

from __future__ import annotations

from abc import abstractmethod
from heapq import heappop, heappush, heapreplace

from cipredict.cache_records import CacheKey, CacheRequest
from cipredict.decide.caching.eviction.interface import Cache


class _GreedyDual(Cache):
    """The entry worth least leaves, and what it was worth is taken from everybody else.

    The heap holds each resident once, at a worth that may since have risen: who comes up is put back where he belongs.
    """

    def __init__(self, capacity_bytes: int) -> None:
        super().__init__(capacity_bytes)
        self._level = 0.0
        self._worth: dict[CacheKey, float] = {}
        self._heap: list[tuple[float, int, CacheKey]] = []
        self._count = 0

    @abstractmethod
    def _value(self, entry: CacheRequest) -> float:
        """Give what an entry is worth above the level, at the moment of its use."""

    def _found(self, request: CacheRequest) -> None:
        self._worth[request.key] = self._level + self._value(self.entries[request.key])

    def _added(self, request: CacheRequest) -> None:
        worth = self._worth[request.key] = self._level + self._value(request)
        self._count += 1
        heappush(self._heap, (worth, self._count, request.key))

    def _victim(self) -> CacheKey:
        while True:
            worth, number, key = self._heap[0]
            now = self._worth[key]
            if now <= worth:
                self._level = worth
                return key
            heapreplace(self._heap, (now, number, key))

    def _removed(self, entry: CacheRequest) -> None:
        heappop(self._heap)  # the victim, which `_victim` left on top
        del self._worth[entry.key]


class Landlord(_GreedyDual):
    """Each entry has a credit of its cost, renewed when it is used; all pay rent by the byte, and who has none leaves.

    Young, "On-Line File Caching", SODA 1998.
    """

    name = "landlord"

    def _value(self, entry: CacheRequest) -> float:
        return entry.cost / max(1, entry.size_bytes)


class Gdsf(_GreedyDual):
    """As Landlord, times the uses since the entry came.

    Cherkasova, "Improving WWW Proxies Performance with Greedy-Dual-Size-Frequency Caching Policy", HP 1998.
    """

    name = "gdsf"

    def __init__(self, capacity_bytes: int) -> None:
        super().__init__(capacity_bytes)
        self._uses: dict[CacheKey, int] = {}

    def _value(self, entry: CacheRequest) -> float:
        uses = self._uses[entry.key] = self._uses.get(entry.key, 0) + 1
        return uses * entry.cost / max(1, entry.size_bytes)

    def _removed(self, entry: CacheRequest) -> None:
        super()._removed(entry)
        del self._uses[entry.key]
