"""`cipredict report`: what was predicted, what happened, what it brought."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime

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
