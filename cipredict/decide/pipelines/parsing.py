"""`pipeline.toml` or `[tool.cipredict.pipeline]` into a pipeline: all problems are found before it is refused.

::

    max_parallel_jobs = 4
    gates = {test_coverage = 85}
    [resources]
    gpu = 1
    [stages.lint]
    run = "make lint"
    paths = ["src/**"]
    [stages.unit]
    run = "make test-unit"
    needs = ["lint"]
    timeout = "10m"
    [deployment]
    strategy = "blue_green"
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from cipredict.decide.pipelines.part_parsing import crons, odd_parts, parse_caches, parse_case_plan
from cipredict.decide.pipelines.table import (
    Table,
    choice,
    count,
    counts,
    lists,
    percent,
    positive,
    seconds,
    text,
    texts,
    truth,
    words,
)
from cipredict.decide.scheduling.project import SLOTS, Task, make_project
from cipredict.errors import SettingsError, UsageError
from cipredict.plans.pipeline_model import GPU, GPU_RUNNER, Deployment, Pipeline, Stage, Strategy, Triggers, WithoutGpu
from cipredict.plans.pipeline_parts import When

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,99}", re.ASCII)
_STAGE_KEYS = (
    "allow_failure, always, approval, artifacts, cache, cache_key, caches, env, environment, expected, full_history, "
    "if, intent, matrix, needs, parallel, paths, permissions, plan, resources, retention_days, retries, run, runs_on, "
    "script, secrets, series, services, setup, shards, side_effects, tests, timeout, when, without_gpu"
)
_PIPELINE_KEYS = (
    "deployment, dynamic, forecast_key, gates, install, max_parallel_jobs, name, python, resources, serial, setup, "
    "stages, triggers"
)


def parse_pipeline(table: Mapping[str, object], *, source: str) -> Pipeline:
    """Read a pipeline.

    Raises
    ------
    SettingsError
        Naming every problem of the table at once.
    UsageError
        The stages do not fit together: a cycle, an unknown need, impossible resources.
    """
    problems: list[str] = []
    top = Table(table, problems, where="pipeline")
    nothing: Mapping[str, object] = {}
    stages = top.take("stages", _table, nothing)
    pipeline = Pipeline(
        name=top.take("name", text, "ci"),
        stages=tuple(_stage(str(name), value, problems) for name, value in stages.items()),
        gates=top.take("gates", _table, nothing),
        deployment=top.take("deployment", lambda value: _deployment(value, problems), None),
        triggers=top.take("triggers", lambda value: _triggers(value, problems), Triggers()),
        max_parallel_jobs=top.take("max_parallel_jobs", positive, None),
        resources=top.take("resources", counts, {}),
        setup=top.take("setup", text, ""),
        install=top.take("install", text, Pipeline().install),
        python=top.take("python", text, "3.11"),
        is_dynamic=top.take("dynamic", truth, True),  # noqa: FBT003  # the default
        is_serial=top.take("serial", truth, False),  # noqa: FBT003
        forecast_key=top.take("forecast_key", text, ""),
    )
    top.refuse_rest(_PIPELINE_KEYS)
    if problems:
        raise SettingsError(f"{source}: {'; '.join(problems)}.", slug="pipeline-definition")
    check_pipeline(pipeline)
    return pipeline


def parse_stage(name: str, table: Mapping[str, object]) -> Stage:
    """Read one stage, as `PipelineManager.add_stage` takes it; raises SettingsError naming every problem."""
    problems: list[str] = []
    stage = _stage(name, table, problems)
    if problems:
        raise SettingsError(f"{'; '.join(problems)}.", slug="pipeline-definition")
    return stage


def parse_deployment(table: Mapping[str, object]) -> Deployment:
    """Read how to deploy; raises SettingsError naming every problem."""
    problems: list[str] = []
    deployment = _deployment(table, problems)
    if problems:
        raise SettingsError(f"{'; '.join(problems)}.", slug="pipeline-definition")
    return deployment


def check_pipeline(pipeline: Pipeline) -> None:
    """Check that the stages fit together; raises UsageError naming duplicates, unknown needs, cycles, resources."""
    tasks = [Task(stage.name, 0, stage.needs, stage.resources) for stage in pipeline.complete()]
    make_project(tasks, max_parallel=pipeline.max_parallel_jobs, resources=pipeline.resources)
    if SLOTS in pipeline.resources:
        raise UsageError(f"The resource '{SLOTS}' is max_parallel_jobs.", slug="stage-resources")


def _stage(name: str, value: object, problems: list[str]) -> Stage:
    table = Table(value, problems, where=f"stage '{name}'")
    if not _NAME.fullmatch(name):
        table.complain("a name is letters, digits, - and _, and begins with a letter or _")
    nothing: dict[str, int] = {}
    resources = table.take("resources", counts, nothing)
    stage = Stage(
        name,
        run=table.take("run", text, ""),
        script=table.take("script", text, ""),
        needs=table.take("needs", texts, ()),
        timeout_s=table.take("timeout", seconds, None),
        expected_s=table.take("expected", seconds, None),
        parallel=table.take("parallel", truth, True),  # noqa: FBT003  # the default, as in the lines around
        matrix=table.take("matrix", lists, {}),
        shards=table.take("shards", positive, 1),
        resources=resources,
        without_gpu=table.take("without_gpu", _without_gpu, WithoutGpu.REFUSE),
        runs_on=table.take("runs_on", texts, GPU_RUNNER if resources.get(GPU) else ("ubuntu-latest",)),
        paths=table.take("paths", texts, ()),
        tests=table.take("tests", texts, ()),
        always=table.take("always", truth, False),  # noqa: FBT003
        condition=table.take("if", text, ""),
        environment=table.take("environment", text, ""),
        approval=table.take("approval", truth, False),  # noqa: FBT003
        retries=table.take("retries", count, 0),
        allow_failure=table.take("allow_failure", truth, False),  # noqa: FBT003
        env=table.take("env", words, {}),
        cache=table.take("cache", texts, ()),
        cache_key=table.take("cache_key", texts, ()),
        artifacts=table.take("artifacts", texts, ()),
        retention_days=table.take("retention_days", positive, 7),
        services=table.take("services", words, {}),
        intent=table.take("intent", text, ""),
        side_effects=table.take("side_effects", truth, False),  # noqa: FBT003
        series=table.take("series", text, ""),
        when=table.take("when", choice(When), When.SUCCESS),
        caches=table.take("caches", lambda found: parse_caches(found, name, problems), ()),
        setup=table.take("setup", text, None),
        plan=table.take("plan", lambda found: parse_case_plan(found, name, problems), None),
        permissions=table.take("permissions", words, {}),
        secrets=table.take("secrets", words, {}),
        full_history=table.take("full_history", truth, False),  # noqa: FBT003
    )
    for problem in odd_parts(stage):
        table.complain(problem)
    if bool(stage.run) == bool(stage.script):
        table.complain("give one of 'run' and 'script'")
    if stage.approval and not stage.environment:
        table.complain("'approval' needs an 'environment', which holds who may approve")
    if stage.without_gpu is not WithoutGpu.REFUSE and not resources.get(GPU):
        table.complain("'without_gpu' is for stages that hold a 'gpu' of [resources]")
    if stage.environment and (stage.matrix or stage.shards > 1):
        table.complain("an environment and a matrix ask for one approval per job: guard a stage before it")
    table.refuse_rest(_STAGE_KEYS)
    return stage


def _deployment(value: object, problems: list[str]) -> Deployment:
    table = Table(value, problems, where="deployment")
    strategy = table.take("strategy", _strategy, None)
    if strategy is None:
        table.complain(f"'strategy' is one of {', '.join(Strategy)}")
    default = Deployment(Strategy.ROLLING)
    return Deployment(
        strategy=strategy or Strategy.ROLLING,
        health_check=table.take("health_check", text, ""),
        rollback_threshold=table.take("rollback_threshold", percent, default.rollback_threshold),
        canary_percentage=table.take("canary_percentage", percent, default.canary_percentage),
        environment=table.take("environment", text, default.environment),
        approval=table.take("approval", truth, default.approval),
        branches=table.take("branches", texts, default.branches),
        command=table.take("command", text, default.command),
        recover=table.take("recover", text, default.recover),
        runs_on=table.take("runs_on", texts, default.runs_on),
        options=table.rest(),  # of the rollout itself, which `cipredict deploy` reads
    )


def _triggers(value: object, problems: list[str]) -> Triggers:
    table = Table(value, problems, where="triggers")
    found = Triggers(
        table.take("push", texts, ()),
        table.take("pull_request", texts, ()),
        table.take("schedule", crons, ()),
        table.take("manual", truth, False),  # noqa: FBT003  # the default
    )
    table.refuse_rest("manual, pull_request, push, schedule")
    return found


def _without_gpu(value: object) -> WithoutGpu:
    if value not in tuple(WithoutGpu):
        raise TypeError(f"is one of {', '.join(WithoutGpu)}")
    return WithoutGpu(text(value))


def _strategy(value: object) -> Strategy | None:
    return Strategy(text(value)) if value in tuple(Strategy) else None


def _table(value: object) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise TypeError(f"must be a table, not {value!r}")
    return value
