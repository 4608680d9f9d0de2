"""Schedules are feasible, and as short as brute force finds; checked by a checker of its own."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cipredict.decide.scheduling.bounds import lower_bound
from cipredict.decide.scheduling.critical_path import find_critical_paths
from cipredict.decide.scheduling.exact import Limits, Proof, solve_exact
from cipredict.decide.scheduling.generation import (
    Starts,
    makespan_of,
    parallel_schedule,
    serial_order,
    serial_schedule,
)
from cipredict.decide.scheduling.project import SLOTS, Project, Task, make_project
from cipredict.decide.scheduling.schedule import Effort, make_schedule, schedule_at_once
from cipredict.decide.scheduling.search import Budget, improve
from cipredict.decide.scheduling.simulation import Spread, simulate_finish
from cipredict.decide.scheduling.ticks import MAX_TICKS, TickProject
from cipredict.errors import UsageError


def assert_feasible(project: Project, starts: Starts | tuple[int, ...]) -> None:
    """Look at every moment at which something starts, by definition."""
    ends = [start + duration for start, duration in zip(starts, project.durations, strict=True)]
    for at, needed in enumerate(project.before):
        assert all(ends[one] <= starts[at] for one in needed)
    for moment in starts:
        used = [0] * len(project.capacities)
        for at, start in enumerate(starts):
            if start <= moment < ends[at]:
                for resource, units in project.demands[at]:
                    used[resource] += units
        assert all(use <= capacity for use, capacity in zip(used, project.capacities, strict=True))
    assert min(starts, default=0) >= 0


@st.composite
def projects(draw: st.DrawFn, *, most: int = 8, longest: int = 9) -> Project:
    capacities = {"cpu": draw(st.integers(1, 4)), "gpu": draw(st.integers(1, 2))}
    tasks = [
        Task(
            str(at),
            draw(st.integers(0, longest)),
            tuple(map(str, sorted(draw(st.sets(st.integers(0, at - 1), max_size=2))))) if at else (),
            {name: draw(st.integers(0, units)) for name, units in capacities.items()},
        )
        for at in range(draw(st.integers(1, most)))
    ]
    return make_project(tasks, max_parallel=draw(st.none() | st.integers(1, 3)), resources=capacities)


def shortest(project: Project) -> int:
    """Place every order that respects needs; one of them is optimal."""
    return min(
        makespan_of(project, serial_schedule(project, order))
        for order in permutations(range(len(project)))
        if all(order.index(one) < order.index(at) for at in order for one in project.before[at])
    )


@given(projects(most=30, longest=1000))
@settings(deadline=None)
def test_every_way_gives_a_feasible_schedule_above_the_bound(project: Project) -> None:
    latest = find_critical_paths(project).latest
    schedules = [
        serial_schedule(project, serial_order(project, latest)),
        parallel_schedule(project, latest),
        improve(
            project,
            schedule_at_once(project),
            budget=Budget(schedules=30),
            clock=lambda: 0.0,
            lower_bound_ms=0,
        ),
    ]
    for starts in schedules:
        assert_feasible(project, starts)
        assert makespan_of(project, starts) >= lower_bound(project)
    assert makespan_of(project, schedules[2]) <= makespan_of(project, schedule_at_once(project))


@given(projects(most=6))
@settings(deadline=None, max_examples=60)
def test_small_projects_are_scheduled_as_short_as_brute_force_finds(project: Project) -> None:
    schedule = make_schedule(project)

    assert schedule.makespan_ms == shortest(project)
    assert schedule.lower_bound_ms <= schedule.makespan_ms


@given(projects(most=8))
@settings(deadline=None, max_examples=10)
def test_eight_tasks_are_scheduled_as_short_as_brute_force_finds(project: Project) -> None:
    assert make_schedule(project).makespan_ms == shortest(project)


@given(projects(most=20))
@settings(deadline=None)
def test_placing_in_ticks_equals_placing_in_milliseconds(project: Project) -> None:
    order = serial_order(project, find_critical_paths(project).latest)
    starts = serial_schedule(project, order)
    ticks = TickProject(project, makespan_of(project, starts))

    finish = ticks.place_all(order, ticks.before)

    assert ticks.is_exact
    assert finish == [
        (start + duration) // ticks.tick_ms for start, duration in zip(starts, project.durations, strict=True)
    ]


def test_ticks_round_what_has_no_common_divisor_and_stay_few() -> None:
    project = make_project([Task("a", 1_234_567), Task("b", 7), Task("c", 0)], max_parallel=1)
    ticks = TickProject(project, 1_234_574)

    assert not ticks.is_exact
    assert max(ticks.durations) <= MAX_TICKS
    assert dict(zip(project.names, ticks.durations, strict=True)) == {"a": 1024, "b": 1, "c": 0}


def test_where_ticks_round_too_much_the_schedule_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forty tasks of a millisecond take a tick each, which is a quarter of the long one's time."""
    monkeypatch.setattr("cipredict.decide.scheduling.ticks.MAX_TICKS", 4)
    project = make_project([Task("long", 1009), *(Task(str(at), 1) for at in range(40))], max_parallel=2)
    later = [start + 1 for start in schedule_at_once(project)]

    improved = improve(project, later, budget=Budget(schedules=9), clock=lambda: 0.0, lower_bound_ms=0)

    assert improved == later


@given(projects(most=12))
@settings(deadline=None, max_examples=30)
def test_the_chain_runs_without_a_gap_from_the_start_to_the_end(project: Project) -> None:
    schedule = make_schedule(project)
    ends = [start + duration for start, duration in zip(schedule.starts, project.durations, strict=True)]

    assert schedule.starts[schedule.chain[0]] == 0
    assert ends[schedule.chain[-1]] == schedule.makespan_ms
    for one, other in zip(schedule.chain, schedule.chain[1:], strict=False):
        assert ends[one] == schedule.starts[other]


def test_the_resource_chain_differs_from_the_critical_path() -> None:
    project = make_project([Task("a", 5), Task("b", 4), Task("c", 3)], max_parallel=1)
    schedule = make_schedule(project)

    assert [project.names[at] for at in schedule.paths.critical] == ["a"]
    assert len(schedule.chain) == 3
    assert (schedule.makespan_ms, schedule.gap_share) == (12, 0.0)
    assert schedule.utilisation() == {SLOTS: 1.0}


def test_equal_projects_give_equal_schedules() -> None:
    tasks = [Task(str(at), 37 * at % 11 + 1, (str(at // 3),) if at > 2 else ()) for at in range(40)]

    first, second = (make_schedule(make_project(tasks, max_parallel=3)) for _ in range(2))

    assert first.starts == second.starts


def test_a_limit_in_seconds_is_kept_by_the_given_clock() -> None:
    tasks = [Task(str(at), at * 13 % 17 + 1, (str(at // 2),) if at > 1 else (), {"x": at % 3}) for at in range(60)]
    project = make_project(tasks, resources={"x": 3})
    asked = iter(range(10_000))

    make_schedule(project, Effort(seconds=50), clock=lambda: float(next(asked)))

    assert next(asked) <= 60


@pytest.mark.parametrize(
    ("tasks", "limits", "slug", "says"),
    [
        pytest.param([Task("a", 1), Task("a", 1)], {}, "stage-duplicate", "'a'", id="duplicate"),
        pytest.param([Task("a", 1, ("b",))], {}, "stage-unknown", "'a' needs 'b'", id="unknown"),
        pytest.param(
            [Task("a", 1, ("c",)), Task("b", 1, ("a",)), Task("c", 1, ("b",)), Task("d", 1, ("c",))],
            {},
            "stage-cycle",
            "a -> b -> c -> a",
            id="cycle",
        ),
        pytest.param([Task("a", 1, ("a",))], {}, "stage-cycle", "a -> a", id="itself"),
        pytest.param(
            [Task("a", 1, (), {"gpu": 2})],
            {"resources": {"gpu": 1}},
            "stage-resources",
            "'a' wants 2 of 'gpu', of which there are 1",
            id="too much",
        ),
        pytest.param([Task("a", 1, (), {"gpu": 1})], {}, "stage-resources", "there are 0", id="unknown resource"),
        pytest.param([Task("a", 1)], {"max_parallel": 0}, "stage-resources", "has 0 units", id="no slot"),
        pytest.param([Task("a", -1)], {}, "stage-resources", "takes -1 ms", id="negative"),
    ],
)
def test_what_cannot_be_scheduled_is_refused_in_one_line(
    tasks: list[Task], limits: dict[str, object], slug: str, says: str
) -> None:
    with pytest.raises(UsageError) as caught:
        make_project(tasks, **limits)  # type: ignore[arg-type]  # a table of keyword arguments

    assert caught.value.slug == slug
    assert says in caught.value.message
    assert "\n" not in caught.value.message


def test_exact_schedules_are_proven_and_reproducible() -> None:
    pytest.importorskip("ortools")
    tasks = [Task(str(at), 37 * at % 11 + 1, (str(at // 3),) if at > 2 else (), {"m": at % 3}) for at in range(16)]
    project = make_project(tasks, max_parallel=3, resources={"m": 3})
    worst = serial_schedule(project, range(len(project)))

    proofs = [solve_exact(project, worst, limits=Limits(work=2.0), lower_bound_ms=0) for _ in range(2)]

    assert_feasible(project, proofs[0].starts)
    assert proofs[0] == proofs[1]
    assert makespan_of(project, proofs[0].starts) == proofs[0].lower_bound_ms


@pytest.mark.parametrize("lower_bound_ms", range(5))
def test_a_bound_between_two_multiples_of_all_durations_is_the_next_one(lower_bound_ms: int) -> None:
    """Two tasks of 2 that exclude each other end at 4; that no schedule ends before 3 means 4, too."""
    pytest.importorskip("ortools")
    project = make_project([Task("a", 2, (), {"gpu": 1}), Task("b", 2, (), {"gpu": 2})], resources={"gpu": 2})

    assert Proof([0, 2], 4) == solve_exact(project, [0, 2], limits=Limits(work=2.0), lower_bound_ms=lower_bound_ms)


@given(projects(most=6))
@settings(deadline=None, max_examples=15)
def test_exact_equals_brute_force(project: Project) -> None:
    pytest.importorskip("ortools")
    schedule = make_schedule(project, Effort(exact=True))

    assert schedule.makespan_ms == schedule.lower_bound_ms == shortest(project)


def test_durations_without_spread_end_as_planned() -> None:
    project = make_project([Task("a", 100), Task("b", 200, ("a",))], max_parallel=1)
    finish = simulate_finish(project, (0, 100), [Spread(100, 100, 100), Spread(200, 200, 200)])

    assert (finish.p50_ms, finish.p90_ms) == (300, 300)


def test_the_end_of_one_task_is_drawn_from_its_interval() -> None:
    """An interval of 80 % has its upper end at P90."""
    project = make_project([Task("a", 1000)])
    finish = simulate_finish(project, (0,), [Spread(500, 1000, 3000)], coverage=0.8)

    assert abs(finish.p50_ms - 1000) < 100
    assert abs(finish.p90_ms - 3000) < 450


def test_joining_many_tasks_ends_later_than_each_is_expected_to() -> None:
    """The expectation of a maximum is above the maximum of expectations, which a plain forecast forgets."""
    tasks = [Task(str(at), 1000) for at in range(20)]
    finish = simulate_finish(make_project(tasks), (0,) * 20, [Spread(500, 1000, 2000)] * 20)

    assert finish.p50_ms > 1800
