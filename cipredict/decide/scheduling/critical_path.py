"""The critical path method: what could start when, and what may be late, if there were runners without number.

::

    lint 2 ── docs 1                 makespan 25: build, e2e are critical
    build 5 ─┬─ unit 10              slack: unit 10, lint and docs 22
             └─ e2e 20

The backward pass starts from the project's makespan. From each sink's own earliest start every sink is critical,
which is the brief's mistake.
"""

from __future__ import annotations

from dataclasses import dataclass

from cipredict.decide.scheduling.project import Project

MAX_PATHS = 10


@dataclass(frozen=True, slots=True)
class CriticalPaths:
    """Milliseconds by position in the project.

    Attributes
    ----------
    total_slack : how late a task may be before the project is
    free_slack : how late it may be before any other task is
    critical : positions without total slack
    paths : chains of critical tasks from time 0 to the makespan, the first MAX_PATHS of `path_count`
    """

    earliest: tuple[int, ...]
    latest: tuple[int, ...]
    makespan_ms: int
    total_slack: tuple[int, ...]
    free_slack: tuple[int, ...]
    critical: tuple[int, ...]
    paths: tuple[tuple[int, ...], ...]
    path_count: int


def find_critical_paths(project: Project) -> CriticalPaths:
    """Pass forward for the earliest starts, backward from the makespan for the latest."""
    earliest = earliest_starts(project)
    finish = [start + duration for start, duration in zip(earliest, project.durations, strict=True)]
    makespan = max(finish, default=0)
    latest = latest_starts(project, makespan)
    slack = tuple(late - early for late, early in zip(latest, earliest, strict=True))
    free = tuple(
        min((earliest[one] for one in project.after[at]), default=makespan) - finish[at] for at in range(len(project))
    )
    critical = tuple(at for at, room in enumerate(slack) if room == 0)
    count, paths = _paths(project, earliest, frozenset(critical))
    return CriticalPaths(tuple(earliest), tuple(latest), makespan, slack, free, critical, paths, count)


def earliest_starts(project: Project) -> list[int]:
    """Give the start of each task where nothing but its needs holds it back."""
    starts: list[int] = []
    for needed in project.before:
        starts.append(max((starts[one] + project.durations[one] for one in needed), default=0))
    return starts


def latest_starts(project: Project, makespan_ms: int) -> list[int]:
    """Give the latest start of each task that lets the project end by `makespan_ms`."""
    starts = [0] * len(project)
    for at in range(len(project) - 1, -1, -1):
        end = min((starts[one] for one in project.after[at]), default=makespan_ms)
        starts[at] = end - project.durations[at]
    return starts


def _paths(project: Project, earliest: list[int], critical: frozenset[int]) -> tuple[int, tuple[tuple[int, ...], ...]]:
    """Count the chains without a gap, and list the first of them, without walking all: there may be 2**n."""
    following = {
        at: [
            one
            for one in project.after[at]
            if one in critical and earliest[one] == earliest[at] + project.durations[at]
        ]
        for at in critical
    }

    counts: dict[int, int] = {}
    for at in sorted(critical, reverse=True):
        counts[at] = sum(counts[one] for one in following[at]) or 1
    sources = [at for at in sorted(critical) if not any(one in critical for one in project.before[at])]
    paths: list[tuple[int, ...]] = []
    stack: list[tuple[int, ...]] = [(source,) for source in reversed(sources)]
    while stack and len(paths) < MAX_PATHS:
        path = stack.pop()
        if following[path[-1]]:
            stack.extend((*path, one) for one in reversed(following[path[-1]]))
        else:
            paths.append(path)
    return sum(counts[source] for source in sources), tuple(paths)
