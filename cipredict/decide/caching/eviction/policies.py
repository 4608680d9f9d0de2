"""Every policy by its name, in the order of a table: simple ones, those that weigh, those that know streams, bounds."""

from __future__ import annotations

from collections.abc import Iterable

from cipredict.decide.caching.eviction.adaptive import Adaptive
from cipredict.decide.caching.eviction.bounds import Belady, BeladySize, NextUse
from cipredict.decide.caching.eviction.density import LhdClass
from cipredict.decide.caching.eviction.frequency import Arc, Lfu, S3Fifo
from cipredict.decide.caching.eviction.interface import Policy
from cipredict.decide.caching.eviction.recency import Fifo, Lru, Sieve
from cipredict.decide.caching.eviction.streams import KeepOnePerStream, SupersededFirst
from cipredict.decide.caching.eviction.worth import Gdsf, Landlord
from cipredict.errors import UsageError

ALL = "all"
_POLICIES = {
    policy.name: policy
    for policy in (Lru, Fifo, Lfu, Arc, S3Fifo, Sieve, Gdsf, Landlord, LhdClass, SupersededFirst, KeepOnePerStream)
}
_BOUNDS = {bound.name: bound for bound in (Belady, BeladySize)}
NAMES = (*_POLICIES, Adaptive.name, *_BOUNDS)


def choose_policies(text: str) -> tuple[str, ...]:
    """Give the names in a text with commas, in the order of `NAMES`; `all` is all of them.

    Raises
    ------
    UsageError
        Naming the first that does not exist.
    """
    names = [name.strip() for name in text.split(",") if name.strip()]
    unknown = next((name for name in names if name not in (*NAMES, ALL)), None)
    if unknown is not None or not names:
        known = ", ".join(NAMES)
        raise UsageError(f"No policy '{unknown or ''}': choose all, or some of {known}.", slug="cache-policy")
    return NAMES if ALL in names else tuple(name for name in NAMES if name in names)


def need_future(names: Iterable[str]) -> bool:
    """Tell whether one of the policies must be told when keys come again."""
    return not _BOUNDS.keys().isdisjoint(names)


def make_policy(name: str, capacity_bytes: int, next_use: NextUse | None = None) -> Policy:
    """Give an empty cache under a policy; a bound needs the future of the trace."""
    if name in _BOUNDS:
        if next_use is None:
            raise ValueError(f"{name} needs the future")
        return _BOUNDS[name](capacity_bytes, next_use)
    return Adaptive(capacity_bytes) if name == Adaptive.name else _POLICIES[name](capacity_bytes)
