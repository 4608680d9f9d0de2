"""A forecast of seconds: an ensemble on the log ratio to an anchor, its baselines, and an interval.

The anchor is the baseline with the least error on the rows of the first fit. An ensemble that learns nothing answers
the anchor, so it can lose little; it serves only where it beats every baseline on the holdout by the recipe's gain
(WAPE).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cipredict.forecast.state import Floats
from cipredict.learn.bands import replay_bands
from cipredict.learn.conformal import LogConformal
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
    doubt : group of spread, see `bands`, shape (n,)
    """

    X: Floats
    actual_s: Seconds
    baselines: Mapping[str, Seconds]
    position: NDArray[np.int64]
    doubt: NDArray[np.intp]

    @classmethod
    def join(cls, parts: Sequence[SecondsRows], *, n_features: int, names: Sequence[str]) -> SecondsRows:
        """Put rows of one run after those of another; the shape of nothing needs to be told."""
        if not parts:
            none = np.zeros(0)
            blank = np.zeros((0, n_features), np.float32)
            return cls(blank, none, dict.fromkeys(names, none), np.zeros(0, np.int64), np.zeros(0, np.intp))
        return cls(
            X=np.concatenate([part.X for part in parts]),
            actual_s=np.concatenate([part.actual_s for part in parts]),
            baselines={name: np.concatenate([part.baselines[name] for part in parts]) for name in names},
            position=np.concatenate([part.position for part in parts]),
            doubt=np.concatenate([part.doubt for part in parts]),
        )

    def window(self, start: int, stop: int) -> SecondsRows:
        """Give the rows of runs start…stop."""
        return self.take((self.position >= start) & (self.position < stop))

    def take(self, keep: NDArray[np.bool_]) -> SecondsRows:
        """Give the rows where `keep`."""
        kept = {name: values[keep] for name, values in self.baselines.items()}
        return SecondsRows(self.X[keep], self.actual_s[keep], kept, self.position[keep], self.doubt[keep])

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
    replayed = rows.window(fit_end, 2**62) if served == MODEL else rows
    served_s = np.concatenate([window_forecast, forecast[MODEL]]) if served == MODEL else rows.baselines[served]
    conformal, observed = _intervals(replayed, served_s, recipe, offset_s=offset_s, start=train_end)
    return SecondsStudy(
        model=model,
        wape=errors,
        served_by=served,
        reasons=reasons,
        conformal=conformal,
        observed_coverage=observed,
        holdout_rows=len(holdout.actual_s),
    )


def _intervals(
    rows: SecondsRows, served_s: Seconds, recipe: Recipe, *, offset_s: float, start: int
) -> tuple[LogConformal, float]:
    """Give today's interval factors, and the share of the rows from run `start` on inside the interval of their day."""
    cuts = np.flatnonzero(np.diff(rows.position)) + 1
    parts = [np.split(column, cuts) for column in (served_s, rows.actual_s, rows.doubt)] if len(served_s) else [[]] * 3
    conformal, inside = replay_bands(zip(*parts, strict=True), coverage=recipe.promotion["coverage"], offset_s=offset_s)
    judged = np.concatenate(inside) if inside else np.zeros(0, np.bool_)
    judged = judged[(rows.position >= start)[len(rows.position) - len(judged) :]]
    return conformal, float(judged.mean()) if len(judged) else float("nan")


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
    conformal, observed = _intervals(rows, rows.baselines[baseline], recipe, offset_s=offset_s, start=0)
    return SecondsStudy(
        model=None,
        wape={name: wape(values, rows.actual_s) for name, values in rows.baselines.items()},
        served_by=baseline,
        reasons=(f"only {len(rows.actual_s)} measurements",),
        conformal=conformal,
        observed_coverage=observed,
        holdout_rows=0,
    )
