"""`cipredict cache`: keys that pay, why a run hit or missed, and (in `cache_store`) what is kept.

`key` runs inside CI jobs and fails open; the others are for people and read what they need.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cipredict.cli.options import EventsOption, load_settings, make_app

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
    advice = advise_stages(Path.cwd(), stage=stage, commits=history, quota_bytes=quota_bytes)
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
