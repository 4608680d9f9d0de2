"""Seconds of instructions from the seconds of whole builds, as CI measures its steps.

A build takes its overhead and the seconds of what it made anew, and the replay says what that was::

    seconds(build) = overhead + sum of x[g] over the groups g that the build made anew        x, overhead >= 0

Instructions that were always made anew together are one group. Solved by least squares that never go below zero
(Lawson and Hanson 1974), without builds far off the others (an empty cache, a slow runner); intervals by resampling
builds. Where the builds cannot tell, nothing is estimated: then assumed seconds are scaled to what the builds took.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from statistics import median
from typing import NamedTuple

from cipredict.decide.containers.layers import Link
from cipredict.decide.containers.replay import HistoryTokens, rebuilds
from cipredict.dockerfile.context import ContextCommit, ContextHistory
from cipredict.dockerfile.ignore import IgnoreFile

LEAST_BUILDS = 12
LEAST_CONTRAST = 3
"""So many builds must have made a group anew, and so many must not, or it is not told from the overhead."""
LEAST_R2 = 0.5
_OUTLIER = 5.0
_MOST_OUTLIERS = 0.2
_RESAMPLES = 100
_ROUNDS = 400


class BuildSeconds(NamedTuple):
    """What the build step of one CI run took, at its commit."""

    sha: str
    seconds: float


class GroupSeconds(NamedTuple):
    """A group of links, always made anew together: its seconds and an interval that holds them nine times in ten."""

    links: tuple[int, ...]
    seconds: float
    low_s: float
    high_s: float


@dataclass(frozen=True, slots=True)
class StepEstimate:
    """What builds tell about instructions.

    Attributes
    ----------
    builds, outliers : builds that were used, and those left out
    r2 : share of the variance that is explained; None where nothing was estimated
    groups : what was estimated
    scale : what assumed seconds of RUNs are multiplied with, where nothing was estimated
    doubt : why nothing was estimated; empty where something was
    """

    builds: int
    outliers: int = 0
    r2: float | None = None
    groups: tuple[GroupSeconds, ...] = ()
    scale: float = 1.0
    doubt: str = ""
    seconds: Mapping[int, float] = field(default_factory=dict)


def estimate_seconds(
    links: Sequence[Link], history: ContextHistory, ignore: IgnoreFile, *, builds: Sequence[BuildSeconds]
) -> StepEstimate:
    """Estimate from builds of the history's commits; builds of other commits, or of none, do not count."""
    by_commit: dict[str, list[float]] = {}
    for build in builds:
        by_commit.setdefault(build.sha, []).append(build.seconds)
    seen = _only(history, set(by_commit))
    made = list(rebuilds(links, HistoryTokens(seen), ignore))
    seconds = [by_commit[commit.sha][0] for commit in seen.commits]  # a second build of a commit finds all cached
    groups = _groups(links, made)
    return _estimate(links, groups, made=made, seconds=seconds)


def _only(history: ContextHistory, shas: set[str]) -> ContextHistory:
    """Join commits that nobody built with the next one that was built."""
    commits: list[ContextCommit] = []
    pending: dict[str, str | None] = {}
    for commit in history.commits:
        pending |= commit.changes
        if commit.sha in shas:
            commits.append(ContextCommit(commit.sha, pending))
            pending = {}
    return ContextHistory(history.base, tuple(commits))


def _groups(links: Sequence[Link], made: Sequence[Sequence[int]]) -> list[tuple[int, ...]]:
    """Give the links that were made anew in the same builds, group by group."""
    pattern: dict[int, list[int]] = {number: [] for number, link in enumerate(links) if link.is_layer}
    for build, numbers in enumerate(made):
        for number in numbers:
            if number in pattern:
                pattern[number].append(build)
    groups: dict[tuple[int, ...], list[int]] = {}
    for number, builds in pattern.items():
        if LEAST_CONTRAST <= len(builds) <= len(made) - LEAST_CONTRAST:
            groups.setdefault(tuple(builds), []).append(number)
    return [tuple(group) for group in groups.values()]


def _estimate(
    links: Sequence[Link], groups: Sequence[tuple[int, ...]], *, made: Sequence[Sequence[int]], seconds: Sequence[float]
) -> StepEstimate:
    if len(seconds) < LEAST_BUILDS:
        return _scaled(links, made, seconds, doubt=f"{len(seconds)} builds are too few, {LEAST_BUILDS} are needed")
    if not groups:
        return _scaled(links, made, seconds, doubt="every build made the same instructions anew")
    if len(seconds) < 3 * (len(groups) + 1):
        return _scaled(links, made, seconds, doubt=f"{len(seconds)} builds cannot tell {len(groups)} groups apart")
    rows = [[1.0, *(float(group[0] in set(numbers)) for group in groups)] for numbers in made]
    kept, fit = _without_outliers(rows, seconds)
    r2 = _explained([rows[at] for at in kept], [seconds[at] for at in kept], fit)
    if r2 < LEAST_R2:
        return _scaled(links, made, seconds, doubt=f"what was made anew explains {r2:.0%} of the seconds only")
    intervals = _intervals([rows[at] for at in kept], [seconds[at] for at in kept])
    found = tuple(GroupSeconds(group, fit[at], *intervals[at]) for at, group in enumerate(groups, start=1))
    split = {link: share for group in found for link, share in _shares(links, group)}
    return StepEstimate(len(kept), len(seconds) - len(kept), r2, found, seconds=split)


def _shares(links: Sequence[Link], group: GroupSeconds) -> list[tuple[int, float]]:
    """Share a group's seconds among its RUNs as assumed seconds are; its copies keep what is assumed of them."""
    runs = [number for number in group.links if links[number].run is not None]
    copies = [number for number in group.links if links[number].run is None]
    copying_s = sum(links[number].assumed_s for number in copies)
    if not runs or copying_s >= group.seconds:
        runs, copies, copying_s = list(group.links), [], 0.0
    total = sum(links[number].assumed_s for number in runs)
    shared = [(number, (group.seconds - copying_s) * links[number].assumed_s / total) for number in runs]
    return [(number, links[number].assumed_s) for number in copies] + shared


def _scaled(
    links: Sequence[Link], made: Sequence[Sequence[int]], seconds: Sequence[float], *, doubt: str
) -> StepEstimate:
    all_made = [links[number] for numbers in made for number in numbers]
    running_s = sum(link.assumed_s for link in all_made if link.run is not None)
    copying_s = sum(link.assumed_s for link in all_made if link.run is None)
    scale = max(0.0, sum(seconds) - copying_s) / running_s if running_s and seconds else 1.0
    return StepEstimate(len(seconds), scale=scale, doubt=doubt)


def _without_outliers(rows: Sequence[Sequence[float]], seconds: Sequence[float]) -> tuple[list[int], list[float]]:
    """Fit, and again without what is far off; give the builds that stay and their fit."""
    kept = list(range(len(rows)))
    fit = _solve(rows, seconds)
    for _ in range(5):
        errors = [abs(_error(rows[at], seconds[at], fit)) for at in range(len(rows))]
        limit = max(_OUTLIER * 1.4826 * median(errors), 1.0)
        near = [at for at, error in enumerate(errors) if error <= limit]
        if near == kept or len(near) < (1 - _MOST_OUTLIERS) * len(rows):
            break
        kept = near
        fit = _solve([rows[at] for at in kept], [seconds[at] for at in kept])
    return kept, fit


def _error(row: Sequence[float], seconds: float, fit: Sequence[float]) -> float:
    return seconds - sum(value * weight for value, weight in zip(row, fit, strict=True))


def _explained(rows: Sequence[Sequence[float]], seconds: Sequence[float], fit: Sequence[float]) -> float:
    mean = sum(seconds) / len(seconds)
    total = sum((one - mean) ** 2 for one in seconds)
    left = sum(_error(row, one, fit) ** 2 for row, one in zip(rows, seconds, strict=True))
    return 1 - left / total if total else 0.0


def _intervals(rows: Sequence[Sequence[float]], seconds: Sequence[float]) -> list[tuple[float, float]]:
    random = Random(0)  # noqa: S311  # resampling; same inputs, same interval
    fits = []
    for _ in range(_RESAMPLES):
        chosen = random.choices(range(len(rows)), k=len(rows))
        fits.append(_solve([rows[at] for at in chosen], [seconds[at] for at in chosen]))
    columns = [sorted(column) for column in zip(*fits, strict=True)]
    low, high = round(0.05 * _RESAMPLES), round(0.95 * _RESAMPLES) - 1
    return [(column[low], column[high]) for column in columns]


def _solve(rows: Sequence[Sequence[float]], seconds: Sequence[float]) -> list[float]:
    """Give least squares that are never negative, by descent along one coordinate after the other."""
    width = len(rows[0])
    gram = [[sum(row[a] * row[b] for row in rows) for b in range(width)] for a in range(width)]
    target = [sum(row[a] * one for row, one in zip(rows, seconds, strict=True)) for a in range(width)]
    return _descend(gram, target)


def _descend(gram: Sequence[Sequence[float]], target: Sequence[float]) -> list[float]:
    fit = [0.0] * len(target)
    for _ in range(_ROUNDS):
        moved = 0.0
        for at, row in enumerate(gram):
            if row[at]:
                rest = target[at] - sum(row[other] * fit[other] for other in range(len(fit)) if other != at)
                value = max(0.0, rest / row[at])
                moved, fit[at] = max(moved, abs(value - fit[at])), value
        if moved < 1e-6:
            break
    return fit
