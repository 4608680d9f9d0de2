"""A plan of a pipeline: its stages become jobs, the jobs a schedule, the schedule a forecast of the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cipredict.decide.pipelines.choosing import StageChoice
from cipredict.decide.pipelines.estimates import Estimate, StageHistory, estimate_stages, no_history
from cipredict.decide.scheduling.project import SLOTS, Project, Task, make_project
from cipredict.decide.scheduling.schedule import Effort, Schedule, make_schedule
from cipredict.decide.scheduling.simulation import Finish, Spread, simulate_finish
from cipredict.plans.document import MadeFrom
from cipredict.plans.pipeline_model import Pipeline, Stage
from cipredict.plans.pipeline_plan import PipelinePlan, PlannedJob, SkippedStage, verify_plan

NO_PRIORITY = (
    "A provider starts jobs in its own order: only needs, the order within a matrix and cipredict's own runner can "
    "impose this one."
)


@dataclass(frozen=True, slots=True)
class _Jobs:
    """The jobs of the stages that run: name → stage, and the tasks to schedule."""

    stages: Mapping[str, Stage]
    tasks: tuple[Task, ...]


def plan_pipeline(
    pipeline: Pipeline,
    choices: Sequence[StageChoice] | None = None,
    *,
    made_from: MadeFrom,
    history: StageHistory = no_history,
    effort: Effort | None = None,
) -> PipelinePlan:
    """Plan what `choices` let run, everything by default.

    Raises
    ------
    UsageError
        The stages do not fit together.
    """
    chosen = choices or [StageChoice(stage, True, "the whole pipeline") for stage in pipeline.complete()]  # noqa: FBT003  # it runs
    running = [choice.stage for choice in chosen if choice.runs]
    estimates = estimate_stages(pipeline.name, running, history)
    jobs = _jobs(running, estimates)
    project = make_project(jobs.tasks, max_parallel=_slots(pipeline, jobs), resources=pipeline.resources)
    schedule = make_schedule(project, effort)
    spreads = [_spread(estimates[jobs.stages[name].name]) for name in project.names]
    finish = simulate_finish(project, schedule.starts, spreads)
    reasons = {choice.stage.name: choice.reason for choice in chosen}
    plan = PipelinePlan(
        name=pipeline.name,
        made_from=made_from,
        jobs=tuple(
            _planned(schedule, at, jobs=jobs, estimates=estimates, reasons=reasons) for at in _by_start(schedule)
        ),
        skipped=tuple(SkippedStage(choice.stage.name, choice.reason) for choice in chosen if not choice.runs),
        makespan_s=schedule.makespan_ms / 1000,
        p10_s=finish.p10_ms / 1000,
        p50_s=finish.p50_ms / 1000,
        p90_s=finish.p90_ms / 1000,
        lower_bound_s=schedule.lower_bound_ms / 1000,
        unlimited_s=schedule.paths.makespan_ms / 1000,
        serial_s=sum(project.durations) / 1000,
        critical=tuple(project.names[at] for at in schedule.paths.critical),
        chain=tuple(project.names[at] for at in schedule.chain),
        utilisation={name: round(share, 4) for name, share in schedule.utilisation().items()},
        limits=dict(zip(project.resources, project.capacities, strict=True)),
        reasons=_notes(schedule, finish, estimates),
    )
    verify_plan(plan)
    return plan


def _slots(pipeline: Pipeline, jobs: _Jobs) -> int | None:
    """Limit parallel jobs where the pipeline does, or where one of them runs alone."""
    if pipeline.max_parallel_jobs is None and any(not stage.parallel for stage in jobs.stages.values()):
        return len(jobs.tasks)
    return pipeline.max_parallel_jobs


def _jobs(stages: Sequence[Stage], estimates: Mapping[str, Estimate]) -> _Jobs:
    names = {stage.name: stage.jobs() for stage in stages}
    owners = {job: stage for stage in stages for job in names[stage.name]}
    tasks = tuple(
        Task(
            job,
            round(estimates[stage.name].expected_s * 1000),
            tuple(one for need in stage.needs if need in names for one in names[need]),
            stage.resources,
            is_alone=not stage.parallel,
        )
        for job, stage in owners.items()
    )
    return _Jobs(owners, tasks)


def _spread(estimate: Estimate) -> Spread:
    low, expected, high = (round(s * 1000) for s in (estimate.low_s, estimate.expected_s, estimate.high_s))
    return Spread(low, expected, high)


def _by_start(schedule: Schedule) -> list[int]:
    return sorted(range(len(schedule.starts)), key=lambda at: (schedule.starts[at], at))


def _planned(
    schedule: Schedule,
    at: int,
    *,
    jobs: _Jobs,
    estimates: Mapping[str, Estimate],
    reasons: Mapping[str, str],
) -> PlannedJob:
    project, name = schedule.project, schedule.project.names[at]
    stage = jobs.stages[name]
    estimate = estimates[stage.name]
    return PlannedJob(
        name=name,
        stage=stage.name,
        needs=tuple(project.names[one] for one in project.before[at]),
        start_s=schedule.starts[at] / 1000,
        end_s=(schedule.starts[at] + project.durations[at]) / 1000,
        low_s=round(estimate.low_s, 3),
        high_s=round(estimate.high_s, 3),
        slack_s=schedule.paths.total_slack[at] / 1000,
        basis=estimate.basis.value,
        source=estimate.source,
        reason=reasons[stage.name],
    )


def _notes(schedule: Schedule, finish: Finish, estimates: Mapping[str, Estimate]) -> tuple[str, ...]:
    notes = []
    assumed = sorted(name for name, estimate in estimates.items() if estimate.basis == "fallback")
    if assumed:
        notes.append(f"No history of {', '.join(assumed)}: their seconds are assumed.")
    if finish.p50_ms > 1.02 * schedule.makespan_ms:
        notes.append("Stages that wait for several others wait for the slowest, which the planned end does not see.")
    if schedule.makespan_ms > schedule.paths.makespan_ms and _is_limited(schedule.project):
        notes.append(NO_PRIORITY)
    return tuple(notes)


def _is_limited(project: Project) -> bool:
    return SLOTS in project.resources
