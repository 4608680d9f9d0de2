"""Why a run hit or missed: which part of the key changed, or what stood between the key and its entry.

Evidence is the plans that runs remembered, and, where given, the provider's own list of entries.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import pairwise

_IDLE = timedelta(days=7)
_COMPRESSORS = ("zstd-without-long", "zstd", "gzip")
_SHOWN = 20


@dataclass(frozen=True, slots=True)
class RememberedKey:
    """A key that a run planned."""

    key: str
    restore_keys: tuple[str, ...]
    stage: str
    files: Mapping[str, str]
    paths: tuple[str, ...]
    at: datetime


@dataclass(frozen=True, slots=True)
class ListedEntry:
    """An entry as the provider lists it; `ref` is its scope, as in `refs/heads/main`."""

    key: str
    ref: str
    version: str
    created_at: datetime
    used_at: datetime
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Finding:
    """One reason: `kind` is key, restore, scope, version, expiry, eviction or unknown."""

    kind: str
    text: str


def explain_key(
    key: str,
    plans: Sequence[RememberedKey],
    entries: Sequence[ListedEntry] | None,
    *,
    ref: str,
    default_ref: str,
    now: datetime,
) -> list[Finding]:
    """Give the reasons, the most telling first; `plans` are oldest first, `entries` None where nobody listed them."""
    same = [plan for plan in plans if plan.key == key]
    found: list[Finding] = []
    if entries is not None:
        found += _explain_entries(key, same[-1] if same else None, entries, ref=ref, default_ref=default_ref)
    if not same:
        return found or [Finding("unknown", "no run remembers this key: the event file of its run is not here")]
    plan = same[-1]
    found += _explain_plan(plan, plans)
    if entries is None:
        found += _explain_age(same, now)
    elif not any(entry.key == key for entry in entries):
        found += _explain_absence(same, entries, now)
    return found


def _explain_plan(plan: RememberedKey, plans: Sequence[RememberedKey]) -> Iterator[Finding]:
    """Compare a plan with the last one of its stage that had another key."""
    others = [other for other in plans if other.stage == plan.stage and other.key != plan.key and other.at <= plan.at]
    if not others:
        yield Finding("key", "no earlier run of this stage had another key")
        return
    before = others[-1]
    yield from _explain_files(plan.files, before.files, since=before.at)
    if plan.files == before.files:
        yield Finding("key", f"its files are those of {before.key}: a dimension, an extra word or the design differs")
    if plan.paths != before.paths:
        yield Finding(
            "version", f"the paths were {_list(before.paths)} and are {_list(plan.paths)}: no entry fits both"
        )


def _explain_files(now: Mapping[str, str], before: Mapping[str, str], *, since: datetime) -> Iterator[Finding]:
    changes = [
        *(f"{path} changed" for path in sorted(now.keys() & before.keys()) if now[path] != before[path]),
        *(f"{path} is new" for path in sorted(now.keys() - before.keys())),
        *(f"{path} is gone" for path in sorted(before.keys() - now.keys())),
    ]
    for change in changes[:_SHOWN]:
        yield Finding("key", f"{change} since {since:%Y-%m-%d %H:%M}")
    if len(changes) > _SHOWN:
        yield Finding("key", f"and {len(changes) - _SHOWN} files more")


def _explain_entries(
    key: str, plan: RememberedKey | None, entries: Sequence[ListedEntry], *, ref: str, default_ref: str
) -> Iterator[Finding]:
    """Say where the key's entries are, and what a run in `ref` could restore instead."""
    visible = {ref, default_ref}
    for entry in entries:
        if entry.key != key:
            continue
        if entry.ref not in visible:
            yield Finding("scope", f"the entry belongs to {entry.ref}: runs of {ref} see {_list(sorted(visible))} only")
        elif plan is not None and entry.version not in versions_of(plan.paths):
            yield Finding("version", f"the entry in {entry.ref} was saved with other paths or another compressor")
        else:
            yield Finding("key", f"the entry is there, in {entry.ref}, since {entry.created_at:%Y-%m-%d %H:%M}")
    for prefix in plan.restore_keys if plan else ():
        fitting = [
            entry for entry in entries if entry.key.startswith(prefix) and entry.ref in visible and entry.key != key
        ]
        if fitting:
            newest = max(fitting, key=lambda entry: (entry.ref == ref, entry.created_at))
            yield Finding("restore", f"{prefix} restores {newest.key} of {newest.ref}")
            return


def _explain_age(same: Sequence[RememberedKey], now: datetime) -> Iterator[Finding]:
    """Say whether the key's last use is so long ago that its entry is gone."""
    uses = [*(plan.at for plan in same), now]
    longest = max((later - earlier for earlier, later in pairwise(uses)), default=timedelta(0))
    if longest > _IDLE:
        yield Finding("expiry", f"nobody used the key for {longest.days} days: GitHub deletes entries after 7")
    else:
        yield Finding("eviction", "whether the entry was evicted only the provider's list tells: give it with --caches")


def _explain_absence(same: Sequence[RememberedKey], entries: Sequence[ListedEntry], now: datetime) -> Iterator[Finding]:
    idle = now - same[-1].at
    if idle > _IDLE:
        yield Finding("expiry", f"no entry has the key: it was last used {idle.days} days ago, GitHub keeps 7")
        return
    total = sum(entry.size_bytes for entry in entries)
    oldest = min((entry.used_at for entry in entries), default=now)
    yield Finding(
        "eviction",
        f"no entry has the key: its job did not save it, or it was evicted (the others hold {total / 1e9:.1f} GB, "
        f"the one that was used longest ago on {oldest:%Y-%m-%d})",
    )


def versions_of(paths: Sequence[str]) -> frozenset[str]:
    """Give the versions that actions/cache can give to paths: per compressor, with and without Windows' mark.

    As actions/toolkit's `getCacheVersion`: sha256 of paths, compressor, `windows-only`, and the salt 1.0.
    """
    heads = [(*paths, compressor) for compressor in _COMPRESSORS]
    marked = [*heads, *((*head, "windows-only") for head in heads)]
    return frozenset(sha256("|".join((*head, "1.0")).encode()).hexdigest() for head in marked)


def _list(words: Sequence[str]) -> str:
    return ", ".join(words) or "none"
