"""Commands of the nightly job: they open the store and load the training libraries."""

from __future__ import annotations

import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cipredict.cli.cache_learning import learn_cache_hits
from cipredict.cli.delivery_learning import learn_delivery
from cipredict.cli.options import ForecastOption, JsonOption, StoreOption, load_settings, make_app

if TYPE_CHECKING:
    from cipredict.learn.loading import Loaded
    from cipredict.learn.registry import Registry
    from cipredict.settings import Settings

apps = {name: make_app() for name in ("train", "publish", "backtest")}
RegistryOption = Annotated[
    Path | None,
    typer.Option("--registry", help="Folder of the local MLflow registry. [env: MLFLOW_TRACKING_URI names a server]"),
]


def open_registry(settings: Settings, folder: Path | None) -> Registry:
    """Give the registry: the given folder, a server named by the environment, or a folder beside the store."""
    from cipredict.learn.registry import Registry  # noqa: PLC0415  # mlflow takes seconds to import

    server = None if folder else os.environ.get("MLFLOW_TRACKING_URI")
    return Registry(folder or settings.store.parent, tracking_uri=server)


def load_history(settings: Settings) -> Loaded:
    """Read the store into the replay's history; the lock is let go before anything is learned."""
    from cipredict.learn.loading import load  # noqa: PLC0415
    from cipredict.store.database import open_store  # noqa: PLC0415

    with open_store(settings.store, read_only=True) as store:
        return load(
            store,
            as_of=datetime.now(UTC),
            default_branch=settings.default_branch,
            repository=settings.repository,
        )


@apps["train"].command()
def train(
    store: StoreOption = None,
    forecast: ForecastOption = None,
    registry: RegistryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Fit the models on the history, judge them beside the baselines, register them, publish the winner."""
    settings = load_settings(store=store, forecast=forecast)
    loaded = load_history(settings)
    from cipredict.forecast.bundle import open_bundle  # noqa: PLC0415
    from cipredict.learn.retrain import retrain  # noqa: PLC0415
    from cipredict.render.console import people  # noqa: PLC0415
    from cipredict.render.learning import render_served  # noqa: PLC0415

    door = open_registry(settings, registry)
    now, cache = datetime.now(UTC), _row_cache(settings)
    night = retrain(loaded.history, loaded.timed, door, forecast=settings.forecast, now=now, cache=cache)
    learn_cache_hits(settings)
    learn_delivery(settings)
    bundle = open_bundle(settings.forecast)
    console = people()
    console.print(render_served(bundle.manifest))
    console.print(f"Version {night.version} {'promoted' if night.promoted else 'not promoted'}: {night.verdict}.")
    console.print(
        f"Failure forecasts are served by {night.served}; published {settings.forecast} ({bundle.forecast_id})."
    )
    if as_json:
        _write_json(
            {
                "version": night.version,
                "promoted": night.promoted,
                "verdict": night.verdict,
                "served": night.served,
                "forecast_id": bundle.forecast_id,
            }
        )


@apps["publish"].command()
def publish(store: StoreOption = None, forecast: ForecastOption = None, registry: RegistryOption = None) -> None:
    """Write the bundle anew: the champion's models under the state of today's history."""
    settings = load_settings(store=store, forecast=forecast)
    loaded = load_history(settings)
    from cipredict.forecast.bundle import open_bundle  # noqa: PLC0415
    from cipredict.learn.publish import Learned  # noqa: PLC0415
    from cipredict.learn.publish import publish as publish_bundle  # noqa: PLC0415

    door = open_registry(settings, registry)
    number = door.require_champion_or_latest()
    learned = Learned.from_bundle(door.bundle(number)).registered_as(number)
    now = datetime.now(UTC)
    publish_bundle(learned, loaded.history, loaded.timed, path=settings.forecast, now=now)
    learn_cache_hits(settings)
    learn_delivery(settings)
    forecast_id = open_bundle(settings.forecast).forecast_id
    sys.stderr.write(f"Published {settings.forecast} ({forecast_id}) from version {number}.\n")


@apps["backtest"].command()
def backtest(
    store: StoreOption = None,
    plot: Annotated[Path | None, typer.Option(help="Draw the caught curve into this PNG file.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Replay the history in time order; say what each policy and baseline would have caught."""
    settings = load_settings(store=store)
    loaded = load_history(settings)
    from cipredict.learn.failure import study_failure  # noqa: PLC0415
    from cipredict.learn.figures import draw_caught_curve  # noqa: PLC0415
    from cipredict.learn.recipe import read_recipe  # noqa: PLC0415
    from cipredict.learn.summary import summarise  # noqa: PLC0415
    from cipredict.render.backtest import render_backtest  # noqa: PLC0415
    from cipredict.render.console import people  # noqa: PLC0415

    study = study_failure(loaded.history, read_recipe("failure"), cache=_row_cache(settings))
    summary = summarise(study, loaded.history)
    console = people()
    for part in render_backtest(summary):
        console.print(part)
    if plot:
        draw_caught_curve(study, plot)
        sys.stderr.write(f"Drew {plot}.\n")
    if as_json:
        _write_json(summary)


def _row_cache(settings: Settings) -> Path:
    """Give where features of past runs are kept from night to night: beside the store. It may be deleted any time."""
    return settings.store.with_suffix(".rows")


def _write_json(document: object) -> None:
    sys.stdout.write(json.dumps(document, indent=2, sort_keys=True) + "\n")
