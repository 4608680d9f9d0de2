"""The critical path, against the three mistakes of the brief's sketch, and against enumeration."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from cipredict.decide.scheduling.critical_path import MAX_PATHS, CriticalPaths, find_critical_paths
from cipredict.decide.scheduling.project import Project, Task, make_project


def names(project: Project, positions: tuple[int, ...]) -> set[str]:
    return {project.names[at] for at in positions}


def analyse(*tasks: Task) -> tuple[Project, CriticalPaths]:
    project = make_project(tasks)
    return project, find_critical_paths(project)


def test_a_sink_that_may_be_late_is_not_critical() -> None:
    project, found = analyse(
        Task("lint", 2),
        Task("docs", 1, ("lint",)),
        Task("build", 5),
        Task("unit", 10, ("build",)),
        Task("e2e", 20, ("build",)),
    )

    slack = dict(zip(project.names, found.total_slack, strict=True))
    assert names(project, found.critical) == {"build", "e2e"}
    assert slack == {"lint": 22, "docs": 22, "unit": 10, "build": 0, "e2e": 0}
    assert found.makespan_ms == 25


def test_free_slack_delays_nobody() -> None:
    project, found = analyse(Task("a", 2), Task("b", 1, ("a",)), Task("c", 10), Task("d", 1, ("b", "c")))

    free = dict(zip(project.names, found.free_slack, strict=True))
    assert free == {"a": 0, "b": 7, "c": 0, "d": 0}


def test_equal_chains_of_tenths_are_both_critical() -> None:
    """0.1 + 0.2 + 0.3 is not 0.6 in floats, which leaves no critical path at all."""
    project, found = analyse(Task("a", 100), Task("b", 200, ("a",)), Task("c", 300, ("b",)), Task("d", 600))

    assert [names(project, path) for path in found.paths] == [{"d"}, {"a", "b", "c"}] or [
        names(project, path) for path in found.paths
    ] == [{"a", "b", "c"}, {"d"}]
    assert found.path_count == 2


def test_a_task_without_needs_starts_at_once() -> None:
    _, found = analyse(Task("only", 7))

    assert (found.earliest, found.critical, found.paths) == ((0,), (0,), ((0,),))


def test_no_task_takes_no_time() -> None:
    _, found = analyse()

    assert (found.makespan_ms, found.paths, found.path_count) == (0, (), 0)


def test_many_critical_paths_are_counted_and_not_walked() -> None:
    tasks, last = [Task("0", 1)], "0"
    for layer in range(1, 41):
        tasks += [Task(f"{layer}a", 1, (last,)), Task(f"{layer}b", 1, (last,))]
        last = str(layer)
        tasks.append(Task(last, 1, (f"{layer}a", f"{layer}b")))
    _, found = analyse(*tasks)

    assert found.path_count == 2**40
    assert len(found.paths) == MAX_PATHS


@st.composite
def graphs(draw: st.DrawFn) -> Project:
    count = draw(st.integers(1, 8))
    tasks = [
        Task(
            str(at),
            draw(st.integers(0, 9)),
            tuple(map(str, sorted(draw(st.sets(st.integers(0, at - 1), max_size=3))))) if at else (),
        )
        for at in range(count)
    ]
    return make_project(tasks)


@given(graphs())
def test_paths_are_chains_of_full_length_and_the_critical_tasks_are_those_on_them(project: Project) -> None:
    found = find_critical_paths(project)

    for path in found.paths:
        assert sum(project.durations[at] for at in path) == found.makespan_ms
        assert all(one in project.before[other] for one, other in pairwise(path))
    if found.path_count <= MAX_PATHS:
        assert found.path_count == len(found.paths)
        on_paths = {at for path in found.paths for at in path}
        assert on_paths >= {at for at in found.critical if project.durations[at]}
    assert all(slack >= 0 for slack in found.total_slack)
    assert all(0 <= free <= total for free, total in zip(found.free_slack, found.total_slack, strict=True))
