"""Policies that look at order alone: FIFO, LRU and SIEVE."""

from __future__ import annotations

from cipredict.cache_records import CacheKey, CacheRequest
from cipredict.decide.caching.eviction.interface import Cache


class Fifo(Cache):
    """The oldest entry leaves."""

    name = "fifo"

    def _victim(self) -> CacheKey:
        return next(iter(self.entries))


class Lru(Cache):
    """The entry that was used longest ago leaves: what GitHub does."""

    name = "lru"

    def _found(self, request: CacheRequest) -> None:
        self.entries.move_to_end(request.key)

    def _victim(self) -> CacheKey:
        return next(iter(self.entries))


class Sieve(Cache):
    """A hand moves from old to new and takes the first entry that was not used since it passed.

    Zhang et al., "SIEVE is Simpler than LRU", NSDI 2024. The residents are linked from old to new, because the hand
    stays in the middle, where no dict can hold a place; None is before the oldest and behind the newest.
    """

    name = "sieve"

    def __init__(self, capacity_bytes: int) -> None:
        super().__init__(capacity_bytes)
        self._newer: dict[CacheKey, CacheKey] = {None: None}
        self._older: dict[CacheKey, CacheKey] = {None: None}
        self._hand: CacheKey = None
        self._used_again: set[CacheKey] = set()

    def _found(self, request: CacheRequest) -> None:
        self._used_again.add(request.key)

    def _added(self, request: CacheRequest) -> None:
        newest = self._older[None]
        self._newer[newest] = self._older[None] = request.key
        self._older[request.key], self._newer[request.key] = newest, None

    def _victim(self) -> CacheKey:
        key = self._hand or self._newer[None]
        while key in self._used_again:
            self._used_again.discard(key)
            key = self._newer[key] or self._newer[None]
        self._hand = key
        return key

    def _removed(self, entry: CacheRequest) -> None:
        newer, older = self._newer.pop(entry.key), self._older.pop(entry.key)
        self._newer[older], self._older[newer] = newer, older
        if self._hand == entry.key:
            self._hand = newer
