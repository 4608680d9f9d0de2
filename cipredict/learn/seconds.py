"""A forecast of seconds: an ensemble on the log ratio to an anchor, its baselines, and an interval.

The anchor is the baseline with the least error on the rows of the first fit. An ensemble that learns nothing answers
the anchor, so it can lose little; it serves only where it beats every baseline on the holdout by the recipe's gain
(WAPE).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cipredict.forecast.state import Floats
from cipredict.learn.conformal import LogConformal, conformalize, coverage_of
from cipredict.learn.ensemble import Ensemble, fit_members, fit_weights
from cipredict.learn.members.interface import Member
from cipredict.learn.recipe import Recipe

MODEL = "cipredict"
Seconds = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class SecondsRows:
    """Measurements with what was known before each.

    Attributes
    ----------
    X : shape (n, k)
    actual_s : shape (n,)
    baselines : name → seconds, shape (n,)
    position : of the run, shape (n,), non-decreasing
    """

    X: Floats
    actual_s: Seconds
    baselines: Mapping[str, Seconds]
    position: NDArray[np.int64]

    def window(self, start: int, stop: int) -> SecondsRows:
        """Give the rows of runs start…stop."""
        return self.take((self.position >= start) & (self.position < stop))

    def take(self, keep: NDArray[np.bool_]) -> SecondsRows:
        """Give the rows where `keep`."""
        kept = {name: values[keep] for name, values in self.baselines.items()}
        return SecondsRows(self.X[keep], self.actual_s[keep], kept, self.position[keep])

    def thin(self, max_rows: int) -> SecondsRows:
        """Give every k-th row, at most `max_rows`."""
        step = max(1, -(-len(self.actual_s) // max_rows))
        return self.take(np.arange(len(self.actual_s)) % step == 0)


@dataclass(frozen=True, slots=True)
class SecondsModel:
    """An ensemble on log((seconds + offset) / (anchor + offset))."""

    ensemble: Ensemble
    anchor: str
    offset_s: float

    def predict(self, X: Floats, anchor_s: Seconds) -> Seconds:
        """Give seconds, shape (n,)."""
        return from_log_ratio(self.ensemble.predict(X), anchor_s, self.offset_s)

    def individual(self, X: Floats, anchor_s: Seconds) -> dict[str, Seconds]:
        """Give each member's seconds."""
        answers = self.ensemble.answers(X)
        return {name: from_log_ratio(answer, anchor_s, self.offset_s) for name, answer in answers.items()}


def from_log_ratio(answer: Seconds, anchor_s: Seconds, offset_s: float) -> Seconds:
    """Turn log ratios into seconds ≥ 0; answers are kept within a factor of 20 of the anchor."""
    return np.maximum((anchor_s + offset_s) * np.exp(np.clip(answer, -3.0, 3.0)) - offset_s, 0.0)


@dataclass(frozen=True, slots=True)
class SecondsStudy:
    """A model of seconds and what was measured on the holdout; on all rows where they are too few for a model.

    Attributes
    ----------
    wape : policy → Σ|forecast - actual| / Σ actual, the ensemble under `MODEL`
    served_by : `MODEL` or the name of the baseline that serves
    reasons : why the model does not serve; empty where it does
    conformal : of what serves
    observed_coverage : share of the same rows inside the interval
    """

    model: SecondsModel | None
    wape: Mapping[str, float]
    served_by: str
    reasons: tuple[str, ...]
    conformal: LogConformal
    observed_coverage: float
    holdout_rows: int


def wape(forecast_s: Seconds, actual_s: Seconds) -> float:
    """Give the weighted absolute percentage error, as a share; NaN without seconds."""
    total = float(actual_s.sum())
    return float(np.abs(forecast_s - actual_s).sum()) / total if total > 0 else float("nan")


def study_seconds(rows: SecondsRows, recipe: Recipe, *, fit_end: int, train_end: int, offset_s: float) -> SecondsStudy:
    """Fit, weigh and judge; the baseline that serves is chosen before the holdout, the model must beat all on it."""
    window, holdout = rows.window(fit_end, train_end), rows.window(train_end, 2**62)
    early = rows.window(0, fit_end).thin(recipe.max_rows)
    baseline = _best(rows.window(0, train_end))
    if min(len(early.actual_s), len(window.actual_s), len(holdout.actual_s)) < 20:
        return _without_model(rows, baseline, recipe, offset_s=offset_s)
    model, window_forecast = _fit(rows, recipe, early=early, window=window, train_end=train_end, offset_s=offset_s)
    forecast = {**holdout.baselines, MODEL: model.predict(holdout.X, holdout.baselines[model.anchor])}
    errors = {name: wape(values, holdout.actual_s) for name, values in forecast.items()}
    reasons = _reasons(errors, recipe)
    served = MODEL if not reasons else baseline
    conformal = conformalize(
        window_forecast if served == MODEL else window.baselines[served],
        window.actual_s,
        coverage=recipe.promotion["coverage"],
        offset_s=offset_s,
    )
    return SecondsStudy(
        model=model,
        wape=errors,
        served_by=served,
        reasons=reasons,
        conformal=conformal,
        observed_coverage=coverage_of(conformal, forecast[served], holdout.actual_s),
        holdout_rows=len(holdout.actual_s),
    )


def _best(rows: SecondsRows) -> str:
    """Give the baseline with the least error; the first where there is nothing to measure."""
    if not len(rows.actual_s):
        return next(iter(rows.baselines))
    return min(rows.baselines, key=lambda name: wape(rows.baselines[name], rows.actual_s))


def _fit(
    rows: SecondsRows, recipe: Recipe, *, early: SecondsRows, window: SecondsRows, train_end: int, offset_s: float
) -> tuple[SecondsModel, Seconds]:
    anchor = _best(early)

    def fitted(part: SecondsRows) -> dict[str, Member]:
        target = _target(part, anchor, offset_s)
        return fit_members(recipe, "seconds", X=part.X, y=target, sample_weight=_weight(part))

    members = fitted(early)
    answers = {name: member.predict(window.X) for name, member in members.items()}
    target = _target(window, anchor, offset_s)
    weights = fit_weights("seconds", answers, y=target, sample_weight=_weight(window), start=recipe.weights)
    before = SecondsModel(Ensemble("seconds", members, weights), anchor, offset_s)
    train = rows.window(0, train_end).thin(recipe.max_rows)
    model = SecondsModel(Ensemble("seconds", fitted(train), weights), anchor, offset_s)
    return model, before.predict(window.X, window.baselines[anchor])


def _target(rows: SecondsRows, anchor: str, offset_s: float) -> Floats:
    ratio = (rows.actual_s + offset_s) / (rows.baselines[anchor] + offset_s)
    return np.clip(np.log(ratio), -3.0, 3.0).astype(np.float32)


def _weight(rows: SecondsRows) -> Floats:
    """Long cases matter more, but less than in proportion: one outlier must not own the fit."""
    return np.sqrt(rows.actual_s + 1e-3).astype(np.float32)


def _reasons(errors: Mapping[str, float], recipe: Recipe) -> tuple[str, ...]:
    gain = recipe.promotion["min_gain"]
    own = errors[MODEL]
    return tuple(
        f"no gain: WAPE {own:.3f} against {name} {error:.3f}"
        for name, error in errors.items()
        if name != MODEL and not own < error * (1 - gain)
    )


def _without_model(rows: SecondsRows, baseline: str, recipe: Recipe, *, offset_s: float) -> SecondsStudy:
    conformal = conformalize(
        rows.baselines[baseline], rows.actual_s, coverage=recipe.promotion["coverage"], offset_s=offset_s
    )
    return SecondsStudy(
        model=None,
        wape={name: wape(values, rows.actual_s) for name, values in rows.baselines.items()},
        served_by=baseline,
        reasons=(f"only {len(rows.actual_s)} measurements",),
        conformal=conformal,
        observed_coverage=coverage_of(conformal, rows.baselines[baseline], rows.actual_s),
        holdout_rows=0,
    )
