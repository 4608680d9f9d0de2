"""`pipeline show` and `plan` from options to plan: read, ask the forecast, choose, schedule."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from cipredict import __version__
from cipredict.cli.environment import ci_run
from cipredict.cli.inputs import read_change, read_forecast
from cipredict.cli.outputs import warn
from cipredict.decide.pipelines.choosing import ChangeScope, StageChoice, choose_stages
from cipredict.decide.pipelines.estimates import Estimate, StageHistory, no_history
from cipredict.decide.pipelines.parsing import check_pipeline
from cipredict.decide.pipelines.planning import plan_pipeline
from cipredict.decide.pipelines.standard import standard_pipeline
from cipredict.decide.pipelines.workflow_graph import stages_of
from cipredict.decide.scheduling.schedule import Effort
from cipredict.errors import ChangeUnknown, ForecastUnusable, InputError, UsageError, cannot_read
from cipredict.pipeline import read_pipeline, read_pipeline_file
from cipredict.plans.document import MadeFrom, canonical_json
from cipredict.plans.pipeline_model import Pipeline
from cipredict.plans.pipeline_plan import PipelinePlan

if TYPE_CHECKING:
    from cipredict.settings import Settings
    from cipredict.workflow_records import WorkflowRecord

FORMATS = ("lines", "json", "github")
_YAML = {".yml", ".yaml"}


def check_format(output_format: str) -> None:
    """Refuse a format that does not exist."""
    if output_format not in FORMATS:
        known = ", ".join(FORMATS)
        raise UsageError(f"Unknown format '{output_format}': choose from {known}.", slug="unknown-format")


def is_workflow(source: Path | None) -> bool:
    """Tell whether a path names a YAML file."""
    return source is not None and source.suffix in _YAML


def load_pipeline(source: Path | None, *, max_parallel: int | None = None) -> Pipeline:
    """Give the pipeline of a file, of the working directory, or the standard one; raises InputError, UsageError."""
    if source is None:
        pipeline = read_pipeline(Path())
        if pipeline is None:
            warn("No pipeline.toml and no [tool.cipredict.pipeline] here: this is the standard pipeline.")
            pipeline = standard_pipeline()
    elif is_workflow(source):
        workflow = read_workflow(source)
        pipeline = Pipeline(name=workflow.name or source.stem, stages=stages_of(workflow))
    elif source.exists():
        pipeline = read_pipeline_file(source)
    else:
        raise cannot_read(source, FileNotFoundError())
    if max_parallel is not None:
        pipeline = replace(pipeline, max_parallel_jobs=max_parallel)
        check_pipeline(pipeline)
    return pipeline


def read_workflow(path: Path) -> WorkflowRecord:
    """Read a workflow of either provider: GitLab's has no key `on`."""
    from cipredict.ingest.workflows.github import parse_github_workflow  # noqa: PLC0415  # needs PyYAML
    from cipredict.ingest.workflows.gitlab import parse_gitlab_file  # noqa: PLC0415
    from cipredict.ingest.workflows.nodes import child, read_file  # noqa: PLC0415

    file = read_file(path)
    is_github = child(file.root, "jobs") is not None or child(file.root, "on") is not None
    return parse_github_workflow(file) if is_github else parse_gitlab_file(file)


def stage_history(settings: Settings) -> StageHistory:
    """Look stages up in the forecast bundle; without one nothing is known, and the plan says so."""
    if not settings.forecast.exists():
        return no_history
    try:
        bundle = read_forecast(settings)
    except ForecastUnusable as error:
        warn(f"{error} Seconds are assumed.")
        return no_history

    def look_up(series: str) -> Estimate | None:
        if series not in bundle.manifest.series:
            return None
        from cipredict.forecast.features import ChangeFacts  # noqa: PLC0415  # numpy, once a series is known
        from cipredict.forecast.runs import forecast_run  # noqa: PLC0415

        found = forecast_run(bundle, series, ChangeFacts(()), started_at=datetime.now(UTC))
        return Estimate(found.expected_s, found.low_s, found.high_s, found.basis, f"{series}, {found.served_by}")

    return look_up


def choose(
    pipeline: Pipeline, settings: Settings, *, base: str | None, changed: tuple[str, ...], selection: Path | None
) -> list[StageChoice]:
    """Choose stages for a change; where git cannot tell what changed, everything runs."""
    run = ci_run()
    paths: tuple[str, ...] = ()
    branch = run.branch if run else ""
    try:
        change = read_change(base=base, changed=changed, diff=None)
        paths, branch = change.summary.paths, change.branch or branch
    except ChangeUnknown as error:
        warn(f"{error} Every stage runs.")
    selected = None
    if selection is not None:
        from cipredict.plans.selection_document import read_selection_plan  # noqa: PLC0415

        selected = frozenset(read_selection_plan(selection).to_run)
    scope = ChangeScope(
        paths=paths,
        reached=_reached(pipeline, paths),
        selected=selected,
        branch=branch,
        is_push=run is not None and run.event == "push",
        run_all=settings.run_all,
        ignored=settings.ignored,
    )
    return choose_stages(pipeline.complete(), scope, deployment=pipeline.deployment)


def _reached(pipeline: Pipeline, paths: Sequence[str]) -> dict[str, str]:
    """Give the files of the working tree that import a changed one, each with the changed file that it reaches."""
    python = [path for path in paths if path.endswith(".py")]
    if not python or not any(stage.paths for stage in pipeline.stages):
        return {}
    from cipredict.ingest.imports import read_imports  # noqa: PLC0415

    folder = Path()
    files = [
        path.as_posix() for path in folder.rglob("*.py") if not any(part.startswith(".") for part in path.parts[:-1])
    ]
    importers: dict[str, list[str]] = {}
    for edge in read_imports(folder, files):
        importers.setdefault(edge.imported, []).append(edge.importer)
    reached: dict[str, str] = {}
    waiting = deque((path, path) for path in python)
    while waiting:
        path, origin = waiting.popleft()
        for importer in importers.get(path, ()):
            if importer not in reached and importer not in python:
                reached[importer] = origin
                waiting.append((importer, origin))
    return reached


def plan_of(
    pipeline: Pipeline,
    settings: Settings,
    *,
    choices: list[StageChoice] | None = None,
    effort: Effort | None = None,
) -> PipelinePlan:
    """Schedule what runs, by the forecast's seconds."""
    made_from = MadeFrom(__version__, settings=settings.source)
    return plan_pipeline(pipeline, choices, made_from=made_from, history=stage_history(settings), effort=effort)


def machine_output(pipeline: Pipeline, plan: PipelinePlan, output_format: str) -> str:
    """Give the stages that run: one a line, the whole plan, or outputs of a workflow's step."""
    if output_format == "json":
        return canonical_json(plan.to_document())
    running = list(dict.fromkeys(job.stage for job in plan.jobs))
    if output_format == "github":
        from cipredict.render.github import render_outputs  # noqa: PLC0415
        from cipredict.render.pipelines.github_workflow import render_plan_outputs  # noqa: PLC0415

        return render_outputs(render_plan_outputs(pipeline, running))
    return "".join(f"{stage}\n" for stage in running)


def write_text(path: Path | None, text: str) -> None:
    """Write to a file, to stdout where there is none; raises InputError where the place cannot be written."""
    if path is None:
        sys.stdout.write(text)
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
    except OSError as error:
        raise InputError(f"Cannot write {path}: {error.strerror}.", slug="output-unwritable") from error
