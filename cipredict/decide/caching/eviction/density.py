"""Hit density by class: what entries of the same kind and age went on to bring, learned while the trace goes by."""

from __future__ import annotations

from collections import defaultdict
from random import Random
from typing import TypeAlias

from cipredict.cache_records import CacheKey, CacheOutcome, CacheRequest
from cipredict.decide.caching.eviction.interface import Cache

_AGES = 64
"""Ages are counted in requests and coarsened to their octave."""

_CENTRES = [0.75 * 2**age for age in range(_AGES)]
_WIDTHS = [0.5 * 2**age for age in range(_AGES)]
_MOST_USES = 3
_RELEARN_EVERY = 4096
_DECAY = 0.9


class _Class:
    """Ages at which entries of a class were hit or left, and the hits per time to be expected from each age on."""

    def __init__(self) -> None:
        self.hits = [0.0] * _AGES
        self.ends = [0.0] * _AGES
        self.density = [1 / centre for centre in _CENTRES]

    def relearn(self) -> None:
        """Divide the hits yet to come by the time they take; then let the past fade."""
        hits = lives = time = 0.0
        for age in range(_AGES - 1, -1, -1):
            hits += self.hits[age]
            time += lives * _WIDTHS[age]
            lives += self.hits[age] + self.ends[age]
            if lives:
                self.density[age] = hits / (time + lives * _WIDTHS[age] / 2)
        self.hits = [number * _DECAY for number in self.hits]
        self.ends = [number * _DECAY for number in self.ends]


_Use: TypeAlias = tuple[int, float, int, _Class]
"""The last use of a resident: when, its cost per byte, the how many-th, and the class that it puts the entry in."""


class LhdClass(Cache):
    """Of a sample of residents those with the fewest expected hits per time and byte leave, weighed by their cost.

    Beckmann, Chen and Cidon, "LHD: Improving Cache Hit Rate by Maximizing Hit Density", NSDI 2018. A class is the kind
    that the trace names with the uses so far. A sample gives several victims; one that is used meanwhile is spared.
    """

    name = "lhd-class"
    _SAMPLE = 24
    _VICTIMS = 4

    def __init__(self, capacity_bytes: int) -> None:
        super().__init__(capacity_bytes)
        self._random = Random(0)  # noqa: S311  # no secret: the same trace shall give the same result
        self._clock = 0
        self._keys: list[CacheKey] = []
        self._places: dict[CacheKey, int] = {}
        self._used: dict[CacheKey, _Use] = {}
        self._doomed: list[tuple[CacheKey, _Use]] = []
        self._classes: defaultdict[tuple[str, int], _Class] = defaultdict(_Class)

    def access(self, request: CacheRequest) -> CacheOutcome:
        """Serve a request; from time to time learn from the last ones."""
        self._clock += 1
        if self._clock % _RELEARN_EVERY == 0:
            for known in self._classes.values():
                known.relearn()
        return super().access(request)

    def _found(self, request: CacheRequest) -> None:
        at, weight, uses, known = self._used[request.key]
        known.hits[(self._clock - at).bit_length()] += 1
        if uses < _MOST_USES:
            uses += 1
            known = self._classes[request.kind, uses]
        self._used[request.key] = self._clock, weight, uses, known

    def _added(self, request: CacheRequest) -> None:
        self._places[request.key] = len(self._keys)
        self._keys.append(request.key)
        weight = request.cost / max(1, request.size_bytes)
        self._used[request.key] = self._clock, weight, 0, self._classes[request.kind, 0]

    def _victim(self) -> CacheKey:
        while self._doomed:
            key, use = self._doomed.pop()
            if self._used.get(key) is use:
                return key
        self._doomed = self._worst()
        return self._doomed.pop()[0]

    def _worst(self) -> list[tuple[CacheKey, _Use]]:
        """Give the residents of a sample that are worth least, the least of all at the end."""
        clock, used, number = self._clock, self._used, len(self._keys)
        sample = set(self._random.choices(self._keys, k=self._SAMPLE)) if number > self._SAMPLE else self._keys
        worths = [
            (known.density[(clock - at).bit_length()] * weight, at, key)
            for key in sample
            for at, weight, _, known in (used[key],)
        ]
        worths.sort(reverse=True)
        victims = self._VICTIMS if number > self._SAMPLE else 1
        return [(key, used[key]) for _, _, key in worths[-victims:]]

    def _removed(self, entry: CacheRequest) -> None:
        at, _, _, known = self._used.pop(entry.key)
        known.ends[(self._clock - at).bit_length()] += 1
        place, last = self._places.pop(entry.key), self._keys.pop()
        if last != entry.key:
            self._keys[place], self._places[last] = last, place
