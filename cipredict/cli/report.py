"""`cipredict report`: what was predicted, what happened, what it brought."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from cipredict.cli.options import ForecastOption, JsonOption, StoreOption, load_settings, make_app

report = make_app("Show what was predicted against what happened.")
apps = {"report": report}


@report.command("ledger")
def ledger(store: StoreOption = None, as_json: JsonOption = False) -> None:
    """Hold every selection plan against the failures that followed."""
    from cipredict.render.console import people  # noqa: PLC0415  # not for --help
    from cipredict.render.ledger import render_ledger  # noqa: PLC0415
    from cipredict.store.database import open_store  # noqa: PLC0415
    from cipredict.store.queries import load_ledger  # noqa: PLC0415

    with open_store(load_settings(store=store).store, read_only=True) as door:
        rows = load_ledger(door, datetime.now(UTC)).to_pylist()
    for part in render_ledger(rows):
        people().print(part)
    if as_json:
        sys.stdout.write(json.dumps(rows, indent=2, default=str, sort_keys=True) + "\n")


@report.command("summary")
def summary(forecast: ForecastOption = None) -> None:
    """Say to a newcomer what the published forecast is worth."""
    from cipredict.forecast.bundle import open_bundle  # noqa: PLC0415
    from cipredict.render.console import people  # noqa: PLC0415
    from cipredict.render.learning import render_summary  # noqa: PLC0415

    people().print(render_summary(open_bundle(load_settings(forecast=forecast).forecast).manifest))


@report.command("html")
def html(
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder of the page, index.html.")] = Path("report"),
    runs: Annotated[int, typer.Option(min=1, help="List so many runs, the latest.")] = 5000,
    case_runs: Annotated[int, typer.Option(min=1, help="Add up the cases of so many runs, the latest.")] = 1000,
    cache_quota: Annotated[str, typer.Option(help="What caches may hold together.")] = "10GB",
    store: StoreOption = None,
    forecast: ForecastOption = None,
) -> None:
    """Write one page of everything, from runs to models. It needs no server."""
    from cipredict.cli.report_gathering import Reach, gather  # noqa: PLC0415  # not for --help
    from cipredict.quantities import parse_bytes  # noqa: PLC0415
    from cipredict.render.html.page import render_page  # noqa: PLC0415

    reach = Reach(runs, case_runs, parse_bytes(cache_quota, option="--cache-quota"))
    facts = gather(load_settings(store=store, forecast=forecast), datetime.now(UTC), reach)
    page = write_page(output, render_page(facts))
    size = page.stat().st_size / 1e6
    sys.stderr.write(f"Wrote {page} ({size:.2f} MB): {len(facts.runs['run_id']):,} runs, ")
    sys.stderr.write(f"{len(facts.cases['case_id']):,} tests.\n")


@report.command("run")
def run(
    run: Annotated[str, typer.Argument(help="Id of the run, as CI calls it.")],
    store: StoreOption = None,
    repository: Annotated[str, typer.Option(help="Where several have such a run.")] = "",
    attempt: Annotated[int | None, typer.Option(help="The last one by default.")] = None,
    summary: Annotated[bool, typer.Option("--summary", help="Append to the step summary as well.")] = False,
) -> None:
    """Write a run as Markdown, short enough for a step summary."""
    from cipredict.cli.report_markdown import run_markdown  # noqa: PLC0415  # not for --help

    text = run_markdown(load_settings(store=store), run, repository=repository, attempt=attempt)
    sys.stdout.write(text)
    if summary:
        from cipredict.cli.outputs import append_step_summary  # noqa: PLC0415

        append_step_summary(lambda: text)


@report.command("pr")
def pr(
    ref: Annotated[str, typer.Argument(help="Branch of the request, or a commit (7 digits or more).")],
    store: StoreOption = None,
) -> None:
    """Write the runs of a branch or commit as Markdown, short enough for a comment."""
    from cipredict.cli.report_markdown import branch_markdown  # noqa: PLC0415  # not for --help

    sys.stdout.write(branch_markdown(load_settings(store=store), ref))


def write_page(folder: Path, text: str) -> Path:
    """Write the page as a whole or not at all; give its path.

    Raises
    ------
    InputError
        The folder cannot be written.
    """
    from cipredict.errors import InputError  # noqa: PLC0415

    page = folder / "index.html"
    unfinished = folder / ".index.html.part"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        unfinished.write_text(text, encoding="utf-8")
        unfinished.replace(page)
    except OSError as error:
        raise InputError(f"Cannot write {page}: {error.strerror}.", slug="output-unwritable") from error
    return page
