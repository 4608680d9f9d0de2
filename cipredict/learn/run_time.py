"""Wall seconds of runs and jobs: one series per workflow, or per job of it, replayed in time order."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
from scipy.stats import theilslopes

from cipredict.forecast.features import ChangeFacts
from cipredict.forecast.run_features import KEPT, RUN_FEATURES, SeriesPast, run_baselines, run_features
from cipredict.learn.replay import MAX_BRANCHES
from cipredict.learn.seconds import SecondsRows

JOB_SEPARATOR = " / "
"""Between workflow and job in the name of a job's series."""
_RECENT_RUNS = 200
_LINE_RUNS = 10
_LINE_RANGE = 1.5
"""So many jobs, whose cases' seconds differ by such a factor, tell the fixed cost from the cost per case."""
_LEAST_SLOPE = 0.02
"""More than 50 processes in one job are no explanation."""


@dataclass(frozen=True, slots=True)
class TimedRun:
    """One finished run or job.

    Attributes
    ----------
    series : `workflow` or `workflow / job`
    position : of its run in the history, so that windows agree with the other predictors
    cases_s : sum of its cases' seconds, NaN where it reports none
    """

    series: str
    position: int
    started_at: datetime
    finished_at: datetime
    facts: ChangeFacts
    wall_s: float
    cases_s: float = float("nan")


@dataclass(slots=True)
class SeriesMemory:
    """The rolling past of one series; of branches, the `MAX_BRANCHES` that ran last."""

    seconds: list[float] = field(default_factory=list)
    by_branch: dict[str, float] = field(default_factory=dict)
    cases_s: float = 0.0

    def absorb(self, run: TimedRun) -> None:
        """Take a finished run in."""
        self.seconds = [*self.seconds, run.wall_s][-KEPT:]
        if run.facts.branch:
            self.by_branch.pop(run.facts.branch, None)
            self.by_branch[run.facts.branch] = run.wall_s
            if len(self.by_branch) > MAX_BRANCHES:
                del self.by_branch[next(iter(self.by_branch))]
        if np.isfinite(run.cases_s):
            self.cases_s = run.cases_s

    def past(self, branch: str) -> SeriesPast:
        """Give what is known for a run on `branch`."""
        return SeriesPast(tuple(self.seconds), self.by_branch.get(branch), self.cases_s)


def collect_run_times(runs: Sequence[TimedRun]) -> SecondsRows:
    """Replay `runs` by start: features and baselines from those of the same series that had finished."""
    memories: dict[str, SeriesMemory] = defaultdict(SeriesMemory)
    running: list[tuple[datetime, int]] = []
    rows, actual, positions = [], [], []
    baselines: dict[str, list[float]] = defaultdict(list)
    ordered = sorted(runs, key=lambda run: (run.started_at, run.series))
    for number, run in enumerate(ordered):
        while running and running[0][0] <= run.started_at:
            done = ordered[heapq.heappop(running)[1]]
            memories[done.series].absorb(done)
        memory = memories[run.series]
        if memory.seconds:
            past = memory.past(run.facts.branch)
            rows.append(run_features(past, run.facts, run.started_at))
            actual.append(run.wall_s)
            positions.append(run.position)
            for name, value in run_baselines(past).items():
                baselines[name].append(value)
        heapq.heappush(running, (run.finished_at, number))
    names = baselines or {name: [] for name in run_baselines(SeriesPast((0.0,)))}
    return SecondsRows(
        X=np.concatenate(rows) if rows else np.zeros((0, len(RUN_FEATURES)), np.float32),
        actual_s=np.asarray(actual, np.float64),
        baselines={name: np.asarray(values, np.float64) for name, values in names.items()},
        position=np.asarray(positions, np.int64),
    )


def final_memories(runs: Sequence[TimedRun]) -> dict[str, SeriesMemory]:
    """Give every series after its last run."""
    memories: dict[str, SeriesMemory] = defaultdict(SeriesMemory)
    for run in sorted(runs, key=lambda timed: timed.finished_at):
        memories[run.series].absorb(run)
    return dict(memories)


def fixed_overhead_s(runs: Sequence[TimedRun]) -> float:
    """Give the seconds that a job spends beside its cases: checkout, installation, collection; 0 if unknown.

    Jobs tell better than whole runs, whose jobs overlap. Per series the line wall = overhead + cases / processes is
    fitted by medians of slopes (Theil 1950, Sen 1968), which a few broken runs do not move; where the seconds of cases
    hardly vary, the median of the difference stands in. The median over the runs of all series is given.
    """
    series: defaultdict[str, list[tuple[float, float]]] = defaultdict(list)
    for run in runs:
        if np.isfinite(run.cases_s):
            series[run.series].append((run.cases_s, run.wall_s))
    jobs = {name: pairs for name, pairs in series.items() if JOB_SEPARATOR in name} or series
    found = [overhead for pairs in jobs.values() for overhead in [_intercept_s(pairs)] * len(pairs)]
    return float(np.median(found)) if found else 0.0


def _intercept_s(pairs: Sequence[tuple[float, float]]) -> float:
    cases_s, wall_s = np.array(pairs[-_RECENT_RUNS:], np.float64).T
    low, high = np.quantile(cases_s, (0.1, 0.9))
    if len(cases_s) >= _LINE_RUNS and high >= _LINE_RANGE * max(low, 1.0):
        slope, intercept = theilslopes(wall_s, cases_s)[:2]
        if _LEAST_SLOPE < slope <= 1.0:
            return max(float(intercept), 0.0)
    return max(float(np.median(wall_s - cases_s)), 0.0)
