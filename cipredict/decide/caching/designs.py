"""The ways to build a cache key: what goes into it, and what may be restored instead.

Which of them pays is decided by replaying a project's history (`replay`), never by a hit rate: a key that leaves the
lock file out hits more often, and restores what is out of date.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from cipredict.decide.caching.provider import Keys


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a key can be made of at one commit.

    Attributes
    ----------
    at_s : when its run starts, in seconds since 1970
    lock, manifest, source : digests of the files of that role; empty where there are none
    packages : what must be installed, None where no lock file could be read
    """

    sha: str
    at_s: float
    lock: str
    manifest: str = ""
    source: str = ""
    packages: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Design:
    """A way to build keys; `summary` is one line for people."""

    name: str
    summary: str
    keys: Callable[[Snapshot], Keys]


def week_of(at_s: float) -> str:
    """Give the ISO week in UTC, `2026W48`."""
    year, week, _ = datetime.fromtimestamp(at_s, UTC).isocalendar()
    return f"{year}W{week:02}"


def _keys(*parts: str, restore: int | None = None) -> Keys:
    """Join parts; what begins with the first `restore` of them may be restored instead, nothing where it is None."""
    fallbacks = () if restore is None else ("".join(f"{part}-" for part in ("deps", *parts[:restore])),)
    return Keys("-".join(("deps", *parts)), fallbacks)


_DESIGNS = (
    Design("lock", "key of the lock files, nothing else will do", lambda at: _keys(at.lock)),
    Design("lock+restore", "key of the lock files, else the newest", lambda at: _keys(at.lock, restore=0)),
    Design("lock+sha", "a key per commit, else the newest", lambda at: _keys(at.lock, at.sha, restore=0)),
    Design("manifest", "key of the manifests, else the newest", lambda at: _keys(at.manifest, restore=0)),
    Design("week", "a key per week, else the newest", lambda at: _keys(week_of(at.at_s), restore=0)),
    Design(
        "week-lock", "key of week and lock files, else of the week", lambda at: _keys(week_of(at.at_s), at.lock, restore=1)
    ),
    Design("source", "key of sources and lock files, else the newest", lambda at: _keys(at.source, at.lock, restore=0)),
)
DESIGNS: Mapping[str, Design] = {design.name: design for design in _DESIGNS}
"""Every sensible design by name."""
PRESENT = "present"
"""The name of the design that the project's workflow has now."""
