"""Words about caches that several rooms share: a request of a trace, and what a job saw of its cache."""

from __future__ import annotations

import re
from collections.abc import Hashable
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import NamedTuple, TypeAlias

from cipredict.records import RunKey

CacheKey: TypeAlias = Hashable

NEVER = 2**62
"""The position of a use that does not come."""


class CacheOutcome(IntEnum):
    """What a request found; ordered by worth."""

    MISS = 0
    PREFIX = 1
    EXACT = 2


class CacheRequest(NamedTuple):
    """One request of a trace. A tuple, not a dataclass: traces hold millions of them.

    Attributes
    ----------
    key : of the entry; what is found under it never changes
    size_bytes : of the entry
    stream : the same cache in other versions, which restore-keys find; the key itself where there are none
    cost : what its rebuild takes, in seconds where the trace says so, else 1
    prefix_share : of `cost`, what is left to do when another version of the stream is restored
    kind : of what is cached, such as deps or build
    """

    key: CacheKey
    size_bytes: int
    stream: CacheKey
    cost: float = 1.0
    prefix_share: float = 1.0
    kind: str = ""


@dataclass(frozen=True, slots=True)
class CacheEntry:
    """What a provider holds.

    Attributes
    ----------
    entry_id : what deletes it
    version : two entries of one key differ in it where the paths or the compressor do
    ref : the branch or pull request that alone may read it, in full (`refs/heads/main`); empty where all may
    """

    entry_id: str
    key: str
    size_bytes: int
    created_at: datetime
    used_at: datetime
    version: str = ""
    ref: str = ""


@dataclass(frozen=True, slots=True)
class CacheEvent:
    """One restore or save of a cache by a job.

    Attributes
    ----------
    event_id : the same whenever the same event is read again
    operation : restore or save
    cache : which one, by the name that its versions share
    outcome : exact, prefix or miss of a restore; saved or skipped of a save
    duration_s : of the restore or save
    """

    event_id: str
    at: datetime
    operation: str
    cache: str
    key: str
    matched_key: str = ""
    outcome: str = ""
    size_bytes: int | None = None
    duration_s: float | None = None
    run: RunKey | None = None
    job: str = ""


_CHANGING = re.compile(r"(?<![0-9a-z])[0-9a-f]{7,}(?![0-9a-z])|\d{4}-?W?\d\d(?:-?\d\d)?", re.IGNORECASE)
"""What changes from version to version in a key: a hash, or a week or day."""


def stream_of(key: str) -> str:
    """Give what the versions of a cache have in common: the key without its hashes and dates.

    >>> stream_of("Linux-x64-pip-5d41402abc4b2a76b9719d911017c592")
    'Linux-x64-pip-*'
    """
    return _CHANGING.sub("*", key)
