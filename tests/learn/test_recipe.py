"""Recipes are read whole or refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from cipredict.errors import InputError
from cipredict.learn.recipe import models_folder, read_recipe

pytestmark = pytest.mark.learn
NAMES = ["case_time", "failure", "run_time"]


@pytest.mark.parametrize("name", NAMES)
def test_shipped_recipes_start_from_the_agreed_weights(name: str) -> None:
    recipe = read_recipe(name)
    naive = {"prior": 0.25} if name == "failure" else {}
    assert recipe.weights == {"xgboost": 0.40, "neural_net": 0.35, "random_forest": 0.25, **naive}
    assert 0 < recipe.fit_share < recipe.train_share < 1
    assert 0 < recipe.promotion["min_gain"] < 1


def test_there_is_a_recipe_per_predictor() -> None:
    assert sorted(path.stem for path in models_folder().glob("*.toml")) == sorted([*NAMES, "cache_hit"])


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"[split", id="not TOML"),
        pytest.param(b"\xff\xfe", id="not text"),
        pytest.param(b"[split]\nfit_share = 0.5\n", id="keys missing"),
        pytest.param(b"split = 3\nweights = 1\nmembers = 2\n", id="not tables"),
        pytest.param(b"[weights]\na = 1.0\n[members.b]\n", id="weights of other learners"),
    ],
)
def test_a_broken_recipe_names_its_file(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "failure.toml").write_bytes(content)
    with pytest.raises(InputError, match=r"failure\.toml is not a recipe"):
        read_recipe("failure", tmp_path)


def test_a_missing_recipe_names_its_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"Cannot read the recipe .*failure\.toml"):
        read_recipe("failure", tmp_path)
