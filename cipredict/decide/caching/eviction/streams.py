"""Policies that know streams: once another version of a cache is in use, the earlier ones are all but worthless."""

from __future__ import annotations

from collections import OrderedDict

from cipredict.cache_records import CacheKey, CacheOutcome, CacheRequest
from cipredict.decide.caching.eviction.recency import Lru


class SupersededFirst(Lru):
    """Versions other than the one last asked for leave first, the longest superseded of them; then LRU.

    The version last *asked for*, not the last created: a branch that goes back to an old lock file revives its cache.
    Without streams it is LRU, and keeps nothing more.
    """

    name = "superseded-first"

    def __init__(self, capacity_bytes: int) -> None:
        super().__init__(capacity_bytes)
        self._current: dict[CacheKey, CacheKey] = {}
        self._superseded: OrderedDict[CacheKey, None] = OrderedDict()

    def access(self, request: CacheRequest) -> CacheOutcome:
        """Serve a request; its version is the current one of its stream from now on."""
        if request.stream != request.key:
            before = self._current.get(request.stream)
            if before != request.key:
                self._supersede(before, request)
        return super().access(request)

    def _supersede(self, before: CacheKey, request: CacheRequest) -> None:
        self._current[request.stream] = request.key
        self._superseded.pop(request.key, None)
        if before in self.entries:
            self._superseded[before] = None

    def _victim(self) -> CacheKey:
        return next(iter(self._superseded)) if self._superseded else super()._victim()

    def _removed(self, entry: CacheRequest) -> None:
        self._superseded.pop(entry.key, None)


class KeepOnePerStream(SupersededFirst):
    """Versions other than the one last asked for leave at once, whether there is room or not; then LRU."""

    name = "keep-one-per-stream"

    def access(self, request: CacheRequest) -> CacheOutcome:
        """Serve a request, which may still find an earlier version by its prefix; then only this one stays."""
        outcome = super().access(request)
        while self._superseded and request.key in self.entries:
            self._remove(next(iter(self._superseded)))
        return outcome
