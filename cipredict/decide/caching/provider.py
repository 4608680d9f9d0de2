"""An exact model of what a CI provider's cache does with keys: which entry a run gets, what is kept and for how long.

GitHub's order, per scope (a run's own branch or pull request first, then its base, then the default branch):

1. the entry whose key is the key
2. the newest entry whose key begins with the key
3. for each restore key in order, the newest entry whose key begins with it

so a prefix match in the own scope wins over an exact one on the default branch. "Newest" is by creation. Entries never
change: saving an existing key does nothing. An entry's version (paths, compressor) must be equal.
Sources: actions/cache README, actions/toolkit packages/cache, GitHub's "Dependency caching reference".
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Generic, TypeVar

Content = TypeVar("Content", bound=Hashable)
_DAY_S = 86_400.0


class Outcome(StrEnum):
    """What a run found: its own key, another one that will do, or nothing."""

    EXACT = "exact"
    PREFIX = "prefix"
    MISS = "miss"


@dataclass(frozen=True, slots=True)
class Rules:
    """How a provider treats keys and entries.

    Attributes
    ----------
    idle_s : an entry that was not restored for longer is gone; None keeps it
    quota_bytes : of all entries together; the least recently used go first
    restores_prefixes : False where fallback keys must be equal, as GitLab's
    is_immutable : False where saving replaces, as on GitLab
    """

    idle_s: float | None = 7 * _DAY_S
    quota_bytes: int | None = None
    restores_prefixes: bool = True
    is_immutable: bool = True


GITHUB = Rules()
GITLAB = Rules(idle_s=None, restores_prefixes=False, is_immutable=False)


@dataclass(frozen=True, slots=True)
class Keys:
    """A primary key and what may be restored instead, best first."""

    primary: str
    restore: tuple[str, ...] = ()


@dataclass(slots=True, eq=False)
class Entry(Generic[Content]):
    """A saved cache; times in seconds of any one clock."""

    key: str
    version: str
    scope: str
    content: Content
    size_bytes: int
    created_s: float
    used_s: float


@dataclass(frozen=True, slots=True)
class Restored(Generic[Content]):
    """What a run got; `entry` is None on a miss."""

    outcome: Outcome
    entry: Entry[Content] | None


_Place = tuple[str, str]
"""Scope and version: only entries of the same place are ever compared."""


@dataclass(slots=True)
class CacheModel(Generic[Content]):
    """The caches of one repository, moving forward in time.

    `evicted_bytes` counts what the quota pushed out; expiry is not eviction.
    """

    rules: Rules = GITHUB
    evicted_bytes: int = 0
    _places: dict[_Place, dict[str, Entry[Content]]] = field(default_factory=dict)  # keys by creation, oldest first

    def restore(
        self, keys: Keys, *, scopes: Sequence[str] = ("main",), version: str = "", now_s: float
    ) -> Restored[Content]:
        """Give what a run in `scopes` (own first, default branch last) restores; using an entry keeps it alive."""
        self._expire(now_s)
        for scope in scopes:
            entry = self._find(keys, self._places.get((scope, version), {}))
            if entry is not None:
                entry.used_s = now_s
                return Restored(Outcome.EXACT if entry.key == keys.primary else Outcome.PREFIX, entry)
        return Restored(Outcome.MISS, None)

    def _find(self, keys: Keys, entries: dict[str, Entry[Content]]) -> Entry[Content] | None:
        if found := entries.get(keys.primary):
            return found
        if not self.rules.restores_prefixes:
            return next((entries[key] for key in keys.restore if key in entries), None)
        for prefix in (keys.primary, *keys.restore):
            for key in reversed(entries):
                if key.startswith(prefix):
                    return entries[key]
        return None

    def save(
        self, key: str, content: Content, *, scope: str = "main", version: str = "", size_bytes: int = 0, now_s: float
    ) -> bool:
        """Save what a run holds; False where the provider keeps the older entry of that key."""
        self._expire(now_s)
        entries = self._places.setdefault((scope, version), {})
        if self.rules.is_immutable and key in entries:
            return False
        entries.pop(key, None)  # a replaced entry is the newest
        entries[key] = Entry(key, version, scope, content, size_bytes, now_s, now_s)
        self._evict()
        return True

    @property
    def entries(self) -> list[Entry[Content]]:
        """Every entry that is kept."""
        return [entry for place in self._places.values() for entry in place.values()]

    def _expire(self, now_s: float) -> None:
        if self.rules.idle_s is None:
            return
        oldest = now_s - self.rules.idle_s
        for place in self._places.values():
            for key in [key for key, entry in place.items() if entry.used_s < oldest]:
                del place[key]

    def _evict(self) -> None:
        if self.rules.quota_bytes is None:
            return
        entries = sorted(self.entries, key=lambda entry: entry.used_s)
        excess = sum(entry.size_bytes for entry in entries) - self.rules.quota_bytes
        for entry in entries:
            if excess <= 0:
                return
            del self._places[entry.scope, entry.version][entry.key]
            excess -= entry.size_bytes
            self.evicted_bytes += entry.size_bytes
