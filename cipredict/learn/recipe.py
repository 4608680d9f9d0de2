"""Recipes: how each predictor is made, as data in `models/*.toml`; one file per predictor."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cipredict.errors import InputError

_PACKAGE = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that decides how a predictor is fitted.

    Attributes
    ----------
    name : `failure`, `case_time`, `run_time`
    fit_share : runs (share, by time) that members learn from when the weights are fitted
    train_share : runs that members learn from in the end; the rest is the holdout
    max_rows : training rows are sampled down to this
    random_state : of sampling and every member
    weights : starting weights of the members
    members : hyper-parameters by member
    promotion : thresholds that a candidate must pass
    """

    name: str
    fit_share: float
    train_share: float
    max_rows: int
    random_state: int
    weights: Mapping[str, float]
    members: Mapping[str, Mapping[str, float]]
    promotion: Mapping[str, float]


def models_folder() -> Path:
    """Give the folder of recipes: inside an installed wheel, or at the top of a checkout."""
    installed = _PACKAGE / "models"
    return installed if installed.is_dir() else _PACKAGE.parent / "models"


def read_recipe(name: str, folder: Path | None = None) -> Recipe:
    """Read `models/<name>.toml`.

    Raises
    ------
    InputError
        Missing, not TOML, a key is missing, or the weights are not those of the members.
    """
    path = (folder or models_folder()) / f"{name}.toml"
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        if set(table["weights"]) != set(table["members"]):
            raise _not_a_recipe(path, "[weights] and [members] name different learners")
        return Recipe(
            name=name,
            fit_share=table["split"]["fit_share"],
            train_share=table["split"]["train_share"],
            max_rows=table["rows"]["max_rows"],
            random_state=table["rows"]["random_state"],
            weights=table["weights"],
            members=table["members"],
            promotion=table["promotion"],
        )
    except OSError as error:
        raise InputError(f"Cannot read the recipe {path}: {error.strerror}.", slug="recipe") from error
    except (ValueError, KeyError, TypeError) as error:
        raise _not_a_recipe(path, str(error)) from error


def _not_a_recipe(path: Path, why: str) -> InputError:
    return InputError(f"{path} is not a recipe: {why}.", slug="recipe")
