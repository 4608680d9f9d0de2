"""The Python API of pipelines: define, plan, optimise, run. Named and shaped as in the brief.

>>> pipeline = PipelineManager(folder=None)
>>> pipeline.set_quality_gates({"test_coverage": 85})
>>> pipeline.add_stage("audio_validation", {"script": "tests/validate_audio_quality.py", "timeout": 300})
>>> config = pipeline.generate_config()
>>> [stage.name for stage in config.stages], config.estimated_time
(['quality-checks', 'tests', 'audio_validation', 'quality-gates'], 150.0)
"""

from __future__ import annotations

import subprocess
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol, TypedDict

from cipredict import __version__
from cipredict.decide.gating.parsing import parse_gates
from cipredict.decide.pipelines.choosing import ChangeScope, choose_stages
from cipredict.decide.pipelines.estimates import StageHistory, no_history
from cipredict.decide.pipelines.improvement import Improvement
from cipredict.decide.pipelines.parsing import check_pipeline, parse_deployment, parse_pipeline, parse_stage
from cipredict.decide.pipelines.planning import plan_pipeline
from cipredict.decide.pipelines.stage_rules import Knowledge, optimise_stages
from cipredict.decide.pipelines.standard import standard_pipeline
from cipredict.decide.rollout.wish import parse_wish
from cipredict.errors import InputError, SettingsError, UsageError
from cipredict.plans.document import MadeFrom
from cipredict.plans.pipeline_model import Pipeline, Stage
from cipredict.plans.pipeline_plan import PipelineConfig, PipelinePlan
from cipredict.settings import IGNORED_GLOBS, RUN_ALL_GLOBS

__all__ = [
    "AdvancedPipelineOrchestrator",
    "DynamicPipeline",
    "PipelineConfig",
    "PipelineExecution",
    "PipelineManager",
    "PipelineOptimizationEngine",
    "PipelineRunner",
    "read_pipeline",
    "read_pipeline_file",
]


class PipelineExecution(Protocol):
    """What a run gives: `status` is success, failure or cancelled; `duration` is in seconds."""

    @property
    def status(self) -> str:
        """Give success, failure or cancelled."""

    @property
    def duration(self) -> float:
        """Give wall seconds."""

    @property
    def gates_passed(self) -> bool:
        """Tell whether every quality gate held."""


class PipelineRunner(Protocol):
    """Whoever runs a configured pipeline here; `folder` is a checkout of the commit or holds its repository."""

    def __call__(self, config: PipelineConfig, *, commit: str, folder: Path) -> PipelineExecution:
        """Run every stage of the plan."""


class PipelineManager:
    """Builds a pipeline step by step.

    Parameters
    ----------
    folder : where `pipeline.toml` or `[tool.cipredict.pipeline]` may define one; None: begin with the standard one
    history : forecasts of stages
    runner : who executes; by default processes on this machine
    """

    def __init__(
        self,
        folder: Path | str | None = Path(),
        *,
        history: StageHistory = no_history,
        runner: PipelineRunner | None = None,
    ) -> None:
        self._folder = Path() if folder is None else Path(folder)
        found = None if folder is None else read_pipeline(self._folder)
        self._pipeline = found or standard_pipeline()
        self._history, self._runner = history, runner

    def set_quality_gates(self, gates: Mapping[str, object]) -> None:
        """Set what must hold: metric → threshold, or name → table, as under `[tool.cipredict.gates]`.

        Raises SettingsError naming every gate that cannot be meant.
        """
        parse_gates(gates, source="set_quality_gates")
        self._pipeline = replace(self._pipeline, gates=dict(gates))

    def use(self, pipeline: Pipeline) -> None:
        """Take a whole pipeline instead."""
        check_pipeline(pipeline)
        self._pipeline = pipeline

    def add_stage(self, name: str, options: Mapping[str, object]) -> None:
        """Add a stage; raises SettingsError or UsageError where it cannot be meant, or does not fit the others."""
        self.add(parse_stage(name, options))

    def add(self, stage: Stage) -> None:
        """Add a stage that was made in Python."""
        grown = replace(self._pipeline, stages=(*self._pipeline.stages, stage))
        check_pipeline(grown)
        self._pipeline = grown

    def configure_deployment(self, options: Mapping[str, object]) -> None:
        """Say how to deploy what passed; raises SettingsError naming every problem."""
        deployment = parse_deployment(options)
        judged = {key: value for key, value in options.items() if key not in ("branches", "environment", "command")}
        parse_wish(judged, where="configure_deployment")
        self._pipeline = replace(self._pipeline, deployment=deployment)

    def generate_config(self) -> PipelineConfig:
        """Check and plan the whole; needs neither scripts nor a repository."""
        check_pipeline(self._pipeline)
        plan = plan_pipeline(self._pipeline, made_from=MadeFrom(__version__), history=self._history)
        return PipelineConfig(self._pipeline, self._pipeline.complete(), plan.makespan_s, plan)

    def execute(self, commit_hash: str = "HEAD") -> PipelineExecution:
        """Run the pipeline here for a commit.

        Raises
        ------
        UsageError
            A script is missing, the commit is unknown, or a stage needs what is not there.
        """
        config = self.generate_config()
        for stage in config.stages:
            if stage.script and not (self._folder / stage.script).is_file():
                message = f"Stage '{stage.name}': there is no script {self._folder / stage.script}."
                raise UsageError(message, slug="stage-script")
        commit = _resolve(commit_hash, self._folder)
        if self._runner is None:
            from cipredict.local_runner import LocalRunner  # noqa: PLC0415  # only those who run need processes

            return LocalRunner()(config, commit=commit, folder=self._folder)
        return self._runner(config, commit=commit, folder=self._folder)


def _resolve(commit: str, folder: Path) -> str:
    """Give the full hash of a commit; raises UsageError where git does not know it."""
    command = ["git", "rev-parse", "--verify", "--quiet", "--end-of-options", f"{commit}^{{commit}}"]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603  # fixed command, the commit cannot be an option
    except OSError as error:
        raise UsageError(f"git cannot be started: {error.strerror}.", slug="commit-unknown") from error
    if done.returncode:
        raise UsageError(f"git knows no commit '{commit}' in {folder.resolve()}.", slug="commit-unknown")
    return done.stdout.strip()


def read_pipeline(folder: Path) -> Pipeline | None:
    """Read `pipeline.toml`, else `[tool.cipredict.pipeline]` of pyproject.toml; None where neither defines one.

    Raises
    ------
    SettingsError
        Naming the file and every problem.
    """
    own, project = folder / "pipeline.toml", folder / "pyproject.toml"
    if own.is_file():
        return read_pipeline_file(own)
    return _read_project(project) if project.is_file() else None


def read_pipeline_file(path: Path) -> Pipeline:
    """Read a pipeline.toml, or the table in a pyproject.toml.

    Raises
    ------
    SettingsError
        It defines none, or a wrong one; naming every problem.
    """
    if path.name != "pyproject.toml":
        return replace(parse_pipeline(_read_toml(path), source=str(path)), definition=_from_here(path))
    found = _read_project(path)
    if found is None:
        raise SettingsError(f"{path} has no table [tool.cipredict.pipeline].", slug="pipeline-definition")
    return found


def _from_here(path: Path) -> str:
    """Spell a path as jobs do, which run at the top of a checkout."""
    here = Path.cwd()
    return path.resolve().relative_to(here).as_posix() if path.resolve().is_relative_to(here) else path.as_posix()


def _read_project(project: Path) -> Pipeline | None:
    table: object = _read_toml(project)
    for key in ("tool", "cipredict", "pipeline"):
        table = table.get(key) if isinstance(table, dict) else None
    if table is None:
        return None
    if not isinstance(table, dict):
        raise SettingsError(f"{project}: [tool.cipredict.pipeline] must be a table.", slug="pipeline-definition")
    return parse_pipeline(table, source=f"{project} [tool.cipredict.pipeline]")


def _read_toml(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is not valid TOML: {error}.", slug="settings-toml") from error
    except OSError as error:
        raise InputError(f"Cannot read {path}: {error.strerror}.", slug="input-unreadable") from error


class DynamicPipeline(TypedDict):
    """A pipeline for one change; seconds.

    `schedule` holds the plan's jobs; `estimated_duration` is the median of the simulated ends; eight runs of
    ten end within the interval.
    """

    schedule: list[dict[str, object]]
    estimated_duration: float
    estimated_duration_interval: tuple[float, float]
    resource_utilization: dict[str, float]
    skipped: dict[str, str]
    critical_path: list[str]
    plan: PipelinePlan


class OptimizedPipeline(TypedDict):
    """What optimising gave.

    `theoretical_speedup` compares critical paths, which hold with runners without number only; `speedup` compares
    schedules of the same capacity, which is what a run gains.
    """

    optimized_pipeline: Pipeline
    theoretical_speedup: float
    speedup: float
    optimizations_applied: list[str]
    findings: tuple[Improvement, ...]


class PipelineOptimizationEngine:
    """Merges, drops, reorders and caches stages, by what predictors say of their seconds and failures."""

    def __init__(self, knowledge: Knowledge | None = None) -> None:
        self._knowledge = knowledge or Knowledge()

    def optimize_pipeline_dag(self, pipeline_definition: Pipeline | Mapping[str, object]) -> OptimizedPipeline:
        """Apply every rule that pays; raises SettingsError or UsageError where the definition cannot be meant."""
        pipeline = pipeline_definition
        if not isinstance(pipeline, Pipeline):
            pipeline = parse_pipeline(pipeline, source="pipeline")
        found = optimise_stages(pipeline, self._knowledge)
        (planned, path), (new_planned, new_path) = found.before_s, found.after_s
        return {
            "optimized_pipeline": replace(pipeline, stages=found.stages),
            "theoretical_speedup": path / new_path if new_path else 1.0,
            "speedup": planned / new_planned if new_planned else 1.0,
            "optimizations_applied": list(found.applied),
            "findings": found.improvements,
        }


class AdvancedPipelineOrchestrator:
    """Builds the pipeline that a change needs.

    Parameters
    ----------
    config : a pipeline, or the tables of one
    """

    def __init__(self, config: Pipeline | Mapping[str, object], *, history: StageHistory = no_history) -> None:
        self.config = config if isinstance(config, Pipeline) else parse_pipeline(config, source="config")
        self._history = history

    def build_dynamic_pipeline(self, context: Mapping[str, object]) -> DynamicPipeline:
        """Choose the stages of a change and schedule them.

        `context` may hold `commits` (tables with `files`), `changed` (paths), `selected` (case ids), `branch`, `event`,
        `constraints` (`max_parallel_jobs`, `total_resources`).

        Raises
        ------
        UsageError
            A constraint cannot be met.
        """
        pipeline = _constrained(self.config, context.get("constraints"))
        scope = scope_of(context)
        choices = choose_stages(pipeline.complete(), scope, deployment=pipeline.deployment)
        plan = plan_pipeline(pipeline, choices, made_from=MadeFrom(__version__), history=self._history)
        return {
            "schedule": [
                {"name": job.name, "start": job.start_s, "end": job.end_s, "reason": job.reason} for job in plan.jobs
            ],
            "estimated_duration": plan.p50_s,
            "estimated_duration_interval": (plan.p10_s, plan.p90_s),
            "resource_utilization": dict(plan.utilisation),
            "skipped": {one.stage: one.reason for one in plan.skipped},
            "critical_path": list(plan.critical),
            "plan": plan,
        }


def scope_of(context: Mapping[str, object]) -> ChangeScope:
    """Read what a context tells of a change; what it does not tell makes stages run."""
    paths = dict.fromkeys(_texts(context.get("changed")))
    commits = context.get("commits")
    for commit in commits if isinstance(commits, Sequence) and not isinstance(commits, str) else ():
        if not isinstance(commit, Mapping) or not _texts(commit.get("files")):
            paths.clear()
            break
        paths.update(dict.fromkeys(_texts(commit["files"])))
    selected = context.get("selected")
    return ChangeScope(
        paths=tuple(paths),
        selected=None if selected is None else frozenset(_texts(selected)),
        branch=str(context.get("branch", "")),
        is_push=context.get("event") == "push",
        run_all=RUN_ALL_GLOBS,
        ignored=IGNORED_GLOBS,
    )


def _texts(value: object) -> tuple[str, ...]:
    if isinstance(value, list | tuple | set | frozenset):
        return tuple(str(one) for one in value)
    return ()


def _constrained(pipeline: Pipeline, constraints: object) -> Pipeline:
    if not isinstance(constraints, Mapping):
        return pipeline
    slots = constraints.get("max_parallel_jobs", pipeline.max_parallel_jobs)
    resources = constraints.get("total_resources", pipeline.resources)
    if not isinstance(slots, int | None) or not isinstance(resources, Mapping):
        message = "constraints: max_parallel_jobs is a whole number, total_resources a table of whole numbers."
        raise UsageError(message, slug="stage-resources")
    limited = replace(pipeline, max_parallel_jobs=slots, resources={**pipeline.resources, **resources})
    check_pipeline(limited)
    return limited
