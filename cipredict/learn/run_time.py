"""Wall seconds of runs and jobs: one series per workflow, or per job of it, replayed in time order."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from math import log
from statistics import median

import numpy as np
from scipy.stats import theilslopes

from cipredict.forecast.doubt import doubt_of
from cipredict.forecast.features import ChangeFacts
from cipredict.forecast.run_features import (
    DEFAULT,
    GROUPS,
    JOB_SEPARATOR,
    KEPT,
    OFFSET_S,
    RUN_FEATURES,
    SeriesPast,
    group_keys,
    run_baselines,
    run_experts,
    run_features,
    spread_of,
)
from cipredict.learn.leader import Leader
from cipredict.learn.replay import MAX_BRANCHES
from cipredict.learn.seconds import SecondsRows

_DECAY, _MARGIN = 0.99, 0.1
"""Of the leader among simple forecasts: runs come in hundreds, so it is slow to change its mind."""
_GROUP_RUNS = 10
_PUBLISHED_KEYS = 20
_ERRORS = 40
_RUNNING_WEIGHT = 0.1
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
    event : what started it, as the provider spells it
    runner : label of the machine, of a job
    run : its number, the same for a run and its jobs; -1 where unknown
    """

    series: str
    position: int
    started_at: datetime
    finished_at: datetime
    facts: ChangeFacts
    wall_s: float
    cases_s: float = float("nan")
    event: str = ""
    runner: str = ""
    run: int = -1

    @property
    def keys(self) -> dict[str, str]:
        """What it has in common with others, see `group_keys`."""
        return group_keys(self.facts, event=self.event, runner=self.runner)


@dataclass(slots=True)
class SeriesMemory:
    """The rolling past of one series.

    Attributes
    ----------
    groups : of `GROUPS` → key → seconds of its last runs, the keys that ran last at the end
    running : runs and jobs beside it, smoothed
    leader : of the simple forecasts
    errors : logarithm of actual over expected by the leader, the newest last
    """

    seconds: list[float] = field(default_factory=list)
    groups: dict[str, dict[str, list[float]]] = field(default_factory=lambda: {name: {} for name in GROUPS})
    cases_s: float = 0.0
    running: float = 0.0
    runner: str = ""
    leader: Leader = field(default_factory=lambda: Leader(DEFAULT, margin=_MARGIN, decay=_DECAY))
    errors: list[float] = field(default_factory=list)

    def absorb(self, run: TimedRun) -> None:
        """Take a finished run in, after judging what had been expected of it."""
        if self.seconds:
            experts = run_experts(self.past(run))
            error = log((run.wall_s + OFFSET_S) / (experts[self.leader.name] + OFFSET_S))
            self.errors = [*self.errors, error][-_ERRORS:]
            self.leader.absorb({name: abs(expected - run.wall_s) for name, expected in experts.items()})
        self.seconds = [*self.seconds, run.wall_s][-KEPT:]
        for name, key in run.keys.items():
            members = self.groups[name]
            members[key] = [*members.pop(key, []), run.wall_s][-_GROUP_RUNS:]
            if len(members) > MAX_BRANCHES:
                del members[next(iter(members))]
        if np.isfinite(run.cases_s):
            self.cases_s = run.cases_s
        self.runner = run.runner

    def past(self, run: TimedRun, *, running: float | None = None) -> SeriesPast:
        """Give what is known for a run."""
        groups = {name: median(self.groups[name][key]) for name, key in run.keys.items() if key in self.groups[name]}
        beside = self.running if running is None else running
        return SeriesPast(tuple(self.seconds), groups, self.cases_s, beside, self.leader.name)

    def to_json(self) -> dict[str, object]:
        """Give what `predict run` needs; of each group the keys that ran last."""
        typical = {
            name: {key: round(median(seconds), 3) for key, seconds in list(members.items())[-_PUBLISHED_KEYS:]}
            for name, members in self.groups.items()
        }
        return {
            "seconds": self.seconds,
            "groups": typical,
            "cases_s": self.cases_s,
            "running": round(self.running, 3),
            "runner": self.runner,
            "leader": self.leader.name,
            "errors": [round(error, 3) for error in self.errors],
        }


def collect_run_times(runs: Sequence[TimedRun]) -> SecondsRows:
    """Replay `runs` by start: features and baselines from those of the same series that had finished."""
    memories: dict[str, SeriesMemory] = defaultdict(SeriesMemory)
    running: list[tuple[datetime, int]] = []
    parts = []
    ordered = sorted(runs, key=lambda run: (run.started_at, run.series))
    for number, run in enumerate(ordered):
        while running and running[0][0] <= run.started_at:
            done = ordered[heapq.heappop(running)[1]]
            memories[done.series].absorb(done)
        memory = memories[run.series]
        if memory.seconds:
            parts.append(_row(run, memory.past(run, running=len(running))))
        heapq.heappush(running, (run.finished_at, number))
    return SecondsRows.join(parts, n_features=len(RUN_FEATURES), names=tuple(run_baselines(SeriesPast((0.0,)))))


def _row(run: TimedRun, past: SeriesPast) -> SecondsRows:
    return SecondsRows(
        X=run_features(past, run.facts, run.started_at, event=run.event),
        actual_s=np.array([run.wall_s]),
        baselines={name: np.array([seconds]) for name, seconds in run_baselines(past).items()},
        position=np.array([run.position]),
        doubt=np.array([doubt_of(spread_of(past), len(past.seconds))]),
    )


def final_memories(runs: Sequence[TimedRun]) -> dict[str, SeriesMemory]:
    """Give every series after its last run."""
    memories: dict[str, SeriesMemory] = defaultdict(SeriesMemory)
    for run in sorted(runs, key=lambda timed: timed.finished_at):
        memories[run.series].absorb(run)
    for run, beside in _beside(runs):
        memory = memories[run.series]
        memory.running += _RUNNING_WEIGHT * (beside - memory.running)
    return dict(memories)


def _beside(runs: Sequence[TimedRun]) -> Iterator[tuple[TimedRun, int]]:
    """Give each run by start, with the number of runs and jobs that were running then."""
    running: list[datetime] = []
    for run in sorted(runs, key=lambda run: (run.started_at, run.series)):
        while running and running[0] <= run.started_at:
            heapq.heappop(running)
        yield run, len(running)
        heapq.heappush(running, run.finished_at)


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
