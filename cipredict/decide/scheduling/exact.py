"""Shorter schedules and proofs by OR-tools' CP-SAT. Importing it takes half a second, so it happens only here.

It is asked for something shorter than the best schedule that is known: where there is none, that one is optimal.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd

from cipredict.decide.scheduling.critical_path import earliest_starts, latest_starts
from cipredict.decide.scheduling.generation import Starts, makespan_of
from cipredict.decide.scheduling.project import Project
from cipredict.errors import UsageError


@dataclass(frozen=True, slots=True)
class Limits:
    """When the solver gives up.

    Attributes
    ----------
    seconds : of wall time; the outcome then depends on the machine's speed
    work : of deterministic time, the solver's own measure, about a second each; reproducible
    """

    seconds: float | None = None
    work: float | None = None
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Proof:
    """What the solver found: starts no longer than those given, and a lower bound of its own, in milliseconds."""

    starts: Starts
    lower_bound_ms: int


def solve_exact(project: Project, starts: Starts, *, limits: Limits, lower_bound_ms: int) -> Proof:
    """Look for a schedule shorter than `starts`, one worker, so that equal limits of work give equal schedules.

    Raises
    ------
    UsageError
        OR-tools is not installed.
    """
    try:
        from ortools.sat.python import cp_model  # noqa: PLC0415  # half a second, only when asked for
    except ModuleNotFoundError as error:
        message = "Exact schedules need OR-tools: pip install 'cipredict[schedule]'."
        raise UsageError(message, slug="schedule-extra") from error
    unit = gcd(*project.durations) or 1
    known = makespan_of(project, starts)
    least = -(-lower_bound_ms // unit)  # in units: whatever is shortest ends at a multiple of one
    if known <= least * unit:
        return Proof(starts, known)
    horizon = known // unit - 1
    earliest = earliest_starts(project)
    latest = latest_starts(project, horizon * unit)
    if any(late < early for late, early in zip(latest, earliest, strict=True)):
        return Proof(starts, known)
    model = cp_model.CpModel()
    begins = [model.new_int_var(early // unit, late // unit, "") for early, late in zip(earliest, latest, strict=True)]
    end = model.new_int_var(least, horizon, "end")
    _constrain(model, project, begins, end=end, durations=[duration // unit for duration in project.durations])
    solver = _solver(cp_model, limits)
    status = solver.solve(model)
    if status == cp_model.INFEASIBLE:
        return Proof(starts, known)
    found = (
        [solver.value(begin) * unit for begin in begins] if status in {cp_model.OPTIMAL, cp_model.FEASIBLE} else None
    )
    bound = max(lower_bound_ms, round(solver.best_objective_bound) * unit)
    return Proof(starts if found is None else found, min(bound, known))


def _constrain(model, project: Project, begins, *, end, durations: list[int]) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001  # the module is imported late
    """Say what needs and resources demand, and that the end is to be early."""
    for at, needed in enumerate(project.before):
        model.add(begins[at] + durations[at] <= end)
        for one in needed:
            model.add(begins[one] + durations[one] <= begins[at])
    spans = [
        model.new_fixed_size_interval_var(begin, duration, "")
        for begin, duration in zip(begins, durations, strict=True)
    ]
    for resource, capacity in enumerate(project.capacities):
        users = [(at, units) for at, demand in enumerate(project.demands) for used, units in demand if used == resource]
        model.add_cumulative([spans[at] for at, _ in users], [units for _, units in users], capacity)
    model.minimize(end)


def _solver(cp_model, limits: Limits):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202  # the module is imported late
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = limits.seed
    solver.parameters.linearization_level = 0  # on PSPLIB twice as fast as the default: see docs/pipelines.md
    if limits.seconds is not None:
        solver.parameters.max_time_in_seconds = limits.seconds
    if limits.work is not None:
        solver.parameters.max_deterministic_time = limits.work
    return solver
