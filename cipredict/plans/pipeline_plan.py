"""The pipeline plan: which stages run, when each starts, when the whole ends, and how good that is.

::

    PipelinePlan
    ├── jobs        what runs: a stage, a leg of its matrix, or a shard; start, end, slack, reason
    ├── skipped     stages that the change does not need, each with its reason
    ├── makespan_s  planned end;  p10_s, p50_s, p90_s  simulated;   lower_bound_s  what no schedule beats
    ├── unlimited_s  the critical path: the end with runners without number
    ├── critical, chain  jobs on it;  jobs that the planned end hangs on, by need or by resource
    └── utilisation  resource → share of its capacity in use
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from cipredict.errors import CipredictError
from cipredict.plans.document import MadeFrom, frame_plan
from cipredict.plans.pipeline_model import Pipeline, Stage

# 1  2026-11: the first.
SCHEMA = "cipredict.pipeline-plan/1"
_SAME_S = 1e-6


@dataclass(frozen=True, slots=True)
class PlannedJob:
    """One job.

    Attributes
    ----------
    stage : that it belongs to
    needs : jobs that must have ended
    start_s, end_s : from the start of the pipeline
    low_s, high_s : interval of its duration
    slack_s : how late it may be, runners without number, before the pipeline is
    basis : of its duration: history, model or fallback
    reason : why it runs
    """

    name: str
    stage: str
    needs: tuple[str, ...]
    start_s: float
    end_s: float
    low_s: float
    high_s: float
    slack_s: float
    basis: str
    source: str
    reason: str


@dataclass(frozen=True, slots=True)
class SkippedStage:
    """A stage that does not run."""

    stage: str
    reason: str


@dataclass(frozen=True, slots=True)
class PipelinePlan:
    """A schedule of one pipeline under one change; seconds. `limits` are units by resource."""

    name: str
    made_from: MadeFrom
    jobs: tuple[PlannedJob, ...]
    skipped: tuple[SkippedStage, ...] = ()
    makespan_s: float = 0.0
    p10_s: float = 0.0
    p50_s: float = 0.0
    p90_s: float = 0.0
    lower_bound_s: float = 0.0
    unlimited_s: float = 0.0
    serial_s: float = 0.0
    critical: tuple[str, ...] = ()
    chain: tuple[str, ...] = ()
    utilisation: Mapping[str, float] = field(default_factory=dict)
    limits: Mapping[str, int] = field(default_factory=dict)
    reasons: tuple[str, ...] = ()

    @property
    def gap_share(self) -> float:
        """How far the planned end is above what no schedule beats."""
        return self.makespan_s / self.lower_bound_s - 1 if self.lower_bound_s else 0.0

    def to_document(self) -> dict[str, object]:
        """Give the plan as JSON values, checked."""
        verify_plan(self)
        return frame_plan(SCHEMA, asdict(self))


@dataclass(frozen=True, slots=True)
class PipelineConfig:
    """A whole pipeline: the user's stages, the gate stage, the deployment.

    Attributes
    ----------
    estimated_time : planned seconds until the last stage ends
    """

    pipeline: Pipeline
    stages: tuple[Stage, ...]
    estimated_time: float
    plan: PipelinePlan


def verify_plan(plan: PipelinePlan) -> None:
    """Check that jobs are distinct, that none starts before its needs end, and that the end is the last job's.

    Raises
    ------
    CipredictError
        Naming the check: a bug of ours, or a file that was edited.
    """
    ends = {job.name: job.end_s for job in plan.jobs}
    if len(ends) != len(plan.jobs):
        raise _violation("jobs-are-distinct", "two jobs have one name")
    for job in plan.jobs:
        for name in job.needs:
            if name not in ends:
                raise _violation("needs-are-planned", f"{job.name} needs {name}, which does not run")
            if ends[name] > job.start_s + _SAME_S:
                raise _violation("needs-come-first", f"{job.name} starts before {name} ends")
    last = max(ends.values(), default=0.0)
    if abs(last - plan.makespan_s) > _SAME_S or plan.makespan_s < plan.lower_bound_s - _SAME_S:
        seconds = f"makespan {plan.makespan_s}, last end {last}, bound {plan.lower_bound_s}"
        raise _violation("seconds-agree", seconds)


def _violation(check: str, what: str) -> CipredictError:
    return CipredictError(f"The pipeline plan fails its check '{check}': {what}.", slug="plan-check")
