"""The adaptive policy: several policies serve the recorded requests in the shadow, and the cheapest serves for real.

A policy that takes over finds the entries that are there; nothing is thrown away for a change of mind. LRU is what it
falls back to.
"""

from __future__ import annotations

from collections.abc import Iterable
from zlib import crc32

from cipredict.cache_records import CacheKey, CacheOutcome, CacheRequest
from cipredict.decide.caching.eviction.density import LhdClass
from cipredict.decide.caching.eviction.interface import EXACT, Cache, effective_cost
from cipredict.decide.caching.eviction.recency import Lru
from cipredict.decide.caching.eviction.streams import SupersededFirst
from cipredict.decide.caching.eviction.worth import Gdsf

CANDIDATES: tuple[type[Cache], ...] = (SupersededFirst, Gdsf, LhdClass)
"""Beside LRU. The first one serves from the first request on that names a stream; without streams it is LRU."""

_WINDOW = 512
_MEMORY = 0.95
"""Of what a shadow cost in earlier windows, per window."""

_MARGIN = 0.03
_STAKE = 0.5
_ALLOWANCE = 0.002
_OBSERVED = 64
_REST = 448
_MOST_SHADOWED = 512


class _Shadow:
    """A policy's cache, with what it would have cost: in all, lately, and in the present window."""

    def __init__(self, cache: Cache) -> None:
        self.cache = cache
        self.total = self.recent = self.window = 0.0

    def serve(self, request: CacheRequest) -> None:
        outcome = self.cache.access(request)
        if outcome is not EXACT:
            self.window += effective_cost(request, outcome)

    def close_window(self) -> None:
        self.total += self.window
        self.recent = _MEMORY * self.recent + self.window
        self.window = 0.0


class Adaptive:
    """Lets the policy serve that was cheapest lately, and LRU as soon as another has cost more than LRU would have.

    Costs are effective ones: seconds of rebuilding, those that a restored prefix leaves included. What keeps it from
    wavering: a lead must exceed `_MARGIN` of what the present policy costs, and `_STAKE` of what all entries cost to
    build, for that is what may be lost. After a fall-back nobody else serves for `_REST` windows, then twice as long.
    A window is as long as the cache has entries, and 512 requests at least.

    What keeps it fast: shadows are observed for `_OBSERVED` windows, then rest; and those of a cache with many entries
    serve a sample of the streams, in a cache as much smaller (Waldspurger et al., "Efficient MRC Construction with
    SHARDS", FAST 2015). The LRU that guards neither rests nor samples.
    """

    name = "adaptive"

    def __init__(self, capacity_bytes: int, candidates: tuple[type[Cache], ...] = CANDIDATES) -> None:
        self.capacity_bytes = capacity_bytes
        self.switches: list[tuple[int, str]] = []
        self._candidates = candidates
        self._serving: Cache = Lru(capacity_bytes)
        self._total = 0.0
        self._guard = _Shadow(Lru(capacity_bytes))
        self._shadows: dict[str, _Shadow] = {}
        self._knows_streams = False
        self._sampled_of = 1
        self._requests = self._windows = 0
        self._window_ends = _WINDOW
        self._turn, self._patience = _OBSERVED, _REST
        self._cast_shadows()

    @property
    def used_bytes(self) -> int:
        """What the serving cache holds."""
        return self._serving.used_bytes

    @property
    def serving(self) -> str:
        """Name the policy that serves now."""
        return self._serving.name

    def access(self, request: CacheRequest) -> CacheOutcome:
        """Serve a request, and let the guard and the shadows serve it."""
        if not self._knows_streams and request.stream != request.key:
            self._meet_streams()
        self._guard.serve(request)
        if self._shadows and (self._sampled_of == 1 or self._is_sampled(request.stream)):
            for shadow in self._shadows.values():
                shadow.serve(request)
        outcome = self._serving.access(request)
        if outcome is not EXACT:
            self._total += effective_cost(request, outcome)
        self._requests += 1
        if self._requests >= self._window_ends:
            self._close_window()
        return outcome

    def _meet_streams(self) -> None:
        self._knows_streams = True
        self._switch(self._candidates[0])
        self._cast_shadows()

    def _cast_shadows(self) -> None:
        """Begin to observe with the entries that are there, or with a sample of them."""
        entries = [entry for entry in self._serving.entries.values() if self._is_sampled(entry.stream)]
        share = self.capacity_bytes // self._sampled_of
        policies: tuple[type[Cache], ...] = (Lru, *(self._candidates if self._knows_streams else self._candidates[1:]))
        self._shadows = {policy.name: _Shadow(_adopted(policy, share, entries)) for policy in policies}
        self._guard.recent = 0.0

    def _is_sampled(self, stream: CacheKey) -> bool:
        return crc32(repr(stream).encode()) % self._sampled_of == 0

    def _close_window(self) -> None:
        self._windows += 1
        self._window_ends += max(_WINDOW, len(self._serving.entries))
        for shadow in (self._guard, *self._shadows.values()):
            shadow.close_window()
        if self._serving.name != Lru.name and self._total > self._guard.total * (1 + _ALLOWANCE):
            self._switch(Lru)
            self._rest(self._patience)
            self._patience *= 2
        elif self._windows >= self._turn:
            self._take_turns()
        elif self._shadows:
            self._consider()

    def _take_turns(self) -> None:
        if self._shadows:
            self._rest(_REST)
            return
        self._turn = self._windows + _OBSERVED
        self._cast_shadows()

    def _rest(self, windows: int) -> None:
        self._turn = self._windows + windows
        self._shadows = {}

    def _consider(self) -> None:
        """Change the policy if another one leads by enough; sample more thinly if the cache has grown."""
        entries = self._serving.entries
        best = min(self._shadows.values(), key=lambda shadow: shadow.recent)
        present = self._shadows[self._serving.name].recent
        lead, stake = present - best.recent, _STAKE * sum(entry.cost for entry in entries.values())
        if lead > (_MARGIN + self._sampling_error()) * present and lead * self._sampled_of > stake:
            self._switch(type(best.cache))
        if len(entries) > 2 * _MOST_SHADOWED * self._sampled_of:
            self._sampled_of *= 2
            self._cast_shadows()

    def _sampling_error(self) -> float:
        """Give how far the sampled LRU is from the one that guards, as a share of its cost."""
        sampled, whole = self._shadows[Lru.name].recent * self._sampled_of, self._guard.recent
        return abs(sampled - whole) / whole if whole else 0.0

    def _switch(self, policy: type[Cache]) -> None:
        self._serving = _adopted(policy, self.capacity_bytes, self._serving.entries.values())
        self.switches.append((self._requests, policy.name))


def _adopted(policy: type[Cache], capacity_bytes: int, entries: Iterable[CacheRequest]) -> Cache:
    """Give a cache that holds the entries, as if they had been asked for in this order."""
    cache = policy(capacity_bytes)
    for entry in entries:
        cache.access(entry)
    return cache
