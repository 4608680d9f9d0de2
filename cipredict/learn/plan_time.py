"""Whose seconds make the best shard plans: recent runs are planned from what was known before them, and judged.

A plan adds up what its cases may take, so the best guess of each case need not be the best to plan with: medians leave
out the slow days of a case, and the shard that gets two such cases ends last.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cipredict.decide.packing import Items, Worker, pack_longest_first
from cipredict.learn.case_time import TimedCases, replay_cases
from cipredict.learn.clock import DEFAULT
from cipredict.learn.history import History
from cipredict.learn.leader import Leader

CANDIDATES = ("last", DEFAULT, "half", "last_lower", "ewma", "median3")
PLAN_DEFAULT = "last"
"""Nothing beats it clearly on six public suites (benchmarks/prediction/durations.py)."""
SHARDS = 8
_WORKERS = tuple(Worker(str(number)) for number in range(SHARDS))
_RECENT_RUNS = 40
_MARGIN = 0.5
"""The makespan of one run owes much to luck, so `last` is left only for something that loses half as much."""


@dataclass(frozen=True, slots=True)
class PlanStudy:
    """Makespans over their bound, mean of the runs replayed, by candidate; and whom to plan with."""

    chosen: str
    ratios: Mapping[str, float]


def study_plans(history: History) -> PlanStudy:
    """Replay the last runs with at least two cases per shard."""
    leader, ratios = Leader(PLAN_DEFAULT, margin=_MARGIN, decay=0.95), defaultdict(list)
    first = len(history.runs) - _RECENT_RUNS
    for timed in replay_cases(history):
        if timed.position >= first and len(timed.slots) >= 2 * SHARDS:
            found = plan_ratios(timed)
            leader.absorb({name: ratio - 1 for name, ratio in found.items()})
            for name, ratio in found.items():
                ratios[name].append(ratio)
    return PlanStudy(leader.name, {name: float(np.mean(values)) for name, values in ratios.items()})


def plan_ratios(timed: TimedCases) -> dict[str, float]:
    """Give the makespan over max(total / shards, longest case) of each candidate's plan of one run."""
    experts, actual = timed.clock.experts(timed.slots), timed.actual_s
    bound_s = max(float(actual.sum()) / SHARDS, float(actual.max()), 1e-9)
    return {name: _makespan_s(experts[name], actual) / bound_s for name in CANDIDATES}


def _makespan_s(expected: NDArray[np.float64], actual: NDArray[np.float64]) -> float:
    nothing = [0.0] * len(expected)
    homes = pack_longest_first(Items(expected.tolist(), nothing, [0] * len(expected)), _WORKERS)
    return float(np.bincount(homes, actual).max())
