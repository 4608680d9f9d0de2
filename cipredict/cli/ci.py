"""Commands that run inside CI jobs, while people wait: they read the bundle, never the store, and fail open."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from cipredict.cli.options import EventsOption, ForecastOption, load_settings, make_app

predict = make_app("Forecast the seconds of a run or of cases.")
apps = {"select-tests": make_app(), "shard": make_app(), "predict": predict}

CandidatesOption = Annotated[
    str | None, typer.Option("--candidates", help="File of case ids; - is stdin, the default.")
]
CollectOption = Annotated[bool, typer.Option("--collect", help="Ask pytest what it collects here.")]
KnownOption = Annotated[bool, typer.Option("--known", help="The cases of the last runs, from the forecast.")]
OutputOption = Annotated[Path | None, typer.Option("--output", "-o", help="Write the plan (JSON) here.")]
StrictOption = Annotated[bool, typer.Option("--strict", help="Fail (exit 2) instead of falling back.")]


@apps["select-tests"].command()
def select_tests(
    base: Annotated[str | None, typer.Option(help="Compare with this branch, tag or commit.")] = None,
    changed: Annotated[list[str] | None, typer.Option(help="A changed path; repeat for more.")] = None,
    diff: Annotated[str | None, typer.Option(help="File with a diff or a list of paths; - is stdin.")] = None,
    candidates: CandidatesOption = None,
    collect: CollectOption = False,
    known: KnownOption = False,
    target: Annotated[str | None, typer.Option(help="Share of the suite's time, such as 30%.")] = None,
    time: Annotated[str | None, typer.Option(help="Time to spend, such as 10m.")] = None,
    confidence: Annotated[str | None, typer.Option(help="Share of failing runs still caught, such as 95%.")] = None,
    must_run: Annotated[list[str] | None, typer.Option(help="Glob of cases or files that always run.")] = None,
    rest: Annotated[Path | None, typer.Option(help="Write the cases that were not selected here.")] = None,
    order_only: Annotated[bool, typer.Option("--order-only", help="Skip nothing; riskiest first.")] = False,
    exclude_mode: Annotated[bool, typer.Option("--exclude-mode", help="Print the skipped cases instead.")] = False,
    explain: Annotated[bool, typer.Option("--explain", help="Say why, case by case, on stderr.")] = False,
    observe: Annotated[bool, typer.Option("--observe", help="Log the plan, run everything.")] = False,
    strict: StrictOption = False,
    output_format: Annotated[str, typer.Option("--format", help="lines, pytest-args, json or github.")] = "lines",
    output: OutputOption = None,
    forecast: ForecastOption = None,
    events: EventsOption = None,
) -> None:
    """Choose the cases that a change needs: list on stdout, table on stderr, plan as JSON.

    Goals exclude each other; without one, --confidence 95% holds. Whatever is unknown makes everything run.
    """
    from cipredict.cli.selecting import SelectionOptions, parse_goal, select, show_selection  # noqa: PLC0415

    options = SelectionOptions(
        base=base,
        changed=tuple(changed or ()),
        diff=diff,
        candidates=candidates,
        collect=collect,
        known=known,
        goal=parse_goal(target=target, time=time, confidence=confidence),
        must_run=tuple(must_run or ()),
        observe=observe,
        order_only=order_only,
        strict=strict,
        output_format=output_format,
    )
    settings = load_settings(forecast=forecast, events=events)
    plan = select(options, settings)
    show_selection(plan, options, settings, exclude=exclude_mode, explain=explain, rest=rest, output=output)


@apps["shard"].command()
def shard(
    shards: Annotated[str | None, typer.Option(help="Number of shards, or auto: as many as pay.")] = None,
    target_time: Annotated[str | None, typer.Option(help="Use as few shards as end in this time, such as 5m.")] = None,
    max_shards: Annotated[int, typer.Option(help="At most so many with --target-time and auto.")] = 20,
    strategy: Annotated[str, typer.Option(help="optimal, predictive or round_robin.")] = "optimal",
    group_by: Annotated[str, typer.Option(help="Keep whole: case, class, file, module or marker.")] = "case",
    together: Annotated[
        list[Path] | None, typer.Option(help="File of case ids that share a shard; repeatable.")
    ] = None,
    tail: Annotated[str | None, typer.Option(help="Queue the smallest cases worth this share, such as 15%.")] = None,
    selection: Annotated[Path | None, typer.Option(help="Shard what this selection plan runs.")] = None,
    candidates: CandidatesOption = None,
    collect: CollectOption = False,
    known: KnownOption = False,
    flavour: Annotated[str, typer.Option(help="Plan for one of a matrix, such as 'windows 3.12'.")] = "",
    gpu_shards: Annotated[int, typer.Option(min=0, help="So many more shards, for the cases marked `gpu`.")] = 0,
    no_gpu: Annotated[bool, typer.Option("--no-gpu", help="Plan the cases marked `gpu` like the others.")] = False,
    gpu_runner: Annotated[str, typer.Option(help="Labels of machines with a GPU.")] = "self-hosted,gpu",
    runner: Annotated[str, typer.Option(help="Labels of the other machines.")] = "ubuntu-latest",
    index: Annotated[int | None, typer.Option(help="Print the cases of this shard; counts from 0.")] = None,
    strict: StrictOption = False,
    output_format: Annotated[str, typer.Option("--format", help="lines, json, github or gitlab.")] = "lines",
    output: OutputOption = None,
    forecast: ForecastOption = None,
    events: EventsOption = None,
) -> None:
    """Divide cases among machines by predicted time: list or plan on stdout, table on stderr."""
    from cipredict.cli.sharding import ShardingOptions, divide, show_shards  # noqa: PLC0415

    options = ShardingOptions(
        shards=shards,
        target_time=target_time,
        max_shards=max_shards,
        strategy=strategy,
        group_by=group_by,
        together=tuple(together or ()),
        tail=tail,
        selection=selection,
        candidates=candidates,
        collect=collect,
        known=known,
        index=index,
        strict=strict,
        output_format=output_format,
        flavour=flavour,
        gpu_shards=gpu_shards,
        no_gpu=no_gpu,
        gpu_runner=gpu_runner,
        runner=runner,
    )
    settings = load_settings(forecast=forecast, events=events)
    show_shards(divide(options, settings), options, settings, output=output)


@predict.command("tests")
def predict_tests(
    candidates: CandidatesOption = None,
    collect: CollectOption = False,
    known: KnownOption = False,
    flavour: Annotated[str, typer.Option(help="Of one of a matrix, such as 'windows 3.12'.")] = "",
    forecast: ForecastOption = None,
) -> None:
    """Print expected seconds of cases with their intervals, as JSON."""
    from cipredict.cli.predicting import predict_cases  # noqa: PLC0415

    sys.stdout.write(
        predict_cases(
            load_settings(forecast=forecast), candidates=candidates, collect=collect, known=known, flavour=flavour
        )
    )


@predict.command("run")
def predict_run(
    series: Annotated[str | None, typer.Option(help="Workflow, or `workflow / job`; the first one by default.")] = None,
    base: Annotated[str | None, typer.Option(help="Compare with this branch, tag or commit.")] = None,
    changed: Annotated[list[str] | None, typer.Option(help="A changed path; repeat for more.")] = None,
    event: Annotated[str, typer.Option(help="What starts the run, as the provider spells it.")] = "",
    forecast: ForecastOption = None,
) -> None:
    """Print the expected wall seconds of a run or job, its interval and each learner's own forecast, as JSON."""
    from cipredict.cli.predicting import predict_series  # noqa: PLC0415

    settings = load_settings(forecast=forecast)
    sys.stdout.write(predict_series(settings, series=series, base=base, changed=tuple(changed or ()), event=event))


@predict.command("pipeline")
def predict_pipeline(
    pipeline: Annotated[str | None, typer.Option(help="Workflow; the one with most jobs by default.")] = None,
    base: Annotated[str | None, typer.Option(help="Compare with this branch, tag or commit.")] = None,
    changed: Annotated[list[str] | None, typer.Option(help="A changed path; repeat for more.")] = None,
    event: Annotated[str, typer.Option(help="What starts the run, as the provider spells it.")] = "",
    needs: Annotated[
        Path | None, typer.Option(help="JSON, job to the jobs that it needs; read off by default.")
    ] = None,
    forecast: ForecastOption = None,
) -> None:
    """Print when a pipeline will have finished (P50, P90), simulated through its jobs' needs, as JSON."""
    from cipredict.cli.predicting import predict_finish  # noqa: PLC0415

    settings = load_settings(forecast=forecast)
    paths = tuple(changed or ())
    sys.stdout.write(predict_finish(settings, pipeline=pipeline, base=base, changed=paths, event=event, needs=needs))
