"""One registry in a temporary folder: trainings come in, champions change. MLflow is slow, so it is shared."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cipredict.errors import InputError, UsageError
from cipredict.forecast.bundle import CHECKS, open_bundle
from cipredict.learn import train as training_module
from cipredict.learn.history import History
from cipredict.learn.policies import BASELINES
from cipredict.learn.recipe import Recipe
from cipredict.learn.registry import Registry
from cipredict.learn.retrain import Retrained, retrain

pytestmark = pytest.mark.learn
NOW = datetime(2026, 2, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Nights:
    """The same history trained twice into one registry."""

    registry: Registry
    first: Retrained
    second: Retrained
    forecast: Path


@pytest.fixture(scope="module")
def nights(
    make_history: Callable[..., History], small_recipes: Callable[..., Recipe], tmp_path_factory: pytest.TempPathFactory
) -> Nights:
    folder = tmp_path_factory.mktemp("registry")
    registry, forecast = Registry(folder / "models"), folder / "forecast.bundle"
    history = make_history("planted")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training_module, "read_recipe", small_recipes)
        first, second = (retrain(history, [], registry, forecast=forecast, now=NOW) for _ in range(2))
    return Nights(registry, first, second, forecast)


def aliases(registry: Registry) -> dict[str, tuple[str, ...]]:
    return {version.number: version.aliases for version in registry.versions()}


def test_an_empty_registry_says_what_to_do(tmp_path: Path) -> None:
    registry = Registry(tmp_path / "models")
    assert (registry.versions(), registry.champion()) == ([], None)
    with pytest.raises(UsageError, match="cipredict train"):
        registry.require_champion_or_latest()
    with pytest.raises(UsageError, match="No earlier champion"):
        registry.rollback()


def test_the_first_winner_becomes_champion(nights: Nights) -> None:
    assert (nights.first.promoted, nights.first.served) == (True, "version 1")
    assert nights.first.verdict == "beats every baseline"


def test_training_the_same_history_again_keeps_the_champion(nights: Nights) -> None:
    assert (nights.second.promoted, nights.second.served, nights.second.version) == (False, "version 1", "2")
    assert "does not beat the champion's" in nights.second.verdict
    assert set(nights.second.results) == {*BASELINES, "cipredict", "oracle", "champion"}
    bundle = open_bundle(nights.forecast)
    assert bundle.manifest.model_version == "1"
    assert bundle.manifest.served["failure"].is_model
    expected = sorted(nights.first.training.failure.needed_shares)
    assert list(bundle.manifest.needed_shares) == pytest.approx(expected, abs=1e-4)


def test_versions_carry_their_verdicts(nights: Nights) -> None:
    versions = {version.number: version for version in nights.registry.versions()}
    assert list(versions) == ["2", "1"]
    assert versions["1"].tags["verdict"] == "beats every baseline"
    assert versions["2"].tags["history_runs"] == "60"


def test_versions_keep_what_their_trainings_measured(nights: Nights) -> None:
    versions = {version.number: version for version in nights.registry.versions()}
    measured = nights.registry.metrics(versions["1"])

    assert measured["failure.cipredict.apfdc"] == pytest.approx(
        nights.first.training.failure.results["cipredict"].apfdc
    )
    assert {f"failure.{name}.caught_20" for name in BASELINES} <= set(measured)
    assert nights.registry.metrics(replace(versions["1"], run_id="none")) == {}


def test_the_bundle_tells_what_was_promised_and_kept(nights: Nights) -> None:
    checks = json.loads(open_bundle(nights.forecast).read(CHECKS))
    table = nights.first.training.failure.calibration

    assert [row[2] for row in checks["calibration"]] == [row.cases for row in table]
    assert [row["promised"] for row in checks["promises"]] == sorted(row["promised"] for row in checks["promises"])


def test_promotion_and_rollback_move_the_aliases(nights: Nights) -> None:
    registry = nights.registry
    assert aliases(registry) == {"1": ("champion",), "2": ("challenger",)}
    registry.promote("2")
    assert aliases(registry) == {"1": ("previous",), "2": ("challenger", "champion")}
    assert registry.require_champion_or_latest() == "2"
    assert registry.rollback() == "1"
    assert registry.champion() == "1"
    assert registry.bundle("2").manifest.model_version is None


@pytest.mark.parametrize("act", [Registry.promote, Registry.bundle], ids=["promote", "bundle"])
def test_an_unknown_version_names_the_known_ones(nights: Nights, act: Callable[[Registry, str], object]) -> None:
    with pytest.raises(UsageError, match="known: 2, 1") as caught:
        act(nights.registry, "99")
    assert caught.value.slug == "registry-version"


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InputError, match="Cannot write"):
        Registry(tmp_path / "file" / "models")
