"""Schedules at once, one task after the other by priority: serial and parallel generation, in exact milliseconds.

serial    each task in turn as early as needs and resources let it; some serial order gives an optimum
parallel  at each moment the most urgent tasks that fit: what an executor does that knows nothing of the future

The priority that wins both ways is the latest start (see docs/pipelines.md).
"""

from __future__ import annotations

import heapq
from bisect import bisect_right
from collections.abc import Sequence

from cipredict.decide.scheduling.project import Project

Starts = list[int]
"""Milliseconds by position in the project."""


def makespan_of(project: Project, starts: Sequence[int]) -> int:
    """Give when the last task ends."""
    return max((start + duration for start, duration in zip(starts, project.durations, strict=True)), default=0)


class _Profile:
    """Free units of every resource over time; a segment lasts from its time to the next one's, the last for ever."""

    def __init__(self, capacities: Sequence[int]) -> None:
        self._times = [0]
        self._free = [list(capacities)]

    def place(self, earliest: int, duration: int, demand: Sequence[tuple[int, int]]) -> int:
        """Give the first start from `earliest` on at which the demand fits throughout, and take it there."""
        start = earliest
        if not duration or not demand:
            return start
        at = bisect_right(self._times, start) - 1
        while at < len(self._times) and self._times[at] < start + duration:
            free = self._free[at]
            at += 1
            for resource, units in demand:  # a loop: any() over a generator takes twice as long
                if free[resource] < units:
                    start = self._times[at]  # there is one: at the end of the profile everything is free
                    break
        for segment in range(self._cut(start), self._cut(start + duration)):
            for resource, units in demand:
                self._free[segment][resource] -= units
        return start

    def _cut(self, time: int) -> int:
        """Make a segment begin at `time`; give its position."""
        at = bisect_right(self._times, time) - 1
        if self._times[at] != time:
            at += 1
            self._times.insert(at, time)
            self._free.insert(at, self._free[at - 1].copy())
        return at


def serial_schedule(project: Project, order: Sequence[int]) -> Starts:
    """Place tasks in an order that respects needs."""
    profile = _Profile(project.capacities)
    starts = [0] * len(project)
    for at in order:
        ready = max((starts[one] + project.durations[one] for one in project.before[at]), default=0)
        starts[at] = profile.place(ready, project.durations[at], project.demands[at])
    return starts


def serial_order(project: Project, priority: Sequence[float]) -> list[int]:
    """Give the order that takes the smallest priority number first among the tasks whose needs are placed."""
    waiting = list(map(len, project.before))
    free = [(priority[at], at) for at, count in enumerate(waiting) if not count]
    heapq.heapify(free)
    order = []
    while free:
        _, at = heapq.heappop(free)
        order.append(at)
        for one in project.after[at]:
            waiting[one] -= 1
            if not waiting[one]:
                heapq.heappush(free, (priority[one], one))
    return order


def parallel_schedule(project: Project, priority: Sequence[float], durations: Sequence[int] | None = None) -> Starts:
    """Start at each end of a task whatever fits, the smallest priority number first.

    `durations` are what the tasks really take, where that differs from what was planned with.
    """
    took = project.durations if durations is None else durations
    starts = [0] * len(project)
    free = list(project.capacities)
    waiting = list(map(len, project.before))
    ready = sorted((priority[at], at) for at, count in enumerate(waiting) if not count)
    running: list[tuple[int, int]] = []
    now = 0
    while ready or running:
        held = []
        for entry in ready:
            at = entry[1]
            if all(free[resource] >= units for resource, units in project.demands[at]):
                for resource, units in project.demands[at]:
                    free[resource] -= units
                starts[at] = now
                heapq.heappush(running, (now + took[at], at))
            else:
                held.append(entry)
        freed = _end_next(project, running, free=free, waiting=waiting)
        now = freed[0]
        ready = sorted([*held, *((priority[at], at) for at in freed[1])]) if freed[1] else held
    return starts


def _end_next(
    project: Project, running: list[tuple[int, int]], *, free: list[int], waiting: list[int]
) -> tuple[int, list[int]]:
    """End what ends next; give that moment and the tasks that have all they need from then on."""
    now = running[0][0]
    ready = []
    while running and running[0][0] == now:
        _, at = heapq.heappop(running)
        for resource, units in project.demands[at]:
            free[resource] += units
        for one in project.after[at]:
            waiting[one] -= 1
            if not waiting[one]:
                ready.append(one)
    return now, ready
