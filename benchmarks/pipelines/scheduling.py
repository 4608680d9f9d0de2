"""How good schedules are: PSPLIB instances with best known values, graphs shaped like real workflows, a thousand tasks.

Run: ``python benchmarks/pipelines/scheduling.py [--data ../shared/data/rcpsp] [--only j60] [--seconds 1] [--exact]
[--every 1]``. Tables on stdout. Limits in seconds are CPU time of this process for the search, wall time for CP-SAT.
A gap is makespan / best known - 1. The sample is fixed: of each of the 48 parameter settings one of its ten instances.
"""

from __future__ import annotations

import argparse
import csv
import random
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import mean

from cipredict.decide.scheduling.bounds import lower_bound
from cipredict.decide.scheduling.critical_path import find_critical_paths
from cipredict.decide.scheduling.generation import makespan_of, parallel_schedule
from cipredict.decide.scheduling.project import Project, Task, make_project
from cipredict.decide.scheduling.schedule import Effort, Schedule, make_schedule

SETTINGS = 48


def read_instance(path: Path) -> Project:
    """Read a PSPLIB .sm file; its periods become milliseconds."""
    lines = path.read_text(encoding="ascii").splitlines()
    relations = _section(lines, "PRECEDENCE", skip=2)
    requests = _section(lines, "REQUESTS", skip=3)
    capacities = _section(lines, "RESOURCEAVAILABILITIES", skip=2)[0]
    needs: dict[int, list[str]] = {row[0]: [] for row in relations}
    for row in relations:
        for successor in row[3:]:
            needs[successor].append(str(row[0]))
    tasks = [
        Task(str(row[0]), row[2], tuple(needs[row[0]]), {f"R{at}": units for at, units in enumerate(row[3:])})
        for row in requests
    ]
    return make_project(tasks, resources={f"R{at}": units for at, units in enumerate(capacities)})


def _section(lines: Sequence[str], title: str, *, skip: int) -> list[list[int]]:
    first = next(at for at, line in enumerate(lines) if line.startswith(title)) + skip
    rows = []
    for line in lines[first:]:
        if line.startswith("*"):
            break
        rows.append(list(map(int, line.split())))
    return rows


def check(schedule: Schedule) -> None:
    """Check a schedule by its definition, moment by moment, with none of the code that made it."""
    project, starts = schedule.project, schedule.starts
    ends = [start + duration for start, duration in zip(starts, project.durations, strict=True)]
    assert all(start >= 0 for start in starts)
    assert all(ends[one] <= starts[at] for at, needed in enumerate(project.before) for one in needed)
    for moment in set(starts):
        for resource, capacity in enumerate(project.capacities):
            running = (at for at in range(len(starts)) if starts[at] <= moment < ends[at])
            assert sum(dict(project.demands[at]).get(resource, 0) for at in running) <= capacity
    assert max(ends) == schedule.makespan_ms >= schedule.lower_bound_ms


def on_psplib(folder: Path, name: str, *, effort: Effort, every: int) -> None:
    with (folder / "best_known.csv").open(encoding="utf-8") as file:
        best = {row["instance"]: int(row["ub"]) for row in csv.DictReader(file)}
    gaps, bounds, cpu, wall = [], 0, [], []
    for setting in range(1, SETTINGS + 1, every):
        instance = f"{name}{setting}_{setting * 7 % 10 + 1}"
        project = read_instance(folder / name / f"{instance}.sm")
        began = time.process_time(), time.monotonic()
        schedule = make_schedule(project, effort, clock=time.process_time)
        cpu.append(time.process_time() - began[0])
        wall.append(time.monotonic() - began[1])
        check(schedule)
        bounds += schedule.makespan_ms == schedule.lower_bound_ms
        gaps.append(schedule.makespan_ms / best[instance] - 1)
    print(
        f"{name:5} {len(gaps):3}  {'default' if effort.seconds is None else f'{effort.seconds:g} s':7} "
        f"{'search + CP-SAT' if effort.exact else 'search':15}  {mean(gaps):7.2%} {max(gaps):7.2%}  "
        f"{sum(gap <= 0 for gap in gaps):3} {bounds:3}  {mean(cpu):6.2f} {max(cpu):6.2f}  {max(wall):6.2f}"
    )


def real_shaped(generator: random.Random) -> list[Task]:
    """Draw a graph like those of workflows: stages of expanded matrices behind gates, 6 to 60 jobs, depth to 5."""
    layers: list[list[str]] = []
    tasks: list[Task] = []
    for depth in range(generator.choice((2, 2, 3, 3, 4, 5))):
        width = generator.choice((1, 2, 3, 4, 6, 9, 12, 18))
        layer = [f"{depth}.{at}" for at in range(width)]
        for name in layer:
            above = [one for earlier in layers[-2:] for one in earlier]
            needs = generator.sample(above, min(len(above), generator.choice((0, 1, 1, 2, 3))))
            if depth and generator.random() < 0.2:
                needs = list(layers[-1])
            tasks.append(Task(name, round(1000 * generator.lognormvariate(4, 1)), tuple(needs)))
        layers.append(layer)
    return tasks if len(tasks) >= 6 else real_shaped(generator)


def on_shapes(count: int, *, max_parallel: int) -> None:
    """Compare the default schedule with first come first served; the best found is that of 3 s with CP-SAT."""
    generator = random.Random(0)
    rows: dict[str, list[float]] = {"first come": [], "latest start": [], "default": []}
    cpu = []
    for _ in range(count):
        project = make_project(real_shaped(generator), max_parallel=max_parallel)
        began = time.process_time()
        default = make_schedule(project)
        cpu.append(time.process_time() - began)
        best = make_schedule(project, Effort(seconds=3, exact=True), clock=time.process_time)
        check(default)
        check(best)
        reference = min(best.makespan_ms, default.makespan_ms)
        latest = find_critical_paths(project).latest
        found = {
            "first come": makespan_of(project, parallel_schedule(project, range(len(project)))),
            "latest start": makespan_of(project, parallel_schedule(project, latest)),
            "default": default.makespan_ms,
        }
        for name, makespan in found.items():
            rows[name].append(makespan / reference - 1)
    print(
        f"{count} graphs shaped like workflows, {max_parallel} parallel jobs; CPU of a default schedule: "
        f"mean {mean(cpu):.2f} s, max {max(cpu):.2f} s"
    )
    for name, gaps in rows.items():
        print(f"  {name:13} mean {mean(gaps):6.2%}  max {max(gaps):6.2%}")


def on_many(tasks: int) -> None:
    """Time a thousand tasks: on 20 parallel jobs and 3 GPUs, and where three resources are short at once."""
    generator = random.Random(1)
    loose = [
        Task(
            str(at),
            generator.randint(1, 600_000),
            tuple(
                {str(generator.randrange(max(0, at - 50), at)) for _ in range(generator.randint(0, 3))} if at else ()
            ),
            {"gpu": int(generator.random() < 0.2)},
        )
        for at in range(tasks)
    ]
    tight = [
        Task(
            str(at),
            generator.randint(1, 600_000),
            tuple(
                {str(generator.randrange(max(0, at - 12), at)) for _ in range(generator.randint(0, 2))} if at else ()
            ),
            {"gpu": int(generator.random() < 0.5), "cpu": generator.randint(0, 8), "memory": generator.randint(0, 8)},
        )
        for at in range(tasks)
    ]
    _time("loose", loose, {"gpu": 3})
    _time("tight", tight, {"gpu": 5, "cpu": 16, "memory": 16})


def _time(name: str, tasks: Sequence[Task], resources: dict[str, int]) -> None:
    began = time.process_time()
    project = make_project(tasks, max_parallel=20, resources=resources)
    schedule = make_schedule(project)
    took = time.process_time() - began
    check(schedule)
    at_once = makespan_of(project, parallel_schedule(project, find_critical_paths(project).latest))
    print(
        f"{len(tasks)} tasks, {name}: {took:.2f} s CPU, gap to the lower bound {schedule.gap_share:.2%} "
        f"(latest start alone {at_once / lower_bound(project) - 1:.2%})"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/rcpsp"))
    parser.add_argument("--only", choices=("j30", "j60", "shapes", "many"))
    parser.add_argument("--seconds", type=float, help="instead of the default effort")
    parser.add_argument("--exact", action="store_true")
    parser.add_argument("--every", type=int, default=1)
    options = parser.parse_args()
    parts: dict[str, Callable[[], None]] = {
        "many": lambda: on_many(1000),
        "shapes": lambda: on_shapes(40 // options.every, max_parallel=4),
    }
    effort = Effort(seconds=options.seconds, exact=options.exact)
    for name in ("j30", "j60"):
        parts[name] = lambda name=name: on_psplib(options.data, name, effort=effort, every=options.every)  # type: ignore[misc]
    chosen: Iterator[str] = iter([options.only] if options.only else list(parts))
    for name in chosen:
        if name.startswith("j"):
            print("set     n  limit   method           mean gap     max best proven  cpu mean max  wall max")
        parts[name]()


if __name__ == "__main__":
    main()
