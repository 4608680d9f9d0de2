"""`cipredict pipeline`: show, plan, optimise, export, import and run pipelines. Planning fails open."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from cipredict.cli.options import EventsOption, ForecastOption, load_settings, make_app

pipeline_app = make_app("Show, plan, optimise, export and import pipelines.")
apps = {"pipeline": pipeline_app}

SourceArgument = Annotated[
    Path | None,
    typer.Argument(help="pipeline.toml, pyproject.toml, or a workflow of GitHub or GitLab; here by default."),
]
WorkflowsArgument = Annotated[list[Path], typer.Argument(help="Workflows of GitHub or GitLab.")]
BaseOption = Annotated[str | None, typer.Option(help="Compare with this branch, tag or commit.")]
ChangedOption = Annotated[list[str] | None, typer.Option(help="A changed path; repeat for more.")]
SelectionOption = Annotated[Path | None, typer.Option(help="A selection plan: stages with `tests` run by its cases.")]
OutputOption = Annotated[Path | None, typer.Option("--output", "-o", help="Write here instead of to stdout.")]
JobsOption = Annotated[int | None, typer.Option("--max-parallel", min=1, help="So many jobs at once.")]


@pipeline_app.command()
def show(
    source: SourceArgument = None,
    max_parallel: JobsOption = None,
    svg: Annotated[Path | None, typer.Option(help="Draw the Gantt chart here.")] = None,
    forecast: ForecastOption = None,
) -> None:
    """Lay out the whole pipeline: schedule, critical path, what the end hangs on."""
    from cipredict.cli.pipeline_planning import load_pipeline, plan_of  # noqa: PLC0415
    from cipredict.render.pipelines.gantt import render_gantt, render_plan_summary  # noqa: PLC0415

    settings = load_settings(forecast=forecast)
    plan = plan_of(load_pipeline(source, max_parallel=max_parallel), settings)
    sys.stdout.write(f"{render_gantt(plan)}\n\n{render_plan_summary(plan)}\n")
    _draw(plan, svg)


@pipeline_app.command()
def plan(
    source: SourceArgument = None,
    base: BaseOption = None,
    changed: ChangedOption = None,
    selection: SelectionOption = None,
    max_parallel: JobsOption = None,
    seconds: Annotated[float | None, typer.Option(help="Search so long; not reproducible on other machines.")] = None,
    exact: Annotated[bool, typer.Option("--exact", help="Ask OR-tools for a shorter schedule or a proof.")] = False,
    output_format: Annotated[str, typer.Option("--format", help="lines, json or github.")] = "lines",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write the plan (JSON) here.")] = None,
    svg: Annotated[Path | None, typer.Option(help="Draw the Gantt chart here.")] = None,
    forecast: ForecastOption = None,
    events: EventsOption = None,
) -> None:
    """Choose the stages that a change needs and schedule them: names on stdout, the chart on stderr."""
    from cipredict.cli.outputs import remember, tell  # noqa: PLC0415
    from cipredict.cli.pipeline_planning import (  # noqa: PLC0415
        check_format,
        choose,
        load_pipeline,
        machine_output,
        plan_of,
    )
    from cipredict.decide.scheduling.schedule import Effort  # noqa: PLC0415
    from cipredict.plans.document import compact_json, write_plan  # noqa: PLC0415
    from cipredict.render.pipelines.gantt import (  # noqa: PLC0415
        render_gantt,
        render_plan_summary,
        render_reasons,
    )

    check_format(output_format)
    settings = load_settings(forecast=forecast, events=events)
    pipeline = load_pipeline(source, max_parallel=max_parallel)
    choices = choose(pipeline, settings, base=base, changed=tuple(changed or ()), selection=selection)
    made = plan_of(pipeline, settings, choices=choices, effort=Effort(seconds=seconds, exact=exact))
    document = made.to_document()
    if output is not None:
        write_plan(output, document)
    remember(compact_json(document), settings.events)
    sys.stdout.write(machine_output(pipeline, made, output_format))
    tell(lambda: f"{render_gantt(made)}\n\n{render_plan_summary(made)}\n\n{render_reasons(made)}\n")
    _draw(made, svg)


@pipeline_app.command()
def optimize(
    sources: Annotated[list[Path], typer.Argument(help="Workflows of GitHub or GitLab, or definitions (TOML).")],
    write: Annotated[bool, typer.Option("--write", help="Edit the files; nothing else in them changes.")] = False,
    patch: Annotated[Path | None, typer.Option(help="Write the edits as a patch here.")] = None,
    output_format: Annotated[str, typer.Option("--format", help="table or json.")] = "table",
    p_fail: Annotated[
        list[str] | None, typer.Option(help="JOB=0.05: how often a job fails, against its history.")
    ] = None,
    max_parallel: Annotated[int, typer.Option(min=1, help="Jobs at once, for the gains.")] = 20,
    forecast: ForecastOption = None,
) -> None:
    """Find what to improve in workflows and definitions: findings on stdout, edits of workflows where asked for.

    Seconds come from the forecast, failures from the store, caches of definitions from `cache advise`.
    """
    from cipredict.cli.pipeline_workflows import optimise_files  # noqa: PLC0415

    settings = load_settings(forecast=forecast)
    sys.stdout.write(
        optimise_files(
            sources,
            settings,
            write=write,
            patch=patch,
            output_format=output_format,
            p_fail=tuple(p_fail or ()),
            max_parallel=max_parallel,
        )
    )


@pipeline_app.command()
def export(
    source: SourceArgument = None,
    target: Annotated[str, typer.Option(help="github, gitlab or gitlab-child.")] = "github",
    static: Annotated[bool, typer.Option("--static", help="No plan job: every stage runs, always.")] = False,
    base: BaseOption = None,
    changed: ChangedOption = None,
    output: OutputOption = None,
    dotenv: Annotated[Path | None, typer.Option(help="gitlab-child: write STAGES and COUNT here.")] = None,
    check: Annotated[bool, typer.Option("--check", help="Exit 1 where --output differs from the export.")] = False,
) -> None:
    """Write a pipeline for a provider. An imported workflow comes out byte for byte as it was."""
    from cipredict.cli.pipeline_exporting import export_pipeline  # noqa: PLC0415

    code = export_pipeline(
        source,
        target=target,
        static=static,
        base=base,
        changed=tuple(changed or ()),
        output=output,
        dotenv=dotenv,
        check=check,
    )
    raise typer.Exit(code)


@pipeline_app.command()
def run(
    source: SourceArgument = None,
    commit: Annotated[str, typer.Option(help="Run this commit, in a checkout of its own if need be.")] = "HEAD",
    base: BaseOption = None,
    changed: ChangedOption = None,
    everything: Annotated[bool, typer.Option("--all", help="Run every stage, whatever changed.")] = False,
    max_parallel: JobsOption = None,
    resume: Annotated[str | None, typer.Option(help="Go on with this run; `last` for the latest.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Do not show what the stages print.")] = False,
    executor: Annotated[str, typer.Option(help="local or dask: who runs the stages.")] = "local",
    dask_scheduler: Annotated[str | None, typer.Option(help="tcp://HOST:PORT; a cluster here by default.")] = None,
    forecast: ForecastOption = None,
    events: EventsOption = None,
) -> None:
    """Run the stages that a change needs, as processes: progress on stderr, JSON on stdout."""
    from cipredict.cli.pipeline_running import open_executor, run_pipeline  # noqa: PLC0415

    with open_executor(executor, scheduler=dask_scheduler, workers=max_parallel) as cluster:
        code = run_pipeline(
            source,
            commit=commit,
            base=base,
            changed=tuple(changed or ()),
            everything=everything,
            max_parallel=max_parallel,
            resume="" if resume == "last" else resume,
            quiet=quiet,
            forecast=forecast,
            events=events,
            cluster=cluster,
        )
    raise typer.Exit(code)


@pipeline_app.command()
def approve(
    stage: Annotated[str, typer.Argument(help="The stage that waits.")],
    run_id: Annotated[str, typer.Option("--run", help="Of which run; the latest by default.")] = "",
    by: Annotated[str, typer.Option("--as", help="Who decides.")] = "",
    reason: Annotated[str, typer.Option(help="Why.")] = "",
    deny: Annotated[bool, typer.Option("--deny", help="Say no.")] = False,
) -> None:
    """Let a stage of a running pipeline go on, or not."""
    from cipredict.cli.pipeline_running import decide_approval  # noqa: PLC0415

    decide_approval(run_id, stage, by=by, reason=reason, is_approved=not deny)


@pipeline_app.command()
def artifacts() -> None:
    """List what runs here made, how long it is kept, and by which stages: JSON on stdout."""
    from cipredict.cli.pipeline_artifacts import list_artifacts  # noqa: PLC0415

    list_artifacts()


@pipeline_app.command()
def prune(
    days: Annotated[str | None, typer.Option(help="Keep everything so long, such as 3d, whatever stages say.")] = None,
    max_bytes: Annotated[str | None, typer.Option(help="Keep at most so much, such as 2GB; the oldest go.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Delete nothing.")] = False,
) -> None:
    """Delete artifacts that were kept for long enough: what goes, what stays and why as JSON on stdout."""
    from cipredict.cli.pipeline_artifacts import prune_artifacts  # noqa: PLC0415

    raise typer.Exit(prune_artifacts(days=days, max_bytes=max_bytes, dry_run=dry_run))


@pipeline_app.command("import")
def import_workflows(
    sources: WorkflowsArgument,
    output_format: Annotated[str, typer.Option("--format", help="table or json.")] = "table",
) -> None:
    """Read workflows: jobs, legs, edges, with their lines; what cannot be read is refused with file and line."""
    from cipredict.cli.pipeline_workflows import import_files  # noqa: PLC0415

    text, code = import_files(sources, output_format=output_format)
    sys.stdout.write(text)
    raise typer.Exit(code)


def _draw(plan: object, svg: Path | None) -> None:
    if svg is None:
        return
    from cipredict.cli.pipeline_planning import write_text  # noqa: PLC0415
    from cipredict.plans.pipeline_plan import PipelinePlan  # noqa: PLC0415
    from cipredict.render.pipelines.gantt import render_gantt_svg  # noqa: PLC0415

    assert isinstance(plan, PipelinePlan)  # noqa: S101  # for mypy: the class is imported late
    write_text(svg, render_gantt_svg(plan))
