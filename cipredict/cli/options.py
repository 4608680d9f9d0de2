"""Options that several commands share, and the settings they override."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from cipredict.settings import Settings, read_settings

StoreOption = Annotated[Path | None, typer.Option("--store", help="The history file. [env: CIPREDICT_STORE]")]
ForecastOption = Annotated[Path | None, typer.Option("--forecast", help="The bundle. [env: CIPREDICT_FORECAST]")]
EventsOption = Annotated[Path | None, typer.Option("--events", help="Folder of event files for the nightly job.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Machine output on stdout.")]


def make_app(help_text: str = "") -> typer.Typer:
    """Give an app with plain help and plain errors, as CI logs want them; a group says what it is for."""
    return typer.Typer(
        help=help_text or None, rich_markup_mode=None, pretty_exceptions_enable=False, add_completion=False
    )


def load_settings(*, store: Path | None = None, forecast: Path | None = None, events: Path | None = None) -> Settings:
    """Give the settings of the working directory under the command's own options."""
    settings = read_settings(Path.cwd(), os.environ)
    return replace(
        settings,
        store=store or settings.store,
        forecast=forecast or settings.forecast,
        events=events or settings.events,
    )
