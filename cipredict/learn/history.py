"""The store's history as arrays: runs in time order, each with its change and the verdicts of its cases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cipredict.forecast.features import ChangeFacts
from cipredict.forecast.state import Floats, Ints
from cipredict.learn.links import Links, Mutations

PASSED, FAILED, SKIPPED = 0, 1, 2
"""Verdict codes: an error counts as failed; a skipped case has no verdict."""


class Rename(NamedTuple):
    """The case in slot `new` continues the one in slot `old`; `likeness` is that of their names, 0…1."""

    old: int
    new: int
    evidence: str
    likeness: float


@dataclass(frozen=True, slots=True)
class PastRun:
    """One run as the replay sees it.

    Attributes
    ----------
    slots : cases of the run, shape (n,)
    verdicts : PASSED, FAILED or SKIPPED per case, shape (n,)
    seconds : duration per case, NaN where unknown, shape (n,)
    is_flaky : a rerun in the run itself disagreed with the verdict, shape (n,)
    wall_s : duration of the run, NaN where unknown
    peak_memory_bytes : per case, NaN where unknown; None where no case has it
    renames : that the run shows, known when it finished
    commit : names what was tested; runs of one commit that overlap are one build. Empty where unknown
    tree : the same, but only where two runs surely test the same code: a pull request's may merge a moving target
    doubted_at : per case, POSIX seconds from which on its verdict was known to be contradicted, inf where it never was,
        shape (n,); None where nobody looked
    """

    run_id: str
    started_at: datetime
    finished_at: datetime
    facts: ChangeFacts
    event: str
    slots: Ints
    verdicts: NDArray[np.int8]
    seconds: Floats
    is_flaky: NDArray[np.bool_]
    wall_s: float = float("nan")
    workflow: str = ""
    peak_memory_bytes: Floats | None = None
    renames: tuple[Rename, ...] = ()
    commit: str = ""
    tree: str = ""
    doubted_at: NDArray[np.float64] | None = None

    @property
    def failed(self) -> NDArray[np.bool_]:
        """Cases that failed, shape (n,)."""
        return np.asarray(self.verdicts == FAILED)

    @property
    def has_verdict(self) -> NDArray[np.bool_]:
        """Cases that ran, shape (n,): everything but the skipped."""
        return np.asarray(self.verdicts != SKIPPED)

    def continued(self, runs: Floats) -> tuple[Ints, Ints]:
        """Give the slots that lend their history and those that take it, by the `runs` (n_cases,) known of each.

        The longer of two histories goes on, the other one stays: a branch that renames a case back and forth, or the
        default branch that still has the old name, takes nothing from anybody. Of a rename seen again, nothing is left
        to take.
        """
        pairs = [(rename.old, rename.new) for rename in self.renames if runs[rename.old] > runs[rename.new]]
        old, new = np.array(pairs, np.int32).reshape(-1, 2).T
        return old, new


@dataclass(frozen=True, slots=True)
class History:
    """All runs known at `as_of`, ordered by start.

    Attributes
    ----------
    case_ids : slot → id
    links, mutations : coverage and imports, injected faults; a replay sees each only in runs that started after it was
        recorded
    flavours : operating system, Python → factor on the seconds of each case (slot), as of the end
    """

    case_ids: list[str]
    runs: list[PastRun]
    as_of: datetime
    repository: str = ""
    default_branch: str = ""
    links: Links | None = None
    mutations: Mutations | None = None
    flavours: Mapping[str, Floats] = field(default_factory=dict)

    def split(self, share: float) -> int:
        """Give the number of runs in the first `share` (0…1) by time order."""
        return int(len(self.runs) * share)
