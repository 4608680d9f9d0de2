"""The ways to build a cache key: what goes into it, and what may be restored instead.

Which of them pays is decided by replaying a project's history (`replay`), never by a hit rate: a key that leaves the
lock file out hits more often, and restores what is out of date.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from cipredict.decide.caching.provider import Keys

PRESENT = "present"
"""The name of the design that the project's workflow has now."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a key can be made of at one commit.

    Attributes
    ----------
    at_s : when its run starts, in seconds since 1970
    lock, manifest, source : digests of the files of that role; empty where there are none
    packages : what must be installed, None where a lock file could not be read
    globs : the digest of what a `hashFiles` call matches, by its patterns
    """

    sha: str
    at_s: float
    lock: str
    manifest: str = ""
    source: str = ""
    packages: frozenset[str] | None = None
    globs: Mapping[tuple[str, ...], str] = field(default_factory=dict)


class KeyDesign(Protocol):
    """Whatever turns a commit into keys."""

    @property
    def name(self) -> str:
        """Give its name in tables."""

    def keys(self, at: Snapshot) -> Keys:
        """Give the keys of the run of a commit."""


@dataclass(frozen=True, slots=True)
class Design:
    """A key of parts.

    Attributes
    ----------
    parts : of the key, in order
    restore : by how many leading parts an entry may be restored instead, best first
    needs : the roles whose files the key is made of; without any of them it would be constant
    """

    name: str
    summary: str
    parts: Callable[[Snapshot], tuple[str, ...]]
    restore: tuple[int, ...] = ()
    needs: tuple[str, ...] = ("lock",)

    def keys(self, at: Snapshot, prefix: str = "deps-") -> Keys:
        """Give the keys of the run of a commit; all of them begin with `prefix`."""
        parts = self.parts(at)
        prefixes = tuple(prefix + "".join(f"{part}-" for part in parts[:count]) for count in self.restore)
        return Keys(prefix + "-".join(parts), prefixes)


def week_of(at_s: float) -> str:
    """Give the ISO week in UTC, `2026W48`."""
    year, week, _ = datetime.fromtimestamp(at_s, UTC).isocalendar()
    return f"{year}W{week:02}"


_DESIGNS = (
    Design("lock", "the lock files, and nothing else will do", lambda at: (at.lock,)),
    Design("lock+restore", "the lock files, else the newest", lambda at: (at.lock,), restore=(0,)),
    Design("lock+sha", "every commit, else the newest of its lock files", lambda at: (at.lock, at.sha), restore=(1, 0)),
    Design("manifest", "the manifests, else the newest", lambda at: (at.manifest,), restore=(0,), needs=("manifest",)),
    Design("week", "every week, else the newest", lambda at: (week_of(at.at_s),), restore=(0,), needs=()),
    Design("week-lock", "week and lock files, else the week", lambda at: (week_of(at.at_s), at.lock), restore=(1,)),
    Design(
        "source",
        "lock files and sources, else the newest of its lock files",
        lambda at: (at.lock, at.source),
        restore=(1, 0),
        needs=("lock", "source"),
    ),
)
DESIGNS: Mapping[str, Design] = {design.name: design for design in _DESIGNS}
"""Every sensible design by name."""
