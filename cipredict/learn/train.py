"""One training: study all three predictors on the same split, and keep what may serve."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import isnan
from pathlib import Path

from cipredict.forecast.bundle import Served
from cipredict.forecast.case_index import build_case_index
from cipredict.forecast.run_features import OFFSET_S as RUN_OFFSET_S
from cipredict.learn.case_time import collect_case_times
from cipredict.learn.clock import OFFSET_S as CASE_OFFSET_S
from cipredict.learn.failure import FALLBACK, MODEL, FailureStudy, study_failure
from cipredict.learn.history import History
from cipredict.learn.newcomers import NewcomerSpread, measure_newcomers
from cipredict.learn.plan_time import PlanStudy, study_plans
from cipredict.learn.publish import Learned, to_graphs
from cipredict.learn.recipe import Recipe, read_recipe
from cipredict.learn.run_time import TimedRun, collect_run_times
from cipredict.learn.seconds import SecondsRows, SecondsStudy, study_seconds
from cipredict.learn.summary import checks_of

PREDICTORS = ("failure", "case_time", "run_time")


@dataclass(frozen=True, slots=True)
class Training:
    """What a training found out, and what of it can be published."""

    failure: FailureStudy
    seconds: Mapping[str, SecondsStudy]
    recipes: Mapping[str, Recipe]
    learned: Learned
    plans: PlanStudy
    newcomers: NewcomerSpread


def train(history: History, timed: Sequence[TimedRun], *, cache: Path | None = None) -> Training:
    """Study the predictors by the recipes in `models/`; the last part of the history judges them.

    `cache` keeps features from night to night.
    """
    recipes = {name: read_recipe(name) for name in PREDICTORS}
    rows = {
        "case_time": collect_case_times(history, build_case_index(history.case_ids)),
        "run_time": collect_run_times(timed),
    }
    failure = study_failure(history, recipes["failure"], cache=cache)
    seconds = {
        name: _study(rows[name], history, recipes[name], offset_s=offset_s)
        for name, offset_s in (("case_time", CASE_OFFSET_S), ("run_time", RUN_OFFSET_S))
    }
    plans = study_plans(history)
    newcomers = measure_newcomers(history, coverage=recipes["case_time"].promotion["coverage"])
    learned = _learned(history, failure, seconds=seconds, rows=rows)
    learned = replace(
        learned,
        anchors={**learned.anchors, "plan": plans.chosen},
        new_case=newcomers.scopes,
        observed_coverage={**learned.observed_coverage, "new_case": _or_none(newcomers.observed_coverage)},
    )
    return Training(failure, seconds, recipes, learned, plans, newcomers)


def _study(rows: SecondsRows, history: History, recipe: Recipe, *, offset_s: float) -> SecondsStudy:
    fit_end, train_end = history.split(recipe.fit_share), history.split(recipe.train_share)
    return study_seconds(rows, recipe, fit_end=fit_end, train_end=train_end, offset_s=offset_s)


def _learned(
    history: History,
    failure: FailureStudy,
    *,
    seconds: Mapping[str, SecondsStudy],
    rows: Mapping[str, SecondsRows],
) -> Learned:
    graphs: dict[str, bytes] = {}
    if failure.model is not None:
        graphs |= to_graphs("failure", failure.model.ensemble, failure.parity_rows)
    for name, study in seconds.items():
        if study.model is not None:
            graphs |= to_graphs(name, study.model.ensemble, rows[name].X[-256:])
    served = {"failure": _serve_failure(failure), **{name: _serve_seconds(study) for name, study in seconds.items()}}
    return Learned(
        graphs=graphs,
        served=served,
        sigmoid=failure.model.sigmoid if failure.model else (1.0, 0.0),
        needed_shares=tuple(sorted(failure.baseline_shares if failure.reasons else failure.needed_shares)),
        conformal={name: study.conformal for name, study in seconds.items()},
        anchors={name: study.model.anchor if study.model else study.served_by for name, study in seconds.items()},
        observed_coverage={name: _or_none(study.observed_coverage) for name, study in seconds.items()},
        trained_to=history.runs[max(failure.holdout_start - 1, 0)].started_at.isoformat(),
        checks=checks_of(failure),
    )


def _or_none(value: float) -> float | None:
    """Spell "nothing measured" as JSON can."""
    return None if isnan(value) else value


def _serve_failure(study: FailureStudy) -> Served:
    weights = study.model.ensemble.weights if study.model else {}
    metrics = {name: result.headline() for name, result in study.results.items()}
    return Served(FALLBACK if study.reasons else MODEL, weights, study.reasons, metrics)


def _serve_seconds(study: SecondsStudy) -> Served:
    weights = study.model.ensemble.weights if study.model else {}
    return Served(
        study.served_by,
        weights,
        study.reasons,
        {name: {"wape": error} for name, error in study.wape.items() if not isnan(error)},
    )
