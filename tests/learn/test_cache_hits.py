"""The ensemble of cache hits: learned where there is a pattern, beaten by the baseline where there is none."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("xgboost", reason="needs the learn extra")
pytestmark = pytest.mark.learn

from cipredict.forecast.bundle import Manifest, extend_bundle, open_bundle, write_bundle  # noqa: E402
from cipredict.forecast.cache_hits import ENTRY, EWMA, Committed, forecast_hit, read_hit_model  # noqa: E402
from cipredict.learn.cache_hits import MODEL, HitRows, KeyedCommit, keyed_commits, replay_hits, roll_offsets, study_hits  # noqa: E402
from cipredict.learn.recipe import Recipe, read_recipe  # noqa: E402

HOUR_S = 3600.0


@pytest.fixture
def recipe() -> Recipe:
    """Give the recipe with members that are quick to fit."""
    full = read_recipe("cache_hit")
    small: dict[str, dict[str, float]] = {
        "xgboost": {"n_estimators": 20, "max_depth": 3, "learning_rate": 0.3},
        "neural_net": {"hidden": 8, "epochs": 5},
        "random_forest": {"n_estimators": 20, "max_depth": 6, "min_samples_leaf": 5, "max_samples": 0.8},
    }
    return Recipe(**{name: getattr(full, name) for name in Recipe.__slots__ if name != "members"}, members=small)


@pytest.fixture
def manifest() -> Manifest:
    """Give a front page with nothing in it."""
    body: dict[str, object] = {key: {} for key in Manifest.__slots__}
    body |= {"created_at": datetime(2026, 3, 1, tzinfo=UTC), "repository": "", "default_branch": "main", "features": ()}
    body |= {"sigmoid": (1.0, 0.0), "needed_shares": (), "case_members": ()}
    return Manifest(**body)  # type: ignore[arg-type]  # only what is read back matters


def bots_touch(runs: int = 600, *, seed: int = 0, informative: bool = True) -> list[KeyedCommit]:
    """Give commits of which the bot's change the lock file; or anybody's, by chance."""
    random_ = random.Random(seed)  # noqa: S311  # not a secret
    commits = []
    for number in range(runs):
        author = random_.choice(["ann", "bob", "cyd", "renovate[bot]"])
        touched = author.endswith("[bot]") if informative else random_.random() < 0.25
        commits.append((Committed(number * HOUR_S, author), ["uv.lock"] if touched else ["a.py"]))
    return keyed_commits(commits, lambda path: path == "uv.lock")


def test_a_touch_makes_a_new_content() -> None:
    commits = [(Committed(0.0, "a"), ["x"]), (Committed(1.0, "a"), ["uv.lock"]), (Committed(2.0, "a"), [])]

    assert ["0", "1", "1"] == [one.content for one in keyed_commits(commits, lambda path: path == "uv.lock")]


def test_the_first_run_of_a_cache_teaches_nothing() -> None:
    rows, states = replay_hits({"deps": bots_touch(5), "web": bots_touch(1)})

    assert 4 == len(rows.y)
    assert {"deps", "web"} == set(states)


def test_a_row_does_not_know_its_own_run() -> None:
    commits = bots_touch(40)
    whole, _ = replay_hits({"deps": commits})
    part, _ = replay_hits({"deps": commits[:20]})

    assert np.array_equal(part.X, whole.X[:19])


def test_a_hit_needs_the_content_within_the_idle_time() -> None:
    commits = [KeyedCommit(Committed(at * HOUR_S, "a"), "x") for at in (0, 1, 170, 171)]
    rows, _ = replay_hits({"deps": commits})

    assert [1, 0, 1] == rows.y.tolist()


def test_the_ensemble_serves_where_it_beats_the_baseline(recipe: Recipe, tmp_path: Path, manifest: Manifest) -> None:
    study = study_hits({"deps": bots_touch()}, recipe)

    assert MODEL == study.model.served_by
    assert study.metrics[MODEL]["auc"] > 0.95 > study.metrics[EWMA]["auc"]
    path = tmp_path / "forecast.bundle"
    write_bundle(path, manifest, {})
    extend_bundle(
        path, {ENTRY: study.model.to_bytes(), **{f"graphs/{name}.onnx": graph for name, graph in study.graphs.items()}}
    )
    bundle = open_bundle(path)
    model = read_hit_model(bundle)
    assert model is not None
    now_s = 601 * HOUR_S
    bot, person = (
        forecast_hit(bundle, model, stage="deps", commit=Committed(now_s, name)) for name in ("renovate[bot]", "ann")
    )
    assert bot is not None
    assert person is not None
    assert bot.p_exact < 0.2
    assert person.p_exact > 0.8
    assert set(recipe.members) == set(bot.individual)


def test_a_drift_is_followed_cache_by_cache() -> None:
    y = np.array([1, 0] * 200, np.float32)
    stage = np.array([0, 1] * 200)
    rows = HitRows(np.zeros((400, 1), np.float32), y, np.zeros(400), np.zeros(400), stage)
    corrected, offsets = roll_offsets(np.full(400, 0.5), rows)

    assert corrected[0] == corrected[1] == pytest.approx(0.5)  # nothing of their own is known yet
    assert corrected[-2] > 0.8
    assert corrected[-1] < 0.2
    assert offsets[0] > 0 > offsets[1]


def test_the_baseline_serves_where_there_is_no_pattern(recipe: Recipe) -> None:
    study = study_hits({"deps": bots_touch(informative=False)}, recipe)

    assert EWMA == study.model.served_by
    assert study.model.reasons
    assert {} == study.graphs


@pytest.mark.parametrize("runs", [0, 1, 10])
def test_too_little_history_leaves_the_baseline(recipe: Recipe, runs: int) -> None:
    study = study_hits({"deps": bots_touch(runs)}, recipe)

    assert EWMA == study.model.served_by
    assert {"deps"} == set(study.model.stages)
