"""What no schedule can undercut: the longest chain, and the work of each resource between its head and its tail."""

from __future__ import annotations

from cipredict.decide.scheduling.critical_path import earliest_starts, latest_starts
from cipredict.decide.scheduling.generation import makespan_of
from cipredict.decide.scheduling.project import Project


def lower_bound(project: Project) -> int:
    """Give milliseconds that every schedule takes at least."""
    earliest = earliest_starts(project)
    longest_chain = makespan_of(project, earliest)
    latest = latest_starts(project, longest_chain)
    tails = [longest_chain - late - duration for late, duration in zip(latest, project.durations, strict=True)]
    works = [_work_bound(project, resource, heads=earliest, tails=tails) for resource in range(len(project.capacities))]
    return max([longest_chain, *works])


def _work_bound(project: Project, resource: int, *, heads: list[int], tails: list[int]) -> int:
    """Bound by tasks that cannot begin early: their first head, their work on this resource, their shortest tail.

    The same from the other end: tasks with a long tail come before it. All sets of the form "head at least h" and
    "tail at least q" are looked at.
    """
    users = [
        (heads[at], tails[at], project.durations[at] * units)
        for at, demand in enumerate(project.demands)
        for used, units in demand
        if used == resource and project.durations[at]
    ]
    capacity = project.capacities[resource]
    late = _over_sets(sorted(users, reverse=True), capacity)
    early = _over_sets(sorted(((tail, head, work) for head, tail, work in users), reverse=True), capacity)
    return max(late, early)


def _over_sets(users: list[tuple[int, int, int]], capacity: int) -> int:
    """Give the best bound over the sets of the first users, ordered by falling head."""
    bound = work = 0
    shortest_tail: int | None = None
    for head, tail, own in users:
        work += own
        shortest_tail = tail if shortest_tail is None else min(shortest_tail, tail)
        bound = max(bound, head + -(-work // capacity) + shortest_tail)
    return bound
