"""The steps that jobs of an exported GitHub workflow are made of: what is used, what is cached, what is handed on."""

from __future__ import annotations

from collections.abc import Sequence

from cipredict.plans.pipeline_model import METRICS_FOLDER, Kind, Pipeline, Stage
from cipredict.plans.pipeline_parts import Cache, CacheUse
from cipredict.render.pipelines.actions import PINS
from cipredict.render.pipelines.export_checks import PLANS, case_command, definition_of, needs_of, setup_of
from cipredict.render.pipelines.yaml_text import Commented, Value

Job = dict[str, Value]
_EVENTS = ".cipredict/events/"
_PLAN_ARTIFACT, _METRICS_ARTIFACT = "pipeline-plan", "gates"
_PLACEHOLDERS = {"run": "${{ github.run_id }}-${{ github.run_attempt }}", "os": "${{ runner.os }}"}


def steps_of(pipeline: Pipeline, stage: Stage, stages: Sequence[Stage]) -> list[Value]:
    """Give the steps of a stage's job, in order."""
    depth = 0 if stage.full_history else None
    steps: list[Value] = [checkout(depth=depth), use_python(pipeline)]
    if stage.cache:
        steps.append(_own_cache(stage))
    steps += [_restore(cache) for cache in stage.caches if cache.use is not CacheUse.SAVE]
    steps += [_download(one) for one in stages if one.name in needs_of(stage, stages) and one.artifacts]
    if stage.plan:
        fetched = _fetch({"name": _PLAN_ARTIFACT, "path": ".cipredict"})
        steps.append({"if": "${{ contains(matrix.args, '--cipredict-plan') }}", **fetched})  # else there may be none
    if stage.kind is Kind.GATE:
        steps.append(_fetch({"pattern": f"{_METRICS_ARTIFACT}-*", "path": METRICS_FOLDER}))
    if setup := setup_of(stage, setup=pipeline.setup, install=pipeline.install):
        steps.append({"name": "Set up", "run": setup})
    steps.append({"name": f"Run {stage.name}", "run": stage.command})
    if stage.kind is Kind.DEPLOY and pipeline.deployment and pipeline.deployment.recover:
        unfinished = "${{ failure() || cancelled() }}"
        steps.append({"name": "Finish or take back", "if": unfinished, "run": pipeline.deployment.recover})
    steps += [_save(cache) for cache in stage.caches if cache.use is not CacheUse.RESTORE]
    return [*steps, *_uploads(pipeline, stage)]


def plan_steps(pipeline: Pipeline, stages: Sequence[Stage], *, plan_id: str) -> list[Value]:
    """Give the steps of the plan job. It fails open: what it cannot tell makes everything run, in equal shards."""
    base: Job = {"BASE": "${{ github.event.pull_request.base.sha || github.event.before }}"}
    steps: list[Value] = [checkout(depth=0), use_python(pipeline)]
    if pipeline.forecast_key:
        steps.append(_restore(forecast_cache(pipeline)))
    steps.append({"name": "Install cipredict", "continue-on-error": True, "run": pipeline.install})
    steps.append(
        {
            "name": "Choose the stages of this change",
            "id": plan_id,
            "continue-on-error": True,
            "env": base,
            "run": f'cipredict pipeline plan{definition_of(pipeline)} --base "$BASE" --format github '
            f'--output {PLANS}/pipeline.json >> "$GITHUB_OUTPUT"',
        }
    )
    steps += [
        {
            "name": f"Divide the cases of {stage.name}",
            "id": f"cases_{stage.name}",
            "continue-on-error": True,
            "env": base,
            "run": case_command(stage, base='"$BASE"'),
        }
        for stage in stages
        if stage.plan
    ]
    return [*steps, upload(_PLAN_ARTIFACT, [f"{PLANS}/", _EVENTS], days=7)]


def forecast_cache(pipeline: Pipeline) -> Cache:
    """Give the cache in which the nightly job keeps the forecast, as jobs restore it."""
    key = pipeline.forecast_key
    return Cache(
        "forecast", paths=(".cipredict/forecast.bundle",), key=f"{key}{{run}}", restore=(key,), use=CacheUse.RESTORE
    )


def _use(action: str) -> Commented:
    """Name an action by its pin; one in a folder, `actions/cache/save`, is of its repository's commit."""
    pin = PINS["/".join(action.split("/")[:2])]
    return Commented(f"{action}@{pin.commit}", pin.version)


def checkout(*, depth: int | None = None) -> Job:
    """Give the step that fetches the commit, with so many of its ancestors, 0 for all."""
    inputs: dict[str, Value] = {"persist-credentials": False}
    if depth is not None:
        inputs["fetch-depth"] = depth
    return {"uses": _use("actions/checkout"), "with": inputs}


def use_python(pipeline: Pipeline) -> Job:
    """Give the step that sets up Python."""
    return {"uses": _use("actions/setup-python"), "with": {"python-version": pipeline.python}}


def _own_cache(stage: Stage) -> Job:
    prefix = f"{stage.name}-${{{{ runner.os }}}}-"
    return {
        "uses": _use("actions/cache"),
        "with": {
            "path": "\n".join(stage.cache),
            "key": f"{prefix}{_digest(stage.cache_key)}" if stage.cache_key else prefix,
            "restore-keys": prefix,
        },
    }


def _digest(files: Sequence[str]) -> str:
    names = ", ".join(f"'{name}'" for name in files)
    return f"${{{{ hashFiles({names}) }}}}"


def _spelled(template: str, cache: Cache) -> str:
    for name, value in {**_PLACEHOLDERS, "files": _digest(cache.files)}.items():
        template = template.replace(f"{{{name}}}", value)
    return template


def _restore(cache: Cache) -> Job:
    inputs: dict[str, Value] = {"path": "\n".join(cache.paths), "key": _spelled(cache.key, cache)}
    if cache.restore:
        inputs["restore-keys"] = "\n".join(_spelled(one, cache) for one in cache.restore)
    return {"name": f"Restore the {cache.name}", "uses": _use("actions/cache/restore"), "with": inputs}


def _save(cache: Cache) -> Job:
    condition: Job = {"if": "${{ !cancelled() }}"} if cache.saves_always else {}
    inputs: Job = {"path": "\n".join(cache.paths), "key": _spelled(cache.key, cache)}
    return {"name": f"Save the {cache.name}", **condition, "uses": _use("actions/cache/save"), "with": inputs}


def _fetch(inputs: Job) -> Job:
    return {"uses": _use("actions/download-artifact"), "with": inputs}


def _download(stage: Stage) -> Job:
    name: Job = {"pattern": f"{stage.name}-*"} if stage.matrix or stage.shards > 1 else {"name": stage.name}
    return _fetch({**name, "path": f"artifacts/{stage.name}"})


def _uploads(pipeline: Pipeline, stage: Stage) -> list[Value]:
    """Keep artifacts, and what the gates judge, of a job that failed, too."""
    legs = "".join(f"-${{{{ matrix.{name} }}}}" for name in (*stage.matrix, *(["shard"] if stage.shards > 1 else [])))
    kept = [(f"{stage.name}{legs}", stage.artifacts)] if stage.artifacts else []
    if pipeline.gates and stage.kind is Kind.WORK:
        kept.append((f"{_METRICS_ARTIFACT}-{stage.name}{legs}", (f"{METRICS_FOLDER}/",)))
    return [{"if": "${{ !cancelled() }}", **upload(name, paths, days=stage.retention_days)} for name, paths in kept]


def upload(name: str, paths: Sequence[str], *, days: int) -> Job:
    """Give the step that keeps files; those in hidden folders, as ours are, only where that is said."""
    hidden: Job = {"include-hidden-files": True} if any(_is_hidden(path) for path in paths) else {}
    return {
        "uses": _use("actions/upload-artifact"),
        "with": {
            "name": name,
            "path": "\n".join(paths),
            "retention-days": days,
            "if-no-files-found": "ignore",
            **hidden,
        },
    }


def _is_hidden(path: str) -> bool:
    return any(part.startswith(".") and part not in {".", ".."} for part in path.split("/"))
