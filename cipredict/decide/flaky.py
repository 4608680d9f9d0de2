"""How flaky each case is: contradictions in its history, and what share of its executions they spoil. Pure.

A failure is *flaky* where the history contradicts it:

- `rerun`        a report holds a failed and a passed attempt of the case
- `same-commit`  the same code passed in another run, attempt or job of the same kind
- `flip`         on the default branch, a failure of one or two commits that no change explains: neither the change that
                 the case broke with nor the one that it healed with could matter to it, or the two share no file

The score is the posterior of the share of executions that fail so (`stats.jeffreys`). A failure that nothing
contradicts is *not* in the sample: it may be a real one, and a real failure says nothing of flakiness. So a case that
is red all the time is *broken*, one that has turned red and not back is *newly failing*: neither is flaky for that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import groupby
from typing import NamedTuple

from cipredict.ids import case_file
from cipredict.stats import jeffreys

BROKEN_AFTER_TREES = 5
"""A case that failed on so many commits in a row, up to the last, is no news any more."""
_RED_RUNS = 2
"""So many runs in a row that fail on a commit that passed before: what it depends on has changed, not its luck."""
FEWEST_FLIPS = 3
"""So many flips prove what one contradiction on the same code does: a bug may be repaired in another file."""
_LONGEST_FLIP = 2
"""Chance rarely fails a case on more commits in a row; a bug that waits to be fixed does."""


class TreeOutcome(NamedTuple):
    """How the executions of a case came out on one state of the code, as `flaky_outcomes.sql` gives it."""

    case_id: str
    series: str
    tree: str
    position: int
    is_base: bool
    passes: int
    failures: int
    rerun_failures: int
    run_id: str
    known_at: datetime
    red_runs: int = 0

    @property
    def is_red(self) -> bool:
        """Tell whether every attempt failed."""
        return not self.passes and self.failures > 0

    @property
    def is_mixed(self) -> bool:
        """Tell whether attempts contradict each other."""
        return self.passes > 0 and self.failures > 0


class TreeChange(NamedTuple):
    """What a commit changed against its parent; `paths` is None where nobody knows."""

    sha: str
    parent_sha: str
    paths: tuple[str, ...] | None


class Evidence(StrEnum):
    """How a failure is contradicted."""

    RERUN = "rerun"
    SAME_COMMIT = "same-commit"
    FLIP = "flip"


class Contradiction(NamedTuple):
    """Failed attempts that the history contradicts, and when that was known."""

    kind: Evidence
    failures: int
    tree: str
    run_id: str
    at: datetime


class Standing(StrEnum):
    """What a case that has failed is, by its history; `explained`: each of its failures may have been a real one."""

    FLAKY = "flaky"
    SUSPECT = "suspect"
    BROKEN = "broken"
    NEWLY_FAILING = "newly failing"
    EXPLAINED = "explained"


class Confidence(StrEnum):
    """How much a score can be relied on, by the executions that it rests on."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"

    @classmethod
    def of(cls, results: int) -> Confidence:
        """Give the word: below 10 low, from 100 high; the score's interval says it in numbers."""
        if results < 10:
            return cls.LOW
        return cls.MEDIUM if results < 100 else cls.HIGH


@dataclass(frozen=True, slots=True)
class CaseFlakiness:
    """The judgement of one case.

    Attributes
    ----------
    score : share of executions that fail although the code is right, `low` to `high` with 95 %
    results : executions that the score rests on
    last_seen : when the case last ran
    contradictions : in order of time
    failed_throughout : where the case failed in every one of several attempts on the same code: on the default branch
        at any time, elsewhere since it last passed there; empty if nowhere
    """

    case_id: str
    standing: Standing
    score: float
    low: float
    high: float
    results: int
    last_seen: datetime
    contradictions: tuple[Contradiction, ...] = ()
    failed_throughout: str = ""

    @property
    def flaky_failures(self) -> int:
        """Failed attempts that are contradicted."""
        return sum(found.failures for found in self.contradictions)

    @property
    def confidence(self) -> Confidence:
        """How much the score can be relied on."""
        return Confidence.of(self.results)


@dataclass(frozen=True, slots=True)
class Changes:
    """What changed from commit to commit, and which paths can matter to a case.

    Attributes
    ----------
    by_tree : of the tested commits
    can_move_any : tells of a path whether a change to it can move every case
    is_ignored : tells of another path whether a change to it moves none
    """

    by_tree: Mapping[str, TreeChange]
    can_move_any: Callable[[str], bool]
    is_ignored: Callable[[str], bool]

    def between(self, before: TreeOutcome, after: TreeOutcome) -> frozenset[str] | None:
        """Give the paths that count of what changed between two commits; None unless one is the other's parent."""
        old, new = self.by_tree.get(before.tree), self.by_tree.get(after.tree)
        if old is None or new is None or new.paths is None or old.sha != new.parent_sha:
            return None
        return frozenset(path for path in new.paths if self.can_move_any(path) or not self.is_ignored(path))

    def explain(self, case_id: str, broke_with: frozenset[str], healed_with: frozenset[str]) -> bool:
        """Tell whether a failure that came with one change and went with another may be their doing."""
        if not broke_with or not healed_with:
            return False
        paths = broke_with | healed_with
        return bool(broke_with & healed_with) or case_file(case_id) in paths or any(map(self.can_move_any, paths))


def judge_cases(outcomes: Iterable[TreeOutcome], changes: Changes) -> Iterator[CaseFlakiness]:
    """Judge each case of `outcomes`, which come ordered by case, series and position."""
    for case_id, rows in groupby(outcomes, key=lambda row: row.case_id):
        series = [tuple(of_series) for _, of_series in groupby(rows, key=lambda row: row.series)]
        yield _judge(case_id, series, changes)


def _judge(case_id: str, series: Sequence[Sequence[TreeOutcome]], changes: Changes) -> CaseFlakiness:
    found = [one for rows in series for one in _contradictions(rows, changes)]
    failures = sum(one.failures for one in found)
    results = failures + sum(row.passes for rows in series for row in rows)
    score, low, high = jeffreys(failures, results)
    standings = {_standing(rows) for rows in series}
    return CaseFlakiness(
        case_id,
        next((word for word in (Standing.BROKEN, Standing.NEWLY_FAILING) if word in standings), _proven(found)),
        score=score,
        low=low,
        high=high,
        results=results,
        last_seen=max(row.known_at for rows in series for row in rows),
        contradictions=tuple(sorted(found, key=lambda one: (one.at, one.tree))),
        failed_throughout=next(filter(None, map(_failed_throughout, series)), ""),
    )


def _proven(found: Sequence[Contradiction]) -> Standing:
    """Believe one contradiction on the same code, or several flips."""
    if any(one.kind is not Evidence.FLIP for one in found) or len(found) >= FEWEST_FLIPS:
        return Standing.FLAKY
    return Standing.SUSPECT if found else Standing.EXPLAINED


def _contradictions(rows: Sequence[TreeOutcome], changes: Changes) -> Iterator[Contradiction]:
    mixed = [row for row in rows if row.is_mixed]
    for row in mixed:
        yield _contradiction(Evidence.RERUN if row.rerun_failures else Evidence.SAME_COMMIT, row)
    for row in _flips([row for row in rows if row.is_base], changes):
        if row.failures == 1 or mixed:
            yield _contradiction(Evidence.FLIP, row)


def _contradiction(kind: Evidence, row: TreeOutcome) -> Contradiction:
    return Contradiction(kind, row.failures, row.tree, row.run_id, row.known_at)


def _flips(base: Sequence[TreeOutcome], changes: Changes) -> Iterator[TreeOutcome]:
    """Give the red trees that no change explains, in a series of the default branch.

    Several attempts that all failed look like no chance, and make a flip only of a case that is proven flaky: without
    those its score would be too low, as it fails so with the square of its rate or less.
    """
    for start, end in _episodes(base):
        if start == 0 or end == len(base) or end - start > _LONGEST_FLIP:
            continue
        broke_with = changes.between(base[start - 1], base[start])
        healed_with = changes.between(base[end - 1], base[end])
        if broke_with is None or healed_with is None or changes.explain(base[start].case_id, broke_with, healed_with):
            continue
        yield from base[start:end]


def _episodes(base: Sequence[TreeOutcome]) -> Iterator[tuple[int, int]]:
    """Give start and end of every stretch of red trees."""
    at = 0
    for is_red, rows in groupby(base, key=lambda row: row.is_red):
        start, at = at, at + len(list(rows))
        if is_red:
            yield start, at


def _standing(rows: Sequence[TreeOutcome]) -> Standing:
    """Say whether a series is red now, on the default branch: what fails only in changes is their authors' affair."""
    base = [row for row in rows if row.is_base]
    red = next((ago for ago, row in enumerate(reversed(base)) if not row.is_red), len(base))
    if not red:
        is_red_lately = bool(base) and base[-1].red_runs >= _RED_RUNS
        return Standing.NEWLY_FAILING if is_red_lately else Standing.EXPLAINED
    return Standing.BROKEN if red >= BROKEN_AFTER_TREES or red == len(base) > 1 else Standing.NEWLY_FAILING


def _failed_throughout(rows: Sequence[TreeOutcome]) -> str:
    last_pass = max((row.position for row in rows if row.is_base and row.passes), default=0)
    found = [row for row in rows if row.is_red and row.failures > 1 and (row.is_base or row.position > last_pass)]
    return found[-1].tree if found else ""
