"""Failure of a case given a change: fit the ensemble, calibrate it, and judge it beside the baselines.

::

    |------ fit ------|- weights -|------- holdout -------|   runs by time
    |------------ train ----------|                            members are fitted again on this, then judged
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cipredict.forecast.case_index import build_case_index
from cipredict.forecast.probability import apply_sigmoid
from cipredict.learn.backtest import HEADLINE_BUDGET, PolicyResult, judge_policies, needed_shares
from cipredict.learn.calibration import Reliability, fit_sigmoid, reliability
from cipredict.learn.ensemble import Ensemble, combine, fit_members, fit_weights
from cipredict.learn.history import History
from cipredict.learn.metrics import MIN_SECONDS
from cipredict.learn.policies import BASELINES, Policy, decay10_per_time, oracle
from cipredict.learn.recipe import Recipe
from cipredict.learn.rows import JudgedRun, Replayed, Rows, collect_rows

MODEL = "cipredict"
FALLBACK = "decay10/time"


@dataclass(frozen=True, slots=True)
class FailureModel:
    """A fitted ensemble with its calibration."""

    ensemble: Ensemble
    sigmoid: tuple[float, float]

    def p_fail(self, X: NDArray[np.float32]) -> NDArray[np.float64]:  # noqa: N803
        """Give calibrated probabilities for X (n, k), shape (n,)."""
        return apply_sigmoid(self.ensemble.predict(X), self.sigmoid)

    def per_time(self, judged: JudgedRun) -> NDArray[np.float64]:
        """Score as a plan does: probability divided by expected seconds."""
        return self.p_fail(judged.X) / (judged.expected_s + MIN_SECONDS)


@dataclass(frozen=True, slots=True)
class FailureStudy:
    """A model and everything measured about it on the holdout.

    Attributes
    ----------
    results : policy → result, the model under `MODEL`
    needed_shares : of the model's plan order, see `backtest.needed_shares`
    baseline_shares : the same for the baseline that serves instead
    reasons : why it may not serve; empty where it may
    """

    model: FailureModel
    results: Mapping[str, PolicyResult]
    calibration: tuple[Reliability, ...]
    needed_shares: tuple[float, ...]
    baseline_shares: tuple[float, ...]
    reasons: tuple[str, ...]
    holdout_start: int


def study_failure(history: History, recipe: Recipe) -> FailureStudy:
    """Fit on the first part of the history, judge on the rest; nothing of the holdout is seen before it is judged."""
    fit_end, train_end = history.split(recipe.fit_share), history.split(recipe.train_share)
    index = build_case_index(history.case_ids)
    replayed = collect_rows(history, index, judge_from=train_end, seed=recipe.random_state)
    model = _fit(replayed, recipe, fit_end, train_end)
    policies: dict[str, Policy] = {**BASELINES, MODEL: model.per_time, "oracle": oracle}
    results = judge_policies(replayed.judged, policies, history.case_ids)
    holdout = replayed.rows(train_end, len(history.runs), max_rows=10**9)
    return FailureStudy(
        model=model,
        results=results,
        calibration=tuple(reliability(model.p_fail(holdout.X), holdout.y, holdout.frequency)),
        needed_shares=needed_shares(replayed.judged, model.per_time),
        baseline_shares=needed_shares(replayed.judged, decay10_per_time),
        reasons=reasons_against(results, recipe),
        holdout_start=train_end,
    )


def _fit(replayed: Replayed, recipe: Recipe, fit_end: int, train_end: int, /) -> FailureModel:
    early = replayed.rows(0, fit_end, max_rows=recipe.max_rows)
    window = replayed.rows(fit_end, train_end, max_rows=recipe.max_rows)
    _require_both_classes(early)
    answers = {name: m.predict(window.X) for name, m in fit_members(recipe, "probability", early.X, early.y, early.weight).items()}
    weights = fit_weights("probability", answers, window.y, window.weight, recipe.weights)
    sigmoid = fit_sigmoid(combine(answers, weights), window.y, window.frequency)
    rows = replayed.rows(0, train_end, max_rows=recipe.max_rows)
    members = fit_members(recipe, "probability", rows.X, rows.y, rows.weight)
    return FailureModel(Ensemble("probability", members, weights), sigmoid)


def _require_both_classes(rows: Rows) -> None:
    from cipredict.errors import InputError  # noqa: PLC0415

    if not len(rows.y) or rows.y.min() == rows.y.max():
        raise InputError(
            "The history holds no run with both a failing and a passing case early enough to learn from.",
            slug="history-thin",
            hint="Ingest more runs, then train again.",
        )


def reasons_against(results: Mapping[str, PolicyResult], recipe: Recipe) -> tuple[str, ...]:
    """Give why the model may not serve: too little evidence, or a baseline that is as good."""
    own = results[MODEL]
    reasons = []
    if own.runs < recipe.promotion["min_failing_runs"]:
        reasons.append(f"only {own.runs} failing runs in the holdout, {recipe.promotion['min_failing_runs']:.0f} needed")
    gain = recipe.promotion["min_gain"]
    for name in BASELINES:
        rival = results[name]
        if not own.apfdc > rival.apfdc + gain:
            reasons.append(f"APFDc {own.apfdc:.3f} does not beat {name} {rival.apfdc:.3f} by {gain}")
        if not own.caught[HEADLINE_BUDGET] >= rival.caught[HEADLINE_BUDGET]:
            reasons.append(f"catches {own.caught[HEADLINE_BUDGET]:.1%} at 20 % of time, {name} {rival.caught[HEADLINE_BUDGET]:.1%}")
    return tuple(reasons)
