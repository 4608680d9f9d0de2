"""What is remembered of every case and every changed path: the history behind a failure forecast.

The nightly replay rolls a state forward run by run and publishes the last one; the features of `features` read it.
One structure for both, so that what is served is what was trained. `as of` is where the roll stopped: nothing in
a state is later than the last run rolled in.

::

    cases       one slot per case:  runs, failures, decayed rates, last verdicts, seconds
    paths       one slot per path ever changed:  times changed (decayed), cases that newly failed then
    episodes    the last runs with new failures:  which paths changed, which cases failed
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]

HALF_LIVES = (3, 10, 50)
"""Of the decayed failure rates, in runs of the case. 10 is the strong baseline's."""

CASE_FIELDS = (
    "runs",
    "failures",
    "new_failures",
    "flips",
    "last_verdict",
    "base_verdict",
    "last_failure_tick",
    "first_tick",
    "last_tick",
    "runs_timed",
    "typical_s",
    *(f"decayed_failures_{h}" for h in HALF_LIVES),
    *(f"decayed_runs_{h}" for h in HALF_LIVES),
    "red_streak",
)
_UNSEEN = {"last_verdict": -1, "base_verdict": -1, "last_failure_tick": -1, "first_tick": -1, "last_tick": -1}


@dataclass(slots=True)
class PathMemory:
    """What happened when one path changed; counts halve every 60 changes of the path."""

    changes: float = 0.0
    cases: Ints = field(default_factory=lambda: np.empty(0, np.int32))
    new_failures: Floats = field(default_factory=lambda: np.empty(0, np.float32))


@dataclass(frozen=True, slots=True)
class PathFaults:
    """What faults injected into one path did: synthetic, and never counted as a change or failure.

    Attributes
    ----------
    mutants : faults that had an answer
    cases, kills : sorted slots, and how many of the faults turned each red
    """

    mutants: float
    cases: Ints
    kills: Floats


@dataclass(frozen=True, slots=True)
class Episode:
    """A past run with new failures: the paths of its change and the cases that newly failed."""

    tick: int
    paths: frozenset[str]
    cases: Ints


@dataclass(slots=True)
class State:
    """Everything known after `tick` runs.

    Attributes
    ----------
    case_ids : slot → id; the order never changes
    columns : field of `CASE_FIELDS` → float32 per slot
    paths : path → memory
    episodes : oldest first
    branch_failures : branch → slots that failed in its last run, most recent branches last
    covered : path → slots of the cases that execute it (coverage contexts)
    import_distance : changed path → {test file: hops in the static import graph}
    mutated : path → what faults injected into it did
    tick : runs rolled in
    """

    case_ids: list[str]
    columns: dict[str, Floats]
    paths: dict[str, PathMemory] = field(default_factory=dict)
    episodes: list[Episode] = field(default_factory=list)
    branch_failures: dict[str, Ints] = field(default_factory=dict)
    covered: dict[str, Ints] = field(default_factory=dict)
    import_distance: dict[str, dict[str, int]] = field(default_factory=dict)
    mutated: dict[str, PathFaults] = field(default_factory=dict)
    tick: int = 0

    @classmethod
    def blank(cls, case_ids: list[str]) -> State:
        """Give a state that has seen nothing."""
        n = len(case_ids)
        columns = {name: np.full(n, _UNSEEN.get(name, 0), np.float32) for name in CASE_FIELDS}
        return cls(case_ids=case_ids, columns=columns)

    def living(self, within: int = 20) -> list[str]:
        """Give the cases seen in the last `within` runs, in slot order: what the suite holds today."""
        seen = self.columns["last_tick"] >= max(self.tick - within, 0)
        return [case_id for case_id, alive in zip(self.case_ids, seen, strict=True) if alive]

    def knows(self, path: str) -> bool:
        """Tell whether a changed path has any link to cases: a past change, coverage, an import or a fault."""
        return any(path in known for known in (self.paths, self.covered, self.import_distance, self.mutated))
