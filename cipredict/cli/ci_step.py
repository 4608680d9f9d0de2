"""`cipredict ci`: the whole step of a workflow that plans the jobs of a suite. It fails open."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cipredict.cli.options import EventsOption, ForecastOption, load_settings, make_app

apps = {"ci": make_app()}
_FOLDER = Path(".cipredict/plans")


@apps["ci"].command()
def ci(
    mode: Annotated[
        str, typer.Option(envvar="CIPREDICT_MODE", help="select, shard, select-shard or observe.")
    ] = "select-shard",
    target: Annotated[
        str | None, typer.Option(envvar="CIPREDICT_TARGET", help="Share of the suite's time, 30%, or time, 10m.")
    ] = None,
    confidence: Annotated[
        str | None, typer.Option(envvar="CIPREDICT_CONFIDENCE", help="Share of failing runs still caught, 95%.")
    ] = None,
    shards: Annotated[str, typer.Option(envvar="CIPREDICT_SHARDS", help="Number, or auto: as many as pay.")] = "auto",
    max_shards: Annotated[int, typer.Option(envvar="CIPREDICT_MAX_SHARDS", help="At most so many with auto.")] = 20,
    base: Annotated[
        str | None, typer.Option(envvar="CIPREDICT_BASE", help="Compare with this branch, tag or commit.")
    ] = None,
    cases: Annotated[
        str, typer.Option(envvar="CIPREDICT_CASES", help="collect by pytest, or known to the forecast.")
    ] = "collect",
    folder: Annotated[Path, typer.Option(envvar="CIPREDICT_PLANS", help="Leave the plans here.")] = _FOLDER,
    forecast: ForecastOption = None,
    events: EventsOption = None,
) -> None:
    """Plan the jobs of a suite: outputs to $GITHUB_OUTPUT or stdout, a summary to the run's page."""
    from cipredict.cli.job_planning import JobOptions, plan_jobs, show_jobs  # noqa: PLC0415

    options = JobOptions(mode, target, confidence, shards, max_shards, base or None, cases, folder)
    show_jobs(plan_jobs(options, load_settings(forecast=forecast, events=events)))
