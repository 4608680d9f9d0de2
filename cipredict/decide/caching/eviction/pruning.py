"""Which entries of a provider go, and why: superseded versions first, then those of closed pull requests, then LRU."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from cipredict.cache_records import CacheEntry, stream_of


class Reason(StrEnum):
    """Why an entry goes, in the order in which they go."""

    SUPERSEDED = "a newer version of the same cache is there"
    CLOSED = "its pull request is closed"
    UNUSED = "used longest ago"


@dataclass(frozen=True, slots=True)
class Removal:
    """An entry that goes, and why."""

    entry: CacheEntry
    reason: Reason


@dataclass(frozen=True, slots=True)
class PrunePlan:
    """What goes, in this order, and what stays. `protected` are entries that were needed and must not go."""

    removals: tuple[Removal, ...]
    kept: tuple[CacheEntry, ...]
    protected: int
    quota_bytes: int
    used_bytes: int = field(default=0)

    @property
    def freed_bytes(self) -> int:
        """What the removals hold."""
        return sum(removal.entry.size_bytes for removal in self.removals)

    @property
    def is_within_quota(self) -> bool:
        """Whether what stays fits."""
        return self.used_bytes - self.freed_bytes <= self.quota_bytes


def plan_prune(
    entries: Sequence[CacheEntry],
    quota_bytes: int,
    *,
    default_ref: str = "",
    closed_refs: frozenset[str] = frozenset(),
) -> PrunePlan:
    """Give what to delete until the entries fit into the quota; nothing where they do.

    The newest version of each stream on the default branch never goes: every branch restores it. Where entries have no
    ref, the newest of each stream is that.
    """
    used = excess = sum(entry.size_bytes for entry in entries)
    excess -= quota_bytes
    newest = _newest(entries)
    removals: list[Removal] = []
    protected = 0
    for reason, entry in _in_order(entries, newest, closed_refs):
        if excess <= 0:
            break
        if entry in newest and entry.ref == default_ref:
            protected += 1
            continue
        removals.append(Removal(entry, reason))
        excess -= entry.size_bytes
    gone = {removal.entry for removal in removals}
    kept = tuple(entry for entry in entries if entry not in gone)
    return PrunePlan(tuple(removals), kept, protected, quota_bytes, used)


def _newest(entries: Sequence[CacheEntry]) -> frozenset[CacheEntry]:
    """Give the newest version of every stream that a ref can read; another version of paths is another stream."""
    newest: dict[tuple[str, str, str], CacheEntry] = {}
    for entry in sorted(entries, key=lambda entry: (entry.created_at, entry.entry_id)):
        newest[entry.ref, entry.version, stream_of(entry.key)] = entry
    return frozenset(newest.values())


def _in_order(
    entries: Sequence[CacheEntry], newest: frozenset[CacheEntry], closed_refs: frozenset[str]
) -> list[tuple[Reason, CacheEntry]]:
    """Give every entry with its reason, who goes first in front."""

    def reason(entry: CacheEntry) -> Reason:
        if entry not in newest:
            return Reason.SUPERSEDED
        return Reason.CLOSED if entry.ref in closed_refs else Reason.UNUSED

    places = list(Reason)
    with_reasons = [(reason(entry), entry) for entry in entries]
    return sorted(with_reasons, key=lambda pair: (places.index(pair[0]), pair[1].used_at, pair[1].entry_id))


def plan_room(entries: Sequence[CacheEntry], size_bytes: int, *, quota_bytes: int) -> list[CacheEntry] | None:
    """Give what leaves a cache of our own so that a new entry fits, in the same order; None where it never will."""
    if size_bytes > quota_bytes:
        return None
    plan = plan_prune(entries, quota_bytes - size_bytes, default_ref="no entry of ours is protected")
    return [removal.entry for removal in plan.removals]
