"""What is to be scheduled: tasks that need each other and share resources. Times are integer milliseconds.

Integers, because a critical path is a chain of equal numbers: .1 + .2 is not .3 in floats.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from cipredict.errors import UsageError

SLOTS = "parallel jobs"
"""The resource of which every task takes one, where the number of parallel jobs is limited."""


@dataclass(frozen=True, slots=True)
class Task:
    """One thing that runs from start to end without a pause.

    Attributes
    ----------
    needs : names of the tasks that must have ended
    demands : units of each resource that it holds while it runs
    is_alone : nothing runs beside it; it takes every slot of parallel jobs
    """

    name: str
    duration_ms: int
    needs: tuple[str, ...] = ()
    demands: Mapping[str, int] = field(default_factory=dict)
    is_alone: bool = False


@dataclass(frozen=True, slots=True)
class Project:
    """Checked tasks in an order that respects needs; everything else is by position in it.

    Attributes
    ----------
    durations : milliseconds
    before, after : positions of direct predecessors and successors, ascending
    demands : per task (resource, units), only where units are above 0
    resources, capacities : names and units, by the resource's position
    """

    names: tuple[str, ...]
    durations: tuple[int, ...]
    before: tuple[tuple[int, ...], ...]
    after: tuple[tuple[int, ...], ...]
    demands: tuple[tuple[tuple[int, int], ...], ...]
    resources: tuple[str, ...]
    capacities: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.names)


def make_project(
    tasks: Iterable[Task], *, max_parallel: int | None = None, resources: Mapping[str, int] | None = None
) -> Project:
    """Check tasks and number them.

    At most `max_parallel` tasks run at once, any number for None. `resources` gives the units of each resource; one
    that a task demands and that is not named there is an error.

    Raises
    ------
    UsageError
        Naming duplicates, unknown needs, a cycle, or demands that can never be met; every problem of its kind at once.
    """
    given = tuple(tasks)
    capacities = dict(resources or {})
    if max_parallel is not None:
        capacities[SLOTS] = max_parallel
    _check_names(given)
    _check_amounts(given, capacities)
    ordered = in_order_of_needs(given)
    place = {task.name: position for position, task in enumerate(ordered)}
    before = tuple(tuple(sorted({place[name] for name in task.needs})) for task in ordered)
    names = tuple(capacities)
    return Project(
        names=tuple(task.name for task in ordered),
        durations=tuple(task.duration_ms for task in ordered),
        before=before,
        after=_successors(before),
        demands=tuple(_demands(task, names, slots=max_parallel) for task in ordered),
        resources=names,
        capacities=tuple(capacities.values()),
    )


def _demands(task: Task, names: Sequence[str], *, slots: int | None) -> tuple[tuple[int, int], ...]:
    wanted = dict(task.demands)
    if slots is not None:
        wanted[SLOTS] = slots if task.is_alone else 1
    return tuple((at, wanted[name]) for at, name in enumerate(names) if wanted.get(name, 0) > 0)


def _successors(before: Sequence[Sequence[int]]) -> tuple[tuple[int, ...], ...]:
    after: list[list[int]] = [[] for _ in before]
    for position, needed in enumerate(before):
        for one in needed:
            after[one].append(position)
    return tuple(map(tuple, after))


def _check_names(tasks: Sequence[Task]) -> None:
    seen: set[str] = set()
    twice = sorted({task.name for task in tasks if task.name in seen or seen.add(task.name)})  # type: ignore[func-returns-value]  # add gives None, which is false
    if twice:
        raise UsageError(f"Defined more than once: {_quoted(twice)}.", slug="stage-duplicate")
    unknown = [f"'{task.name}' needs '{name}'" for task in tasks for name in task.needs if name not in seen]
    if unknown:
        raise UsageError(f"Unknown dependency: {', '.join(unknown)}.", slug="stage-unknown")


def _check_amounts(tasks: Sequence[Task], capacities: Mapping[str, int]) -> None:
    problems = [f"'{name}' has {units} units" for name, units in capacities.items() if units < 1]
    for task in tasks:
        if task.duration_ms < 0:
            problems.append(f"'{task.name}' takes {task.duration_ms} ms")
        for name, units in task.demands.items():
            if units < 0 or units > capacities.get(name, 0):
                problems.append(
                    f"'{task.name}' wants {units} of '{name}', of which there are {capacities.get(name, 0)}"
                )
    if problems:
        raise UsageError(f"Impossible resources: {'; '.join(problems)}.", slug="stage-resources")


def in_order_of_needs(tasks: Sequence[Task]) -> list[Task]:
    """Give the tasks so that each comes after what it needs, otherwise in the order given.

    Raises
    ------
    UsageError
        There is a cycle, which the message spells out.
    """
    waiting = {task.name: len(set(task.needs)) for task in tasks}
    freed: dict[str, list[Task]] = {task.name: [] for task in tasks}
    for task in tasks:
        for name in dict.fromkeys(task.needs):
            freed[name].append(task)
    ordered = [task for task in tasks if not task.needs]
    for task in ordered:  # grows while it is walked
        for successor in freed[task.name]:
            waiting[successor.name] -= 1
            if not waiting[successor.name]:
                ordered.append(successor)
    if len(ordered) < len(tasks):
        done = {task.name for task in ordered}
        raise UsageError(f"The stages need each other in a cycle: {_cycle(tasks, done)}.", slug="stage-cycle")
    return ordered


def _cycle(tasks: Sequence[Task], done: set[str]) -> str:
    """Walk back from a task that is never free until one comes again."""
    needs = {task.name: [name for name in task.needs if name not in done] for task in tasks if task.name not in done}
    walked = [next(iter(needs))]
    while needs[walked[-1]][0] not in walked:
        walked.append(needs[walked[-1]][0])
    loop = walked[walked.index(needs[walked[-1]][0]) :][::-1]
    first = loop.index(next(name for name in needs if name in loop))
    return " -> ".join([*loop[first:], *loop[:first], loop[first]])


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)
