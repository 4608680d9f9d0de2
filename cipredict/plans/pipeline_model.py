"""What a pipeline is made of, whatever provider runs it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import product

from cipredict.plans.pipeline_parts import Cache, CasePlan, When

GPU = "gpu"
"""The resource that stands for a whole GPU."""
GPU_RUNNER = ("self-hosted", "gpu")
"""Labels of the runner of a stage that asks for one, where its author names no others."""
GATE_STAGE = "quality-gates"
DEPLOY_STAGE = "deploy"
METRICS_FOLDER = ".cipredict/gates"
"""Where stages leave what the gates judge."""


class Kind(StrEnum):
    """What a stage is for; only work may be reordered, merged or dropped."""

    WORK = "work"
    GATE = "gate"
    DEPLOY = "deploy"


class WithoutGpu(StrEnum):
    """What becomes of a stage that asks for a GPU where there is none."""

    REFUSE = "refuse"
    CPU = "cpu"


class Strategy(StrEnum):
    """How a new version replaces the old one."""

    BLUE_GREEN = "blue_green"
    CANARY = "canary"
    ROLLING = "rolling"
    RECREATE = "recreate"


@dataclass(frozen=True, slots=True)
class Stage:
    """One node of a pipeline.

    Attributes
    ----------
    run : shell commands, line by line
    script : a file to run instead; one of Python runs with `python`
    expected_s : what its author expects, where there is no history
    parallel : False: nothing else runs beside it
    matrix : name → values; the stage runs once per combination
    shards : equal parts of its cases, each a job of its own
    resources : units that it holds while it runs, such as `gpu: 1`
    without_gpu : whether it runs on the CPU where there is no GPU for it, or the pipeline does not run
    runs_on : labels of the runner
    paths : globs; a change to none of these skips the stage
    tests : globs of the case files that it runs; it runs when one of them is selected
    always : run for every change
    condition : expression in the language of the provider, passed through; GitLab's begin with a variable, `$X`
    environment : the deployment environment that guards it
    approval : somebody must agree before it starts
    intent : why it stands where it stands; `smoke` keeps it in front of what it guards
    side_effects : it changes something outside: never merged, dropped or moved
    series : name of its history, where that is not `pipeline / stage`
    when : what its needs must have come to
    caches : with keys of their own, beside `cache` and its `cache_key`
    setup : what its job runs first, instead of the pipeline's; None: the pipeline's
    plan : how its shards are made; None: they are equal parts that the stage itself must make
    permissions : of the job's token, beside reading the repository: scope → read or write; GitHub only
    secrets : variable → name of the provider's secret
    full_history : it reads commits before the last
    """

    name: str
    run: str = ""
    script: str = ""
    needs: tuple[str, ...] = ()
    timeout_s: float | None = None
    expected_s: float | None = None
    parallel: bool = True
    matrix: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    shards: int = 1
    resources: Mapping[str, int] = field(default_factory=dict)
    without_gpu: WithoutGpu = WithoutGpu.REFUSE
    runs_on: tuple[str, ...] = ("ubuntu-latest",)
    paths: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()
    always: bool = False
    condition: str = ""
    environment: str = ""
    approval: bool = False
    retries: int = 0
    allow_failure: bool = False
    env: Mapping[str, str] = field(default_factory=dict)
    cache: tuple[str, ...] = ()
    cache_key: tuple[str, ...] = ()
    artifacts: tuple[str, ...] = ()
    retention_days: int = 7
    services: Mapping[str, str] = field(default_factory=dict)
    intent: str = ""
    side_effects: bool = False
    series: str = ""
    when: When = When.SUCCESS
    caches: tuple[Cache, ...] = ()
    setup: str | None = None
    plan: CasePlan | None = None
    permissions: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    full_history: bool = False
    kind: Kind = Kind.WORK

    @property
    def command(self) -> str:
        """Give what its shell runs."""
        if self.script:
            return f"python {self.script}" if self.script.endswith(".py") else f"sh {self.script}"
        return self.run

    @property
    def is_fixed(self) -> bool:
        """Tell whether its place must not change: others depend on it in ways that no graph shows."""
        guards = bool(self.environment or self.approval or self.side_effects or self.intent)
        return guards or self.kind is not Kind.WORK

    def legs(self) -> tuple[Mapping[str, str], ...]:
        """Give the combinations of its matrix, one empty one where there is none."""
        names = tuple(self.matrix)
        return tuple(dict(zip(names, values, strict=True)) for values in product(*self.matrix.values()))

    def jobs(self) -> tuple[str, ...]:
        """Name the jobs that it becomes, as GitHub names them."""
        parts = [[*leg.values()] for leg in self.legs()]
        if self.shards > 1:
            parts = [[*values, f"{at}/{self.shards}"] for values in parts for at in range(1, self.shards + 1)]
        return tuple(f"{self.name} ({', '.join(values)})" if values else self.name for values in parts)


@dataclass(frozen=True, slots=True)
class Deployment:
    """How what passed reaches users.

    Attributes
    ----------
    health_check : path that must answer before traffic moves
    rollback_threshold : percent of requests that may fail before it is rolled back
    canary_percentage : percent of the traffic that the new version gets first
    approval : somebody must agree first
    branches : only pushes to these deploy
    command : what deploys
    recover : what finishes or takes back a deployment whose job failed or was cancelled; empty for nothing
    runs_on : labels of the runner, which must reach the servers
    """

    strategy: Strategy
    health_check: str = ""
    rollback_threshold: float = 5.0
    canary_percentage: float = 10.0
    environment: str = "production"
    approval: bool = True
    branches: tuple[str, ...] = ("main",)
    command: str = 'cipredict deploy run "$(git rev-parse HEAD)"'
    recover: str = ""
    runs_on: tuple[str, ...] = ("ubuntu-latest",)
    options: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Triggers:
    """What starts the pipeline: branches by event, times of day in cron's form (UTC), somebody by hand.

    GitLab keeps the times of schedules in its settings; its export says only that schedules start it.
    """

    push: tuple[str, ...] = ("main", "develop")
    pull_request: tuple[str, ...] = ("main",)
    schedule: tuple[str, ...] = ()
    manual: bool = False


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Stages and what they share; `complete` adds what gates and deployment stand for.

    Attributes
    ----------
    gates : quality gates in short form, metric → threshold, or name → table; judged by `cipredict gate`
    setup : shell commands that every job runs first
    install : shell commands that make `cipredict` available, in jobs that call it
    max_parallel_jobs : None: as many as there are
    definition : the file that it was read from, for jobs that read it again; empty for pyproject.toml or none
    is_dynamic : stages are chosen by the change
    is_serial : a run waits for the one before it; none is cancelled
    forecast_key : beginning of the key under which the nightly job caches the forecast bundle; empty: nowhere
    """

    name: str = "ci"
    stages: tuple[Stage, ...] = ()
    gates: Mapping[str, object] = field(default_factory=dict)
    deployment: Deployment | None = None
    triggers: Triggers = field(default_factory=Triggers)
    max_parallel_jobs: int | None = None
    resources: Mapping[str, int] = field(default_factory=dict)
    setup: str = ""
    install: str = "python -m pip install cipredict"
    python: str = "3.11"
    definition: str = ""
    is_dynamic: bool = True
    is_serial: bool = False
    forecast_key: str = ""

    def complete(self) -> tuple[Stage, ...]:
        """Give all stages: those of the user, then one that judges the gates, then one that deploys."""
        stages = list(self.stages)
        if self.gates:
            stages.append(
                Stage(
                    GATE_STAGE,
                    run=f"cipredict gate --config {self.definition or 'pyproject.toml'} --metrics {METRICS_FOLDER}",
                    needs=self._ends(stages),
                    timeout_s=600,
                    expected_s=30,
                    kind=Kind.GATE,
                )
            )
        if self.deployment is not None:
            stages.append(_deploy_stage(self.deployment, needs=self._ends(stages)))
        return tuple(stages)

    @staticmethod
    def _ends(stages: list[Stage]) -> tuple[str, ...]:
        """Name the stages that no other needs."""
        needed = {name for stage in stages for name in stage.needs}
        return tuple(stage.name for stage in stages if stage.name not in needed)


def _deploy_stage(deployment: Deployment, *, needs: tuple[str, ...]) -> Stage:
    return Stage(
        DEPLOY_STAGE,
        run=deployment.command,
        needs=needs,
        timeout_s=1800,
        expected_s=180,
        runs_on=deployment.runs_on,
        environment=deployment.environment,
        approval=deployment.approval,
        side_effects=True,
        kind=Kind.DEPLOY,
    )
