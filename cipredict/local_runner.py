"""A pipeline on this machine: its jobs as processes, by `act.stages`, in the order of its plan.

What only a provider has is left out, and said: conditions in its language, container services. In its environment a job
finds the values of its leg, and `SHARD` and `SHARDS`, as in the exports.
"""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from cipredict.act.cluster.executor import Cluster
from cipredict.act.gpus import VISIBLE, visible_gpus
from cipredict.act.stages.attempts import run_commands
from cipredict.act.stages.interface import Approval, Devices, Limits, Outcome, RunFolder, StageResult
from cipredict.act.stages.interface import Stage as Job
from cipredict.act.stages.interface import When as JobWhen
from cipredict.act.stages.runner import Listener, run_stages
from cipredict.act.worktrees import resolve, worktree
from cipredict.decide.globs import path_matcher
from cipredict.errors import UsageError
from cipredict.plans.pipeline_model import GATE_STAGE, GPU, Kind, Stage, WithoutGpu
from cipredict.plans.pipeline_parts import When
from cipredict.plans.pipeline_plan import PipelineConfig

RUNS = Path(".cipredict/runs")
_WHEN = {
    When.SUCCESS: JobWhen.ON_SUCCESS,
    When.FAILURE: JobWhen.ON_FAILURE,
    When.ALWAYS: JobWhen.ALWAYS,
}
_APPROVAL = "approve "
_GATES = "gates.toml"
_GATE = """\
set -- .cipredict/gates/*
test -e "$1" || set --
{python} -m cipredict gate --config {gates} ${{1:+--metrics}} "$@"
"""
"""Judges what stages left in `.cipredict/gates`, as `cipredict gate run` does; nothing measured is never a pass."""


@dataclass(frozen=True, slots=True)
class LocalExecution:
    """What became of a pipeline; `results` by job, in the order in which they ended.

    Attributes
    ----------
    duration : wall seconds
    slots : jobs that could run at once
    busy_s : seconds of all jobs together
    """

    run_id: str
    status: str
    duration: float
    gates_passed: bool
    results: tuple[StageResult, ...] = ()
    slots: int = 1

    @property
    def busy_s(self) -> float:
        """Add up what the jobs took."""
        return sum(result.duration_s for result in self.results if not result.is_reused)


def warn_caller(message: str) -> None:
    """Say as a warning of Python's what runs otherwise than defined."""
    warnings.warn(message, stacklevel=2)


@dataclass(frozen=True, slots=True)
class LocalRunner:
    """A `PipelineRunner` of processes.

    Attributes
    ----------
    run_id : name of the run's folder; with `resume`, of the one that goes on
    slots : jobs at once; 0: as the pipeline says, else as many as there are processors, or threads of the cluster
    skip : stage → why the change does not need it
    tell : is told what runs otherwise than defined: conditions and services left out, stages without their GPU
    cluster : whose workers run the stages, instead of this machine
    """

    run_id: str = ""
    resume: bool = False
    slots: int = 0
    skip: Mapping[str, str] = field(default_factory=dict)
    listener: Listener = field(default_factory=Listener)
    tell: Callable[[str], None] = warn_caller
    grace_s: float = 10.0
    cluster: Cluster | None = None
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)

    def __call__(self, config: PipelineConfig, *, commit: str, folder: Path) -> LocalExecution:
        """Run every job of the plan, in a checkout of its own where the commit is not the one checked out."""
        run_id = self.run_id or f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{commit[:12]}"
        there = self.cluster.slots if self.cluster else os.cpu_count() or 1
        slots = self.slots or config.pipeline.max_parallel_jobs or there
        for stage in config.stages:
            for what in _left_out(stage):
                self.tell(f"Stage '{stage.name}': {what} is left to the provider.")
        papers = (folder / RUNS / run_id).absolute()
        if config.pipeline.gates:
            _write_gates(papers / _GATES, config.pipeline.gates)
        stages, gpus = self._with_gpus(config)
        made = [pattern for stage in config.stages for pattern in stage.artifacts]
        with _checkout(commit, folder, made) as (tree, tree_id):
            result = run_stages(
                jobs_of(replace(config, stages=stages), gates=papers / _GATES, slots=slots, skip=self.skip),
                RunFolder(papers, tree),
                limits=replace(gpus, resources={**config.pipeline.resources, **gpus.resources, "slots": slots}),
                tree_id=tree_id,
                resume=self.resume,
                listener=self.listener,
                executor=self.cluster or run_commands,
            )
        status = "cancelled" if result.was_cancelled else "success" if result.is_green else "failure"
        return LocalExecution(run_id, status, result.duration_s, _gates_passed(result.results), result.results, slots)

    def _with_gpus(self, config: PipelineConfig) -> tuple[tuple[Stage, ...], Limits]:
        """Give the stages as they can run here, and the GPUs to share out; a cluster shares out its own.

        Raises
        ------
        UsageError
            A stage that runs needs more GPUs than there are, and may not do without.
        """
        limits = Limits({}, grace_s=self.grace_s)
        if GPU not in config.pipeline.resources:
            return config.stages, limits
        if self.cluster:
            by_worker = self.cluster.resource(GPU)
            most, total = max(by_worker, default=0), sum(by_worker)
        else:
            names = visible_gpus(self.environment)[: config.pipeline.resources[GPU]]
            most = total = len(names)
            limits = replace(limits, devices={GPU: Devices(VISIBLE, names)})
        limits = replace(limits, resources={GPU: min(total, config.pipeline.resources[GPU])})
        stages = [stage if stage.name in self.skip else self._fit_gpus(stage, most) for stage in config.stages]
        return tuple(stages), limits

    def _fit_gpus(self, stage: Stage, there: int) -> Stage:
        wanted = stage.resources.get(GPU, 0)
        if wanted <= there:
            return stage
        has = "there is no GPU here" if not there else f"no machine has more than {there}"
        if stage.without_gpu is WithoutGpu.REFUSE:
            message = f"Stage '{stage.name}' needs {wanted} gpu, and {has}; without_gpu = 'cpu' lets it run without."
            raise UsageError(message, slug="stage-gpu")
        self.tell(f"Stage '{stage.name}' runs on the CPU: it asks for {wanted} gpu, and {has}.")
        return replace(stage, resources={**stage.resources, GPU: 0})


def jobs_of(config: PipelineConfig, *, gates: Path, slots: int, skip: Mapping[str, str]) -> list[Job]:
    """Turn stages into jobs: a leg of a matrix, a shard, and an approval before the stage that needs one are jobs.

    `gates` is the file that defines the gates, `slots` how many jobs run at once, `skip` says why a stage does not.
    """
    by_name = {stage.name: stage for stage in config.stages}
    start_of = {job.name: job.start_s for job in config.plan.jobs}
    jobs: list[Job] = []
    for stage in config.stages:
        needs = tuple(name for needed in stage.needs for name in by_name[needed].jobs())
        why = skip.get(stage.name, "")
        if stage.approval:
            ask = f"{_APPROVAL}{stage.name}"
            jobs.append(Job(ask, needs=needs, approval=Approval(), skip=why, resources={}))
            needs = (ask,)
        command = _GATE.format(python=shlex.quote(sys.executable), gates=shlex.quote(str(gates)))
        setup = config.pipeline.setup if stage.setup is None else stage.setup
        lines = (setup, command if stage.kind is Kind.GATE else stage.command)
        jobs += [
            Job(
                name,
                commands=(("sh", "-e", "-c", "\n".join(filter(None, lines))),),
                needs=needs,
                timeout_s=stage.timeout_s,
                retries=stage.retries,
                environment={**stage.env, **environment},
                outputs=stage.artifacts,
                retention_days=stage.retention_days,
                resources={**stage.resources, "slots": 1 if stage.parallel else slots},
                skip=why,
                may_fail=stage.allow_failure,
                when=_WHEN[stage.when],
                priority=round(1000 * start_of.get(name, 0.0)),
            )
            for name, environment in zip(stage.jobs(), _environments(stage), strict=True)
        ]
    return jobs


def _environments(stage: Stage) -> Iterator[dict[str, str]]:
    """Give what each job of a stage finds in its environment, in the order of `Stage.jobs`."""
    for leg in stage.legs():
        matrix = {key.upper().replace("-", "_"): value for key, value in leg.items()}
        for shard in range(1, stage.shards + 1):
            shards = {"SHARD": str(shard), "SHARDS": str(stage.shards)} if stage.shards > 1 else {}
            yield matrix | shards


def _write_gates(path: Path, gates: Mapping[str, object]) -> None:
    """Write gates as `cipredict gate --config` reads them: what JSON and TOML spell alike, tables as tables."""
    short = [
        f"{json.dumps(name)} = {json.dumps(value)}" for name, value in gates.items() if not isinstance(value, Mapping)
    ]
    long = [
        f"\n[gates.{json.dumps(name)}]\n"
        + "\n".join(f"{json.dumps(key)} = {json.dumps(item)}" for key, item in value.items())
        for name, value in gates.items()
        if isinstance(value, Mapping)
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(["[gates]", *short, *long]) + "\n", encoding="utf-8")


def _left_out(stage: Stage) -> Iterator[str]:
    if stage.condition:
        yield f"its condition `{stage.condition}`"
    if stage.services:
        yield f"its services ({', '.join(stage.services)})"


def _gates_passed(results: Sequence[StageResult]) -> bool:
    """Tell whether the gates held; where the pipeline stopped before them nothing was shown."""
    gates = [result.outcome for result in results if result.stage == GATE_STAGE]
    return all(outcome is Outcome.SUCCESS for outcome in gates)


@contextmanager
def _checkout(commit: str, folder: Path, made: Sequence[str]) -> Iterator[tuple[Path, str]]:
    """Give the tree to run in, and what stands for its content: the commit, and what was changed since."""
    if resolve("HEAD", cwd=folder) != commit:
        with worktree(commit, cwd=folder) as tree:
            yield tree, commit
        return
    yield folder.absolute(), f"{commit}+{_local_changes(folder, made)}"


def _local_changes(folder: Path, made: Sequence[str]) -> str:
    """Give a digest of what git sees changed or new, but for what stages made: globs of their artifacts, our papers."""
    digest = hashlib.sha256(_ask_git(folder, "diff", "HEAD"))
    is_made = path_matcher((*made, f"{RUNS.parent}/**"))
    for name in _ask_git(folder, "ls-files", "--others", "--exclude-standard", "-z").split(b"\0"):
        path = folder / os.fsdecode(name)
        if name and not is_made(os.fsdecode(name)) and path.is_file():
            digest.update(name + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def _ask_git(folder: Path, *arguments: str) -> bytes:
    return subprocess.run(["git", *arguments], cwd=folder, capture_output=True, check=False).stdout  # noqa: S603, S607  # fixed; git comes from PATH
