"""From a project to a schedule that says how good it is: at once, improved, or as good as proven.

1. latest-start priorities, serial and parallel generation
2. a genetic search with forward-backward improvement, unless the lower bound is reached
3. CP-SAT, where it is asked for
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from cipredict.decide.scheduling.bounds import lower_bound
from cipredict.decide.scheduling.critical_path import CriticalPaths, find_critical_paths
from cipredict.decide.scheduling.exact import Limits, solve_exact
from cipredict.decide.scheduling.generation import (
    Starts,
    makespan_of,
    parallel_schedule,
    serial_order,
    serial_schedule,
)
from cipredict.decide.scheduling.project import Project
from cipredict.decide.scheduling.search import Budget, improve

_SEARCH_SHARE = 0.5
"""Of a limit in seconds, before CP-SAT takes over."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How hard to try.

    Attributes
    ----------
    seconds : None: about 0.2 s of work, counted instead of measured, so that every machine plans alike
    exact : ask CP-SAT too
    work : CP-SAT's limit in deterministic time where `seconds` is None
    """

    seconds: float | None = None
    exact: bool = False
    work: float = 1.0
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Schedule:
    """A feasible schedule; milliseconds by position in the project.

    Attributes
    ----------
    lower_bound_ms : no schedule is shorter
    chain : positions from time 0 to the end, each waiting for the one before it, by need or by resource
    """

    project: Project = field(repr=False)
    starts: tuple[int, ...]
    makespan_ms: int
    lower_bound_ms: int
    paths: CriticalPaths = field(repr=False)
    chain: tuple[int, ...]

    @property
    def gap_share(self) -> float:
        """How far above the lower bound it ends; 0 is proven optimal."""
        return self.makespan_ms / self.lower_bound_ms - 1 if self.lower_bound_ms else 0.0

    def utilisation(self) -> dict[str, float]:
        """Give the share of each resource's capacity that is in use until the end."""
        used = dict.fromkeys(self.project.resources, 0)
        for duration, demand in zip(self.project.durations, self.project.demands, strict=True):
            for resource, units in demand:
                used[self.project.resources[resource]] += duration * units
        capacity = dict(zip(self.project.resources, self.project.capacities, strict=True))
        return {name: work / (capacity[name] * self.makespan_ms or 1) for name, work in used.items()}


def make_schedule(
    project: Project, effort: Effort | None = None, *, clock: Callable[[], float] = time.monotonic
) -> Schedule:
    """Schedule a project; raises UsageError where `exact` is asked for and OR-tools is not installed."""
    effort = effort or Effort()
    paths = find_critical_paths(project)
    bound = lower_bound(project)
    starts = improve(project, schedule_at_once(project), budget=_budget(effort), clock=clock, lower_bound_ms=bound)
    if effort.exact:
        limits = Limits(seed=effort.seed, work=effort.work)
        if effort.seconds is not None:
            limits = replace(limits, work=None, seconds=effort.seconds * (1 - _SEARCH_SHARE))
        proof = solve_exact(project, starts, limits=limits, lower_bound_ms=bound)
        order = sorted(range(len(project)), key=proof.starts.__getitem__)
        starts, bound = serial_schedule(project, order), proof.lower_bound_ms  # nothing waits without a reason
    return describe_schedule(project, starts, lower_bound_ms=bound, paths=paths)


def schedule_at_once(project: Project) -> Starts:
    """Give the better of serial and parallel generation by latest start."""
    latest = find_critical_paths(project).latest
    candidates = [serial_schedule(project, serial_order(project, latest)), parallel_schedule(project, latest)]
    return min(candidates, key=lambda starts: makespan_of(project, starts))


def describe_schedule(project: Project, starts: Starts, *, lower_bound_ms: int, paths: CriticalPaths) -> Schedule:
    """Put starts together with what they mean."""
    makespan = makespan_of(project, starts)
    return Schedule(project, tuple(starts), makespan, min(lower_bound_ms, makespan), paths, find_chain(project, starts))


def _budget(effort: Effort) -> Budget:
    if effort.seconds is None:
        return Budget(seed=effort.seed)
    return Budget(seconds=effort.seconds * (_SEARCH_SHARE if effort.exact else 1.0), seed=effort.seed)


def find_chain(project: Project, starts: Starts) -> tuple[int, ...]:
    """Walk back from the last end, through what each task waited for: a need first, else a resource that was freed.

    With limited resources this chain, and not the critical path, is what must become shorter. `starts` come from
    serial or parallel generation, so that every task waits for something.
    """
    if not starts:
        return ()
    ends = [start + duration for start, duration in zip(starts, project.durations, strict=True)]
    at = max(range(len(starts)), key=lambda one: (ends[one], -one))
    chain = [at]
    while starts[at] > 0:
        needed = [one for one in project.before[at] if ends[one] == starts[at]]
        at = (needed or _freed_for(project, at, starts=starts, ends=ends))[0]
        chain.append(at)
    return tuple(reversed(chain))


def _freed_for(project: Project, at: int, *, starts: Starts, ends: list[int]) -> list[int]:
    """Give the tasks that ended when `at` began, those first that used what it uses."""
    wanted = {resource for resource, _ in project.demands[at]}
    ended = [one for one, end in enumerate(ends) if end == starts[at] and starts[one] < starts[at]]
    return sorted(ended, key=lambda one: wanted.isdisjoint(resource for resource, _ in project.demands[one]))
