"""Renames in a history: which case continues which, found run by run in the order in which runs became known.

Derived whenever a history is loaded, not stored: a report that is ingested late moves every conclusion drawn after
it, and `as_of` holds by construction, because what a run shows is drawn from runs that had finished before it.

A run is compared with the suite of the default branch, as its change is: ids that the last run there had in a file
and this run has not, against ids that are the other way round. Only files that the change touched are looked at:
there every case runs, so that one that is missing is gone, not skipped. A run whose change is unknown shows only
what commits say of files.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cipredict.forecast.renames import former_paths
from cipredict.forecast.state import Ints
from cipredict.ids import case_file
from cipredict.learn.history import History, PastRun, Rename
from cipredict.learn.rename_matching import match_renames


class MovedPath(NamedTuple):
    """A commit renamed a file."""

    known_at: datetime
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class KnownRename:
    """One line of the alias relation: `new_id` continues `old_id` since a run that finished at `known_at`."""

    old_id: str
    new_id: str
    known_at: datetime
    run_id: str
    evidence: str
    likeness: float


def with_renames(history: History, moved_paths: Sequence[MovedPath] = ()) -> History:
    """Give the history with the renames that each of its runs shows."""
    suite = _Suite(history.case_ids)
    moved = [move for move in moved_paths if {move.old, move.new} <= suite.number_of.keys()]
    shown: dict[int, tuple[Rename, ...]] = {}
    for position in sorted(range(len(history.runs)), key=lambda at: history.runs[at].finished_at):
        look = _Look.at(history.runs[position], suite, moved)
        shown[position] = tuple(suite.continued(look))
        suite.take(look)
    return replace(history, runs=[replace(run, renames=shown[at]) for at, run in enumerate(history.runs)])


def known_renames(history: History) -> list[KnownRename]:
    """Give what the runs of a history show, in the order in which it became known, each pair once."""
    first: dict[tuple[int, int], KnownRename] = {}
    for run in sorted(history.runs, key=lambda past: past.finished_at):
        for old, new, evidence, likeness in run.renames:
            ids = history.case_ids[old], history.case_ids[new]
            first.setdefault((old, new), KnownRename(*ids, run.finished_at, run.run_id, evidence, likeness))
    return list(first.values())


@dataclass(frozen=True, slots=True)
class _Look:
    """What one run tells about files.

    Attributes
    ----------
    present : numbers of the files of which it has cases and could load all
    vanished : numbers of the files that its change took away
    touched : numbers of the files whose every case is in it, or gone
    arrived : numbers of the files that a commit moved to where the run has them
    new_path : former path → present path
    """

    run: PastRun
    present: frozenset[int]
    vanished: frozenset[int]
    touched: frozenset[int]
    arrived: frozenset[int]
    new_path: Mapping[str, str]

    @classmethod
    def at(cls, run: PastRun, suite: _Suite, moved_paths: Iterable[MovedPath]) -> _Look:
        """Look at a run."""
        files = suite.file_of[run.slots]
        broken = set(files[suite.is_file[run.slots] & run.failed].tolist())  # a file that did not load
        present = frozenset(files.tolist()) - broken
        by_commit = {m.old: m.new for m in moved_paths if m.known_at <= run.finished_at and suite.awaits(m, present)}
        new_path = by_commit | {old: new for new, old in former_paths(run.facts.changes).items()}
        deleted = (change.path for change in run.facts.changes if change.status == "D")
        vanished = suite.numbers(chain(new_path, deleted)) - present - broken
        changed = suite.numbers(change.path for change in run.facts.changes) & present
        return cls(run, present, vanished, changed | vanished, suite.numbers(by_commit.values()), new_path)


class _Suite:
    """The cases of the default branch as last seen there, file by file; of any branch until it is seen."""

    def __init__(self, case_ids: list[str]) -> None:
        files = [case_file(case_id) for case_id in case_ids]
        self.number_of = {file: number for number, file in enumerate(dict.fromkeys(files))}
        self.file_of = np.array([self.number_of[file] for file in files], np.int32)
        self.is_file = np.array([file == case_id for file, case_id in zip(files, case_ids, strict=True)], np.bool_)
        self._ids = case_ids
        self._slot_of = {case_id: slot for slot, case_id in enumerate(case_ids)}
        self._by_file = np.argsort(self.file_of, kind="stable")
        self._ends = np.cumsum(np.bincount(self.file_of, minlength=len(self.number_of)))
        self._case_seen = np.full(len(case_ids), -1)
        self._file_seen = np.full(len(self.number_of), -1)
        self._first_seen = np.full(len(case_ids), -1)
        self._past: list[Ints] = []
        self._knows_base = False

    def numbers(self, paths: Iterable[str]) -> frozenset[int]:
        """Give the numbers of those paths that are case files."""
        return frozenset(self.number_of[path] for path in paths if path in self.number_of)

    def awaits(self, move: MovedPath, present: AbstractSet[int]) -> bool:
        """Tell whether the suite still has a file where it was, and a run has it where a commit moved it."""
        return self.number_of[move.new] in present and bool(self._cases(self.number_of[move.old]))

    def take(self, look: _Look) -> None:
        """Remember a run; its files become the suite's if it tested the default branch."""
        run, now = look.run, len(self._past)
        self._past.append(run.slots)
        new = run.slots[self._first_seen[run.slots] < 0]
        self._first_seen[new] = now
        if run.facts.is_base_push or not self._knows_base:
            self._knows_base |= run.facts.is_base_push
            self._case_seen[run.slots] = now
            self._file_seen[list(look.present | look.vanished)] = now

    def continued(self, look: _Look) -> list[Rename]:
        """Give the renames that a run shows against the suite as it is."""
        if not look.touched:
            return []
        ran = look.run.slots[np.isin(self.file_of[look.run.slots], list(look.touched | look.arrived))]
        before = chain.from_iterable(map(self._cases, look.touched))
        matches = match_renames(set(before), {self._ids[slot] for slot in ran}, look.new_path)
        pairs = np.array([(self._slot_of[match.old_id], self._slot_of[match.new_id]) for match in matches], np.int32)
        together = self._ran_together(pairs.reshape(-1, 2))
        return [
            Rename(int(old), int(new), match.evidence, match.likeness)
            for (old, new), match, both in zip(pairs, matches, together, strict=True)
            if not both
        ]

    def _cases(self, file: int) -> list[str]:
        """Give the ids that the suite has of a file."""
        seen = self._file_seen[file]
        if seen < 0:
            return []
        slots = self._by_file[self._ends[file - 1] if file else 0 : self._ends[file]]
        return [self._ids[slot] for slot in slots[self._case_seen[slots] == seen]]

    def _ran_together(self, pairs: Ints) -> NDArray[np.bool_]:
        """Tell which pairs an earlier run has both of: a copy, not a rename."""
        together = np.zeros(len(pairs), np.bool_)
        seen = self._first_seen[pairs[:, 1]]
        for slots in self._past[min(seen[seen >= 0], default=len(self._past)) :]:
            together |= np.isin(pairs, slots).all(axis=1)
        return together
