"""`cipredict export`: what the store knows, in formats of others."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from cipredict.cli.options import StoreOption, load_settings, make_app
from cipredict.errors import UsageError

export = make_app("Give the store to others: Parquet, CTRF, OpenTelemetry, Prometheus.")
apps = {"export": export}


@export.command("parquet")
def parquet(
    folder: Annotated[Path, typer.Argument(help="Folder to write; new or empty.")],
    store: StoreOption = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an earlier export there.")] = False,
) -> None:
    """Write every table as a Parquet file, with a manifest; `cipredict ingest export` takes it back in."""
    from cipredict.store.archive import export_store  # noqa: PLC0415  # duckdb, not for --help
    from cipredict.store.database import open_store  # noqa: PLC0415

    with open_store(load_settings(store=store).store, read_only=True) as door:
        manifest = export_store(door, folder, replace=force)
    rows = sum(table.rows for table in manifest.tables)
    sys.stderr.write(f"Wrote {len(manifest.tables)} tables with {rows:,} rows to {folder}.\n")


@export.command("ctrf")
def ctrf(
    run: Annotated[str, typer.Argument(help="Id of the run, as CI calls it.")],
    store: StoreOption = None,
    repository: Annotated[str, typer.Option(help="Where several have such a run.")] = "",
    attempt: Annotated[int | None, typer.Option(help="The last one by default.")] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Write here instead of to stdout.")] = None,
) -> None:
    """Write the cases of a run as a CTRF report."""
    from cipredict.plans.document import canonical_json, write_plan  # noqa: PLC0415
    from cipredict.render.ctrf import render_ctrf  # noqa: PLC0415  # not for --help
    from cipredict.store.database import open_store  # noqa: PLC0415
    from cipredict.store.queries import find_runs, load_run_cases  # noqa: PLC0415

    with open_store(load_settings(store=store).store, read_only=True) as door:
        found = find_runs(door, run, attempt=attempt, repository=repository).to_pylist()
        check_one_run(run, found)
        document = render_ctrf(found[0], load_run_cases(door, found[0]["run_seq"]).to_pylist())
    if output:
        write_plan(output, document)
    else:
        sys.stdout.write(canonical_json(document))


def check_one_run(run: str, found: list[dict[str, object]]) -> None:
    """Refuse an id that names no run or several.

    Raises
    ------
    UsageError
        Naming the repositories that have one.
    """
    if not found:
        raise UsageError(
            f"The history holds no run {run}.", slug="run-unknown", hint="Check --attempt and --repository."
        )
    if len(found) > 1:
        names = ", ".join(f"{row['provider']} {row['repository']}" for row in found)
        raise UsageError(f"Several have a run {run}: {names}.", slug="run-unknown", hint="Give --repository.")


@export.command("otel")
def otel(
    store: StoreOption = None,
    since: Annotated[str, typer.Option(help="How far back, such as 12h, 7d or 2026-01-31.")] = "1d",
    endpoint: Annotated[str | None, typer.Option(help="Of the collector; OTEL_EXPORTER_OTLP_* without it.")] = None,
    console: Annotated[bool, typer.Option("--console", help="Write to stdout instead of sending.")] = False,
) -> None:
    """Send runs as OpenTelemetry spans and metrics; sending a run again gives the same trace."""
    from cipredict.act.otel.door import open_collector, open_console, send  # noqa: PLC0415  # the otel extra
    from cipredict.act.otel.interface import TracedRun, Window  # noqa: PLC0415
    from cipredict.act.otel.metrics import Terms  # noqa: PLC0415
    from cipredict.cli.telemetry import is_delta, provider_servers  # noqa: PLC0415
    from cipredict.quantities import parse_since  # noqa: PLC0415
    from cipredict.store.database import open_store  # noqa: PLC0415
    from cipredict.store.traces import load_traced_runs  # noqa: PLC0415

    if console and endpoint:
        raise UsageError("Give one of --endpoint and --console.", slug="otel-target")
    now = datetime.now(UTC)
    window = Window(parse_since(since, now=now), now)
    with open_store(load_settings(store=store).store, read_only=True) as door:
        runs = [TracedRun(*found) for found in load_traced_runs(door, since=window.since, until=window.until)]
    collector = open_console() if console else open_collector(endpoint)
    terms = Terms(window, is_delta=is_delta(os.environ))
    sent = send(runs, terms, collector, servers=provider_servers(os.environ))
    sys.stderr.write(f"Sent {sent} spans of {len(runs)} runs since {window.since:%Y-%m-%d %H:%M} UTC.\n")


@export.command("prometheus")
def prometheus(
    store: StoreOption = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="A file for the textfile collector.")] = None,
    push: Annotated[str, typer.Option(help="Address of a pushgateway to send to instead.")] = "",
) -> None:
    """Write runs and deployments in Prometheus' text format, to stdout without --output and --push."""
    from cipredict.act.otel.interface import TracedRun  # noqa: PLC0415  # not for --help
    from cipredict.act.prometheus import metrics  # noqa: PLC0415  # the prometheus extra
    from cipredict.store.database import open_store  # noqa: PLC0415
    from cipredict.store.queries import EVER  # noqa: PLC0415
    from cipredict.store.report import load_deployments  # noqa: PLC0415
    from cipredict.store.traces import load_traced_runs  # noqa: PLC0415

    now = datetime.now(UTC)
    with open_store(load_settings(store=store).store, read_only=True) as door:
        runs = [TracedRun(*found) for found in load_traced_runs(door, since=EVER, until=now)]
        history = metrics.History(runs, load_deployments(door, now).to_pylist())
    if push:
        try:
            metrics.push(history, push, job="cipredict")
        except OSError as error:
            raise UsageError(f"The pushgateway {push} does not answer: {error}.", slug="push-failed") from error
    elif output:
        unfinished = output.with_name(f".{output.name}.part")  # a collector must never read half of it
        unfinished.write_text(metrics.render_text(history), encoding="utf-8")
        unfinished.replace(output)
    else:
        sys.stdout.write(metrics.render_text(history))


@export.command("grafana")
def grafana() -> None:
    """Write a Grafana dashboard (JSON) over what `export prometheus` gives."""
    from cipredict.plans.document import canonical_json  # noqa: PLC0415  # not for --help
    from cipredict.render.grafana import render_dashboard  # noqa: PLC0415

    sys.stdout.write(canonical_json(render_dashboard()))
