"""`cipredict models`: the registered versions."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from typing import Annotated

import typer

from cipredict.cli.nightly import RegistryOption, open_registry
from cipredict.cli.options import JsonOption, load_settings, make_app

models = make_app("List, show, promote and roll back registered versions.")
apps = {"models": models}


@models.command("list")
def list_versions(registry: RegistryOption = None, as_json: JsonOption = False) -> None:
    """List the versions, newest first."""
    from cipredict.render.console import people, render_table  # noqa: PLC0415

    versions = open_registry(load_settings(), registry).versions()
    rows = [
        [
            version.number,
            f"{datetime.fromtimestamp(version.created_at_ms / 1000, UTC):%Y-%m-%d %H:%M}",
            ", ".join(version.aliases) or "-",
            version.tags.get("verdict", "-"),
        ]
        for version in versions
    ]
    people().print(render_table("Versions", ["version", "registered (UTC)", "aliases", "verdict"], rows))
    if as_json:
        fields = ("number", "created_at_ms", "aliases", "tags")
        sys.stdout.write(json.dumps([{f: getattr(v, f) for f in fields} for v in versions], indent=2) + "\n")


@models.command("show")
def show(
    version: Annotated[str, typer.Argument(help="A version, or `champion`.")] = "champion",
    registry: RegistryOption = None,
) -> None:
    """Print the model card of a version as Markdown."""
    from cipredict.render.learning import render_card  # noqa: PLC0415

    door = open_registry(load_settings(), registry)
    number = door.require_champion_or_latest() if version == "champion" else version
    from dataclasses import replace  # noqa: PLC0415

    sys.stdout.write(render_card(replace(door.bundle(number).manifest, model_version=number)))


@models.command("promote")
def promote(version: Annotated[str, typer.Argument(help="The version.")], registry: RegistryOption = None) -> None:
    """Make a version the champion; `cipredict publish` then serves it."""
    door = open_registry(load_settings(), registry)
    door.promote(version)
    sys.stderr.write(f"Version {version} is the champion. Run `cipredict publish` to serve it.\n")


@models.command("rollback")
def rollback(registry: RegistryOption = None) -> None:
    """Make the previous champion the champion again; `cipredict publish` then serves it."""
    number = open_registry(load_settings(), registry).rollback()
    sys.stderr.write(f"Version {number} is the champion again. Run `cipredict publish` to serve it.\n")
