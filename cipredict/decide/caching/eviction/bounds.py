"""What knowledge of the future would give: Belady's rule, and the same by bytes. Bounds, not policies to use."""

from __future__ import annotations

from abc import abstractmethod
from collections import defaultdict
from collections.abc import Callable
from heapq import heapify, heappop, heappush
from operator import itemgetter
from typing import TypeAlias

from cipredict.cache_records import CacheKey, CacheOutcome, CacheRequest
from cipredict.decide.caching.eviction.interface import Cache

NextUse: TypeAlias = Callable[[int], int]
"""Position of a request → position of the next one of its key, `NEVER` for none."""

_SLACK = 1024


class _Furthest:
    """Keys by their next use, the furthest on top. Outdated pairs stay until they come up, or outnumber the others."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, CacheKey]] = []
        self._places: dict[CacheKey, tuple[int, int]] = {}
        self._count = 0

    def __len__(self) -> int:
        return len(self._places)

    def put(self, key: CacheKey, next_use: int) -> None:
        self._count += 1
        place = self._places[key] = -next_use, self._count
        heappush(self._heap, (*place, key))
        if len(self._heap) > 2 * len(self._places) + _SLACK:
            self._heap = [(*place, key) for key, place in self._places.items()]
            heapify(self._heap)

    def drop(self, key: CacheKey) -> None:
        del self._places[key]

    def top(self) -> tuple[int, CacheKey]:
        while True:
            negative, number, key = self._heap[0]
            if self._places.get(key) == (negative, number):
                return -negative, key
            heappop(self._heap)


class _Clairvoyant(Cache):
    """Knows when each key comes again, and does not store what is worth less than what it would replace."""

    def __init__(self, capacity_bytes: int, next_use: NextUse) -> None:
        super().__init__(capacity_bytes)
        self._next_use = next_use
        self._position = -1

    def access(self, request: CacheRequest) -> CacheOutcome:
        """Serve the next request of the trace that `next_use` belongs to."""
        self._position += 1
        return super().access(request)

    def _make_room(self, request: CacheRequest) -> bool:
        """Make room among what is worth less than the newcomer; of equals the older goes."""
        worth = self._regret(self._next_use(self._position), request.size_bytes)
        while self.used_bytes + request.size_bytes > self.capacity_bytes:
            regret, key = self._worst()
            if regret < worth:
                return False
            self._remove(key)
        return True

    def _victim(self) -> CacheKey:
        return self._worst()[1]

    @abstractmethod
    def _regret(self, next_use: int, size_bytes: int) -> int:
        """Give how little an entry is worth its room."""

    @abstractmethod
    def _worst(self) -> tuple[int, CacheKey]:
        """Give the resident with the highest regret."""


class Belady(_Clairvoyant):
    """The entry whose next use is furthest away leaves: of all policies the fewest misses, where sizes are equal.

    Belady, "A study of replacement algorithms for a virtual-storage computer", IBM Systems Journal 5, 1966; with the
    newcomer among those that may go, since a job need not save.
    """

    name = "belady"

    def __init__(self, capacity_bytes: int, next_use: NextUse) -> None:
        super().__init__(capacity_bytes, next_use)
        self._furthest = _Furthest()

    def _found(self, request: CacheRequest) -> None:
        self._furthest.put(request.key, self._next_use(self._position))

    _added = _found

    def _removed(self, entry: CacheRequest) -> None:
        self._furthest.drop(entry.key)

    def _regret(self, next_use: int, size_bytes: int) -> int:  # noqa: ARG002  # sizes do not matter here
        return next_use

    def _worst(self) -> tuple[int, CacheKey]:
        return self._furthest.top()


class BeladySize(_Clairvoyant):
    """The entry with the most bytes times requests until its next use leaves; a strong heuristic where sizes differ.

    Within a class of sizes (a power of two) the furthest one stands for all, so that an eviction looks at tens of
    entries instead of all of them.
    """

    name = "belady-size"

    def __init__(self, capacity_bytes: int, next_use: NextUse) -> None:
        super().__init__(capacity_bytes, next_use)
        self._classes: defaultdict[int, _Furthest] = defaultdict(_Furthest)

    def _found(self, request: CacheRequest) -> None:
        size_class = self.entries[request.key].size_bytes.bit_length()
        self._classes[size_class].put(request.key, self._next_use(self._position))

    _added = _found

    def _removed(self, entry: CacheRequest) -> None:
        size_class = entry.size_bytes.bit_length()
        self._classes[size_class].drop(entry.key)
        if not self._classes[size_class]:
            del self._classes[size_class]

    def _regret(self, next_use: int, size_bytes: int) -> int:
        return (next_use - self._position) * size_bytes

    def _worst(self) -> tuple[int, CacheKey]:
        tops = (alike.top() for alike in self._classes.values())
        return max(
            ((self._regret(next_use, self.entries[key].size_bytes), key) for next_use, key in tops), key=itemgetter(0)
        )
