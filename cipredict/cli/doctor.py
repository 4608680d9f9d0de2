"""`cipredict doctor`: everything that plans rest on, looked at once, each finding with its remedy."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cipredict.cli.options import EventsOption, ForecastOption, JsonOption, StoreOption, make_app
from cipredict.errors import EXIT_OK, EXIT_VERDICT_NO

if TYPE_CHECKING:
    from cipredict.decide.health_facts import Facts

apps = {"doctor": make_app()}


@apps["doctor"].command()
def doctor(
    collect: Annotated[bool, typer.Option("--collect", help="Compare ids with what pytest collects here.")] = False,
    candidates: Annotated[str | None, typer.Option(help="Compare ids with this file's; - is stdin.")] = None,
    store: StoreOption = None,
    forecast: ForecastOption = None,
    events: EventsOption = None,
    as_json: JsonOption = False,
) -> int:
    """Check environment, history, ids, forecast and events; exit 1 where plans would be worthless."""
    from cipredict.decide.health import examine, is_sound  # noqa: PLC0415  # not for --help
    from cipredict.render.console import people  # noqa: PLC0415
    from cipredict.render.health import findings_document, render_findings  # noqa: PLC0415

    findings = examine(_gather(collect, candidates, store, forecast, events))
    people().print(render_findings(findings))
    if as_json:
        document = findings_document(findings, is_sound=is_sound(findings))
        sys.stdout.write(json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n")
    return EXIT_OK if is_sound(findings) else EXIT_VERDICT_NO


def _gather(
    collect: bool, candidates: str | None, store: Path | None, forecast: Path | None, events: Path | None, /
) -> Facts:
    """Look at everything; what cannot be read is a fact itself."""
    from dataclasses import replace  # noqa: PLC0415
    from datetime import UTC, datetime  # noqa: PLC0415

    from cipredict.cli.doctor_facts import compare_ids, describe_environment, examine_bundle, read_limits  # noqa: PLC0415
    from cipredict.cli.doctor_store import examine_history  # noqa: PLC0415
    from cipredict.decide.health_facts import Facts  # noqa: PLC0415

    now = datetime.now(UTC)
    settings, limits = read_limits(Path.cwd(), os.environ)
    settings = replace(
        settings,
        store=store or settings.store,
        forecast=forecast or settings.forecast,
        events=events or settings.events,
    )
    bundle, bundle_cases = examine_bundle(settings, now)
    history = examine_history(settings, now)
    return Facts(
        now=now,
        environment=describe_environment(Path.cwd()),
        limits=limits,
        store=history.store,
        bundle=bundle,
        events=history.events,
        ids=compare_ids(
            {"history": history.recent_cases, "forecast": bundle_cases}, candidates=candidates, collect=collect
        ),
    )
