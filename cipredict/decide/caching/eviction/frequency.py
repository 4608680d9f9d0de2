"""Policies that count uses: LFU, and S3-FIFO and ARC, which give an entry a first chance beside those used again."""

from __future__ import annotations

from collections import OrderedDict, defaultdict

from cipredict.cache_records import CacheKey, CacheRequest
from cipredict.decide.caching.eviction.interface import Cache


class Lfu(Cache):
    """The entry with the fewest uses since it came leaves, of several the one used longest ago."""

    name = "lfu"

    def __init__(self, capacity_bytes: int) -> None:
        super().__init__(capacity_bytes)
        self._uses: dict[CacheKey, int] = {}
        self._by_uses: defaultdict[int, OrderedDict[CacheKey, None]] = defaultdict(OrderedDict)
        self._fewest = 1

    def _found(self, request: CacheRequest) -> None:
        uses = self._uses[request.key]
        self._forget(request.key, uses)
        self._place(request.key, uses + 1)

    def _added(self, request: CacheRequest) -> None:
        self._place(request.key, 1)
        self._fewest = 1

    def _victim(self) -> CacheKey:
        while self._fewest not in self._by_uses:
            self._fewest += 1
        return next(iter(self._by_uses[self._fewest]))

    def _removed(self, entry: CacheRequest) -> None:
        self._forget(entry.key, self._uses.pop(entry.key))

    def _place(self, key: CacheKey, uses: int) -> None:
        self._uses[key] = uses
        self._by_uses[uses][key] = None

    def _forget(self, key: CacheKey, uses: int) -> None:
        alike = self._by_uses[uses]
        del alike[key]
        if not alike:
            del self._by_uses[uses]


class _Queue:
    """Keys in order, with their bytes."""

    def __init__(self) -> None:
        self.sizes: OrderedDict[CacheKey, int] = OrderedDict()
        self.used_bytes = 0

    def push(self, key: CacheKey, size_bytes: int) -> None:
        self.sizes[key] = size_bytes
        self.used_bytes += size_bytes

    def drop(self, key: CacheKey) -> int:
        size_bytes = self.sizes.pop(key)
        self.used_bytes -= size_bytes
        return size_bytes

    def pop_oldest(self) -> tuple[CacheKey, int]:
        key, size_bytes = self.sizes.popitem(last=False)
        self.used_bytes -= size_bytes
        return key, size_bytes

    def cut(self, most_bytes: int) -> None:
        while self.used_bytes > max(0, most_bytes):
            self.pop_oldest()


class S3Fifo(Cache):
    """New entries pass through a small queue and stay only if they are used again, or come back soon after.

    Yang et al., "FIFO Queues are All You Need for Cache Eviction", SOSP 2023. Bytes take the place of objects: an
    entry larger than the small queue is admitted all the same, unlike in libCacheSim, where it never is.
    """

    name = "s3-fifo"
    _SMALL_SHARE = 0.1
    _MOST_USES = 3

    def __init__(self, capacity_bytes: int) -> None:
        super().__init__(capacity_bytes)
        self._small, self._main, self._ghosts = _Queue(), _Queue(), _Queue()
        self._uses: dict[CacheKey, int] = {}

    def _found(self, request: CacheRequest) -> None:
        self._uses[request.key] = min(self._MOST_USES, self._uses[request.key] + 1)

    def _added(self, request: CacheRequest) -> None:
        self._uses[request.key] = 0
        if request.key in self._ghosts.sizes:
            self._ghosts.drop(request.key)
            self._main.push(request.key, request.size_bytes)
        else:
            self._small.push(request.key, request.size_bytes)

    def _victim(self) -> CacheKey:
        while True:
            small_is_full = self._small.used_bytes >= self.capacity_bytes * self._SMALL_SHARE
            key = self._from_small() if small_is_full or not self._main.sizes else self._from_main()
            if key is not None:
                return key

    def _from_small(self) -> CacheKey:
        """Give the oldest newcomer if nobody used it twice; else it moves on, and None."""
        key = next(iter(self._small.sizes))
        if self._uses[key] <= 1:
            return key
        self._main.push(key, self._small.drop(key))
        self._uses[key] = 0
        return None

    def _from_main(self) -> CacheKey:
        key, uses = next(iter(self._main.sizes)), 0
        uses = self._uses[key]
        if not uses:
            return key
        self._uses[key] = uses - 1
        self._main.sizes.move_to_end(key)
        return None

    def _removed(self, entry: CacheRequest) -> None:
        del self._uses[entry.key]
        if entry.key in self._main.sizes:
            self._main.drop(entry.key)
            return
        self._ghosts.push(entry.key, self._small.drop(entry.key))
        self._ghosts.cut(round(self.capacity_bytes * (1 - self._SMALL_SHARE)))


class Arc(Cache):
    """Entries used once and entries used again share the cache; what was evicted too early moves the border.

    Megiddo and Modha, "ARC: A Self-Tuning, Low Overhead Replacement Cache", FAST 2003, with bytes for pages.
    """

    name = "arc"

    def __init__(self, capacity_bytes: int) -> None:
        super().__init__(capacity_bytes)
        self._once, self._again = _Queue(), _Queue()
        self._once_ghosts, self._again_ghosts = _Queue(), _Queue()
        self._once_goal = 0.0
        self._comes_back = False

    def _found(self, request: CacheRequest) -> None:
        if request.key in self._again.sizes:
            self._again.sizes.move_to_end(request.key)
        else:
            self._again.push(request.key, self._once.drop(request.key))

    def _make_room(self, request: CacheRequest) -> bool:
        """Move the border before anybody leaves."""
        once, again = self._once_ghosts, self._again_ghosts
        self._comes_back = request.key in once.sizes or request.key in again.sizes
        if request.key in once.sizes:
            step = request.size_bytes * max(1.0, again.used_bytes / once.used_bytes)
            self._once_goal = min(self.capacity_bytes, self._once_goal + step)
            once.drop(request.key)
        elif request.key in again.sizes:
            step = request.size_bytes * max(1.0, once.used_bytes / again.used_bytes)
            self._once_goal = max(0.0, self._once_goal - step)
            again.drop(request.key)
        return super()._make_room(request)

    def _added(self, request: CacheRequest) -> None:
        (self._again if self._comes_back else self._once).push(request.key, request.size_bytes)
        self._once_ghosts.cut(self.capacity_bytes - self._once.used_bytes)
        in_cache = self._once.used_bytes + self._again.used_bytes
        self._again_ghosts.cut(2 * self.capacity_bytes - in_cache - self._once_ghosts.used_bytes)

    def _victim(self) -> CacheKey:
        takes_once = self._once.used_bytes > self._once_goal or not self._again.sizes
        return next(iter((self._once if takes_once and self._once.sizes else self._again).sizes))

    def _removed(self, entry: CacheRequest) -> None:
        queue, ghosts = (
            (self._once, self._once_ghosts) if entry.key in self._once.sizes else (self._again, self._again_ghosts)
        )
        ghosts.push(entry.key, queue.drop(entry.key))
