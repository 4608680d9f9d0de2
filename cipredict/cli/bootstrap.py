"""`cipredict bootstrap`: what a change can break, learned from injected faults before anything ever failed."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

from cipredict.cli.options import StoreOption, load_settings, make_app

apps = {"bootstrap": make_app()}


@apps["bootstrap"].command()
def bootstrap(
    arguments: Annotated[
        list[str] | None, typer.Argument(help="For pytest, after --, such as `-- tests/unit`.")
    ] = None,
    budget: Annotated[str, typer.Option(help="Time for everything, such as 90s, 10m, 2h.")] = "10m",
    jobs: Annotated[int, typer.Option("--jobs", min=1, help="Copies of the project in which tests run at once.")] = 1,
    commits: Annotated[int, typer.Option(min=1, help="Functions that the last so many commits changed go first.")] = 50,
    sources: Annotated[str, typer.Option(help="Only files that match these globs, with commas between.")] = "",
    python: Annotated[str, typer.Option(help="The interpreter of the project, with pytest.")] = sys.executable,
    seed: Annotated[int, typer.Option(help="Of the order of faults within a function.")] = 0,
    store: StoreOption = None,
    repository: Annotated[str | None, typer.Option("--repository", help="Name, such as owner/project.")] = None,
) -> None:
    """Inject faults into a copy of the project, run its tests on each, remember which cases notice.

    The next call goes on where this one stopped.
    """
    from cipredict.cli.bootstrapping import Wishes, run_bootstrap  # noqa: PLC0415  # lxml and duckdb, not for --help
    from cipredict.quantities import parse_seconds  # noqa: PLC0415

    settings = load_settings(store=store)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a cancelled CI job cleans up as Ctrl-C does
    wishes = Wishes(
        arguments=tuple(arguments or ()),
        budget_s=parse_seconds(budget, option="--budget"),
        jobs=jobs,
        commits=commits,
        sources=tuple(filter(None, sources.split(","))),
        python=python,
        seed=seed,
        repository=repository or settings.repository or Path.cwd().name,
    )
    summary = run_bootstrap(wishes, folder=Path.cwd(), store_path=settings.store)
    sys.stdout.write(json.dumps(summary, indent=2, sort_keys=True) + "\n")
