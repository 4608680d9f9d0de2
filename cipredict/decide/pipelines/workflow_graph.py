"""An imported workflow as stages that can be scheduled, and what the edges between its jobs carry."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping

from cipredict.decide.pipelines.estimates import StageHistory, estimate_stages
from cipredict.decide.scheduling.bounds import lower_bound
from cipredict.decide.scheduling.critical_path import find_critical_paths
from cipredict.decide.scheduling.generation import makespan_of
from cipredict.decide.scheduling.project import Task, make_project
from cipredict.decide.scheduling.schedule import schedule_at_once
from cipredict.decide.scheduling.search import Budget, improve
from cipredict.plans.pipeline_model import Kind, Stage
from cipredict.workflow_records import JobRecord, WorkflowRecord

PARALLEL_JOBS = 20
"""GitHub's limit for free accounts."""

_SCHEDULES = 60
"""That a gain is measured with; nearly all graphs of real workflows reach their lower bound before."""

_ALWAYS = re.compile(r"\b(always|failure|cancelled|success)\s*\(", re.ASCII)
_RELEASES = re.compile(r"deploy|publish|release|upload-to|pypi|registry|pages", re.IGNORECASE)
_GUARDS = re.compile(r"smoke|sanity|approv|gate|basic", re.IGNORECASE)


def releases(job: JobRecord) -> bool:
    """Tell whether a job changes something outside, by its environment, its name, or what it runs."""
    used = (job.job_id, job.name, job.uses, *(step.uses for step in job.steps), *(step.name for step in job.steps))
    permissions = job.plain.get("permissions")
    writes = permissions == "write-all" or (
        isinstance(permissions, dict) and any(value == "write" for value in permissions.values())
    )
    return bool(job.environment) or job.is_manual or writes or any(_RELEASES.search(text) for text in used)


def is_guard(job: JobRecord) -> bool:
    """Tell whether a job stands in front of others on purpose."""
    return bool(_GUARDS.search(f"{job.job_id} {job.name}"))


def reads_results(job: JobRecord) -> bool:
    """Tell whether its condition asks how its needs ended, as an aggregator's does."""
    return bool(_ALWAYS.search(job.condition))


def passes_artifacts(before: JobRecord, after: JobRecord) -> bool:
    """Tell whether one uploads and the other downloads artifacts; which ones, only the run knows."""
    uploads = any("upload-artifact" in step.uses or "cache" in step.action for step in before.steps)
    downloads = any("download-artifact" in step.uses or "cache" in step.action for step in after.steps)
    return bool(before.uses or after.uses or (uploads and downloads) or "artifacts" in before.plain)


def stages_of(workflow: WorkflowRecord) -> tuple[Stage, ...]:
    """Give each job as a stage: its legs as a matrix of one axis."""
    known = {job.job_id for job in workflow.jobs}
    return tuple(
        Stage(
            job.job_id,
            run="\n".join(step.run for step in job.steps if step.run),
            needs=tuple(name for name in job.needs if name in known),
            matrix={"leg": _labels(job.legs)} if job.legs and len(job.legs) > 1 else {},
            environment=job.environment,
            side_effects=releases(job),
            intent="smoke" if is_guard(job) else "",
            kind=Kind.WORK,
            series=f"{workflow.name or workflow.path} / {job.name or job.job_id}",
        )
        for job in workflow.jobs
    )


def _labels(legs: Iterable[Mapping[str, str]]) -> tuple[str, ...]:
    """Name legs by their values as GitHub does, and by number too where two have the same."""
    labels = [", ".join(leg.values()) for leg in legs]
    return tuple(f"{label}, {at}" if labels.count(label) > 1 else label for at, label in enumerate(labels, 1))


class Gains:
    """Compares graphs of stages by schedules of one capacity, and by their critical paths."""

    def __init__(self, pipeline: str, history: StageHistory, *, max_parallel: int | None) -> None:
        self._pipeline, self._history, self._max_parallel = pipeline, history, max_parallel
        self._before: tuple[list[Stage], tuple[float, float]] | None = None

    def seconds(self, stages: Iterable[Stage]) -> tuple[float, float]:
        """Give planned end and critical path."""
        given = list(stages)
        estimates = estimate_stages(self._pipeline, given, self._history)
        jobs = {stage.name: stage.jobs() for stage in given}
        tasks = [
            Task(
                job,
                round(estimates[stage.name].expected_s * 1000),
                tuple(one for need in stage.needs for one in jobs[need]),
                is_alone=not stage.parallel,
            )
            for stage in given
            for job in jobs[stage.name]
        ]
        project = make_project(tasks, max_parallel=self._max_parallel)
        starts = improve(
            project,
            schedule_at_once(project),
            budget=Budget(schedules=_SCHEDULES),
            clock=time.monotonic,
            lower_bound_ms=lower_bound(project),
        )
        return makespan_of(project, starts) / 1000, find_critical_paths(project).makespan_ms / 1000

    def gain(self, before: Iterable[Stage], after: Iterable[Stage]) -> tuple[float, float]:
        """Give how much earlier the second graph ends, both ways of counting."""
        given = list(before)
        if self._before is None or self._before[0] != given:  # many edges of one graph are asked for one by one
            self._before = given, self.seconds(given)
        old, new = self._before[1], self.seconds(after)
        return round(old[0] - new[0], 3), round(old[1] - new[1], 3)
