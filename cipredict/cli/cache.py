"""`cipredict cache`: keys that pay, why a run hit or missed, and (in `cache_store`) what is kept.

`key` runs inside CI jobs and fails open; the others are for people and read what they need.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cipredict.cli import cache_store
from cipredict.cli.options import EventsOption, ForecastOption, load_settings, make_app

cache = make_app("Make cache keys, say what they bring and why a run missed.")
apps = {"cache": cache}

StageOption = Annotated[str | None, typer.Option("--stage", help="The stage in [tool.cipredict.cache.stages].")]


@cache.command("advise")
def advise(
    stage: StageOption = None,
    history: Annotated[int, typer.Option(min=1, help="Commits of the default branch to replay.")] = 1500,
    quota: Annotated[str, typer.Option(help="What the provider keeps, such as 10GB.")] = "10GB",
    output_format: Annotated[str, typer.Option("--format", help="table or json.")] = "table",
) -> None:
    """Replay the git history under every key design: table on stderr, json on stdout."""
    from cipredict.cli.cache_advice import advise_stages, show_advice  # noqa: PLC0415
    from cipredict.quantities import parse_bytes  # noqa: PLC0415

    quota_bytes = parse_bytes(quota, option="--quota")
    store = load_settings().store
    advice = advise_stages(Path.cwd(), stage=stage, commits=history, quota_bytes=quota_bytes, store=store)
    show_advice(advice, quota_bytes=quota_bytes, output_format=output_format)


@cache.command("key")
def key(
    stage: StageOption = None,
    base: Annotated[str | None, typer.Option(help="Compare with this branch, tag or commit.")] = None,
    output_format: Annotated[str, typer.Option("--format", help="json, github or gitlab.")] = "json",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write the plan (JSON) here.")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Fail (exit 2) instead of going on uncached.")] = False,
    events: EventsOption = None,
) -> None:
    """Print the key, what else may be restored, and what the run will find."""
    from cipredict.cli.cache_keying import KeyOptions, plan_keys, show_keys  # noqa: PLC0415

    options = KeyOptions(stage=stage, base=base, strict=strict, output_format=output_format)
    settings = load_settings(events=events)
    show_keys(plan_keys(options, settings), options, settings, output=output)


@cache.command("predict")
def predict(
    stage: StageOption = None,
    base: Annotated[str | None, typer.Option(help="The change is known: compare with this.")] = None,
    history: Annotated[int, typer.Option(min=1, help="Commits of the default branch to replay.")] = 300,
    quota: Annotated[str, typer.Option(help="What the provider keeps, such as 10GB.")] = "10GB",
    output_format: Annotated[str, typer.Option("--format", help="table or json.")] = "table",
    forecast: ForecastOption = None,
) -> None:
    """Forecast what every cache brings to the next run: table on stderr, json on stdout."""
    from cipredict.cli.cache_predicting import predict_stages, show_predictions  # noqa: PLC0415
    from cipredict.quantities import parse_bytes  # noqa: PLC0415

    quota_bytes = parse_bytes(quota, option="--quota")
    settings = load_settings(forecast=forecast)
    found = predict_stages(settings, stage=stage, base=base, commits=history, quota_bytes=quota_bytes)
    show_predictions(found, output_format=output_format)


@cache.command("explain")
def explain(
    key: Annotated[str, typer.Option("--key", help="The key of the run.")],
    caches: Annotated[Path | None, typer.Option(help="GitHub's list of caches (JSON).")] = None,
    ref: Annotated[str | None, typer.Option(help="The run's ref, such as refs/pull/7/merge.")] = None,
    output_format: Annotated[str, typer.Option("--format", help="table or json.")] = "table",
    events: EventsOption = None,
) -> None:
    """Say why a run hit or missed: key, scope, version, expiry or eviction."""
    from cipredict.cli.cache_explaining import explain as explain_key  # noqa: PLC0415
    from cipredict.cli.cache_explaining import show_findings  # noqa: PLC0415

    found = explain_key(key, load_settings(events=events), caches=caches, ref=ref)
    show_findings(key, found, output_format=output_format)


cache_store.register(cache)
