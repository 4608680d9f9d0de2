"""One run per commit under a key design: what would have been restored, how much of it was of use, what it would cost.

*Coverage* is the share of the packages that a run needs which the restored entry holds: 1 on an exact hit of a key of
the lock files, often 0.95 on a prefix hit, 0 on a miss. An exact hit of anything else can be *stale*: entries never
change, so a run whose lock file moved on gets an old entry, installs the rest, and cannot save it.
*Bloat* is what the restored entry holds over what is needed: each prefix hit saves the old packages with the new ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import nan
from statistics import fmean

from cipredict.decide.caching.designs import KeyDesign, Snapshot
from cipredict.decide.caching.provider import GITHUB, CacheModel, Outcome, Rules

_RECENT_RUNS = 300
"""Bloat builds up, so the last ones tell what it is now."""


@dataclass(frozen=True, slots=True)
class Cached:
    """What an entry was made for and holds; `packages` is None where lock files could not be read."""

    lock: str
    packages: frozenset[str] | None


@dataclass(frozen=True, slots=True)
class ReplayedRun:
    """One run; coverage and bloat are None where packages are unknown or nothing was restored."""

    sha: str
    outcome: Outcome
    is_stale: bool
    is_saved: bool
    coverage: float | None
    bloat: float | None
    alive: int
    alive_bytes: int


@dataclass(frozen=True, slots=True)
class Replay:
    """The runs of a history under one design, and their means; shares are 0…1."""

    design: str
    runs: tuple[ReplayedRun, ...] = field(repr=False)
    evicted_bytes: int = 0

    def share(self, outcome: Outcome) -> float:
        """Give the share of runs that found this."""
        return _mean([run.outcome is outcome for run in self.runs])

    @property
    def stale(self) -> float:
        """Share of runs that hit exactly and got what is out of date."""
        return _mean([run.is_stale for run in self.runs])

    @property
    def saves(self) -> float:
        """Share of runs that save an entry."""
        return _mean([run.is_saved for run in self.runs])

    @property
    def coverage(self) -> float | None:
        """Mean share of needed packages that were restored, None where packages are unknown."""
        known = [run.coverage for run in self.runs if run.coverage is not None]
        return _mean(known) if known else None

    @property
    def bloat(self) -> float | None:
        """Mean of restored over needed packages in the last runs, None where nothing was measured."""
        known = [run.bloat for run in self.runs[-_RECENT_RUNS:] if run.bloat is not None]
        return _mean(known) if known else None

    @property
    def alive(self) -> float:
        """Mean number of entries."""
        return _mean([run.alive for run in self.runs])

    @property
    def peak_bytes(self) -> int:
        """Most bytes that were kept at a time."""
        return max((run.alive_bytes for run in self.runs), default=0)


def _mean(values: Sequence[float]) -> float:
    return fmean(values) if values else nan


def replay(design: KeyDesign, history: Sequence[Snapshot], *, rules: Rules = GITHUB, size_bytes: int = 0) -> Replay:
    """Run every commit of a history, oldest first, on the default branch.

    `size_bytes` is of an entry that holds what is needed and no more; bloated ones are as much larger.
    """
    model: CacheModel[Cached] = CacheModel(rules)
    overlaps: _Overlaps = {}
    runs = []
    for commit in history:
        keys = design.keys(commit)
        found = model.restore(keys, now_s=commit.at_s)
        held = found.entry.content if found.entry else None
        coverage, bloat = _use_of(held, commit, overlaps)
        is_saved = found.outcome is not Outcome.EXACT
        if is_saved:
            content = _content(commit, held)
            size = round(size_bytes * _growth(content, commit))
            model.save(keys.primary, content, size_bytes=size, now_s=commit.at_s)
        entries = model.entries
        runs.append(
            ReplayedRun(
                sha=commit.sha,
                outcome=found.outcome,
                is_stale=found.outcome is Outcome.EXACT and _is_outdated(held, commit),
                is_saved=is_saved,
                coverage=coverage,
                bloat=bloat,
                alive=len(entries),
                alive_bytes=sum(entry.size_bytes for entry in entries),
            )
        )
    return Replay(design.name, tuple(runs), model.evicted_bytes)


_Overlaps = dict[tuple[frozenset[str], frozenset[str]], tuple[float, float]]


def _use_of(held: Cached | None, commit: Snapshot, overlaps: _Overlaps) -> tuple[float | None, float | None]:
    """Give coverage and bloat; the same two sets meet often, so they are compared once."""
    if not commit.packages:
        return None, None
    if held is None:
        return 0.0, None
    if held.packages is None:
        return None, None
    pair = (held.packages, commit.packages)
    if pair not in overlaps:
        needed = len(commit.packages)
        overlaps[pair] = (len(held.packages & commit.packages) / needed, len(held.packages) / needed)
    return overlaps[pair]


def _is_outdated(held: Cached | None, commit: Snapshot) -> bool:
    """Tell whether an entry lacks a package; where packages are unknown, whether it is of another lock file."""
    if held is None or held.lock == commit.lock:
        return False
    return held.packages is None or commit.packages is None or not commit.packages <= held.packages


def _content(commit: Snapshot, held: Cached | None) -> Cached:
    """Give what a run saves: what it needs, on top of what it restored."""
    if commit.packages is None or held is None or held.packages is None:
        return Cached(commit.lock, commit.packages)
    return Cached(commit.lock, held.packages | commit.packages)


def _growth(content: Cached, commit: Snapshot) -> float:
    return len(content.packages) / len(commit.packages) if content.packages and commit.packages else 1.0
