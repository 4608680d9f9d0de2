"""Failure of a case given a change: fit the ensemble, calibrate it, and judge it beside the baselines.

::

    |------ fit ------|- weights -|------- holdout -------|   runs by time
    |------------ train ----------|                            members are fitted again on this, then judged
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cipredict.forecast.case_index import build_case_index
from cipredict.forecast.probability import apply_sigmoid
from cipredict.forecast.state import Floats
from cipredict.learn.backtest import HEADLINE_BUDGET, PolicyResult, judge_policies, needed_shares
from cipredict.learn.calibration import Reliability, fit_sigmoid, reliability
from cipredict.learn.ensemble import Ensemble, combine, fit_members, fit_weights, halfway
from cipredict.learn.history import History
from cipredict.learn.policies import BASELINES, Policy, as_planned, oracle, prior_per_time
from cipredict.learn.recipe import Recipe
from cipredict.learn.rows import JudgedRun, Replayed, Rows, collect_rows

MODEL = "cipredict"
FALLBACK = "prior/time"
"""Serves where the ensemble does not beat every baseline."""


@dataclass(frozen=True, slots=True)
class FailureModel:
    """A fitted ensemble with its calibration."""

    ensemble: Ensemble
    sigmoid: tuple[float, float]

    def p_fail(self, X: NDArray[np.float32]) -> NDArray[np.float64]:
        """Give calibrated probabilities for X (n, k), shape (n,)."""
        return apply_sigmoid(self.ensemble.predict(X), self.sigmoid)

    def per_time(self, judged: JudgedRun) -> NDArray[np.float64]:
        """Score as a plan does: probability for expected seconds, with diminishing returns."""
        return as_planned(self.p_fail(judged.X), judged)


@dataclass(frozen=True, slots=True)
class FailureStudy:
    """A model and everything measured about it on the holdout; None where there was nothing to learn from.

    Attributes
    ----------
    results : policy → result, the model under `MODEL`
    needed_shares : of the model's plan order, by run, see `backtest.needed_shares`
    baseline_shares : the same for the baseline that serves instead
    reasons : why it may not serve; empty where it may
    parity_rows : features of the holdout, to compare learners and graphs on
    judged : the failing runs of the holdout, for judging other models on the same window
    only_red_runs : those of them that failed by permanently red cases alone, by which nothing is judged
    """

    model: FailureModel | None
    results: Mapping[str, PolicyResult]
    calibration: tuple[Reliability, ...]
    needed_shares: tuple[float, ...]
    baseline_shares: tuple[float, ...]
    reasons: tuple[str, ...]
    holdout_start: int
    parity_rows: Floats
    judged: Mapping[int, JudgedRun]
    only_red_runs: int = 0


def study_failure(history: History, recipe: Recipe, *, cache: Path | None = None) -> FailureStudy:
    """Fit on the first part of the history, judge on the rest; nothing of the holdout is seen before it is judged.

    A `cache` of features is read and written; it changes nothing but the time.
    """
    index = build_case_index(history.case_ids)
    judge_from = history.split(recipe.train_share)
    replayed = collect_rows(history, index, judge_from=judge_from, seed=recipe.random_state, cache=cache)
    return study_window(replayed, recipe, case_ids=history.case_ids, runs=len(history.runs))


def study_window(replayed: Replayed, recipe: Recipe, *, case_ids: list[str], runs: int) -> FailureStudy:
    """Study the first `runs` of a replay as if nothing had happened since: what a night in the past would have found.

    `replayed.judged` must reach back to the holdout; of later runs nothing is read.
    """
    fit_end, train_end = int(runs * recipe.fit_share), int(runs * recipe.train_share)
    judged = {position: run for position, run in replayed.judged.items() if train_end <= position < runs}
    model = _fit(replayed, recipe, fit_end=fit_end, train_end=train_end)
    policies: dict[str, Policy] = {**BASELINES, **({MODEL: model.per_time} if model else {}), "oracle": oracle}
    results = judge_policies(judged, policies, case_ids)
    holdout = replayed.rows(train_end, runs, max_rows=10**9)
    p_fail = model.p_fail(holdout.X) if model and len(holdout.y) else None
    return FailureStudy(
        model=model,
        results=results,
        calibration=() if p_fail is None else tuple(reliability(p_fail, holdout.y, holdout.frequency)),
        needed_shares=needed_shares(judged, model.per_time) if model else (),
        baseline_shares=needed_shares(judged, prior_per_time),
        reasons=reasons_against(results, recipe),
        holdout_start=train_end,
        parity_rows=holdout.X[:256],
        judged=judged,
        only_red_runs=sum(not run.targets.any() for run in judged.values()),
    )


def _fit(replayed: Replayed, recipe: Recipe, *, fit_end: int, train_end: int) -> FailureModel | None:
    early = replayed.rows(0, fit_end, max_rows=recipe.max_rows)
    window = replayed.rows(fit_end, train_end, max_rows=recipe.max_rows)
    if not _has_both_classes(early):
        return None
    before = fit_members(recipe, "probability", X=early.X, y=early.y, sample_weight=early.weight, groups=early.run)
    answers = {name: member.predict(window.X) for name, member in before.items()} if len(window.y) else {}
    fitted = fit_weights("probability", answers, y=window.y, sample_weight=window.weight, start=recipe.weights)
    weights = halfway(fitted, recipe.weights)
    sigmoid = fit_sigmoid(combine(answers, weights), window.y, window.frequency) if answers else (1.0, 0.0)
    rows = replayed.rows(0, train_end, max_rows=recipe.max_rows)
    members = fit_members(recipe, "probability", X=rows.X, y=rows.y, sample_weight=rows.weight, groups=rows.run)
    return FailureModel(Ensemble("probability", members, weights), sigmoid)


def _has_both_classes(rows: Rows) -> bool:
    return bool(len(rows.y)) and bool(rows.y.min() != rows.y.max())


def reasons_against(results: Mapping[str, PolicyResult], recipe: Recipe, *, policy: str = MODEL) -> tuple[str, ...]:
    """Give why a model may not serve: too little evidence, or a baseline that is as good."""
    own = results.get(policy)
    if own is None:
        return ("no failing run early enough to learn from",)
    reasons = []
    if own.runs < recipe.promotion["min_failing_runs"]:
        reasons.append(
            f"only {own.runs} failing runs in the holdout, {recipe.promotion['min_failing_runs']:.0f} needed"
        )
    gain = recipe.promotion["min_gain"]
    for name in BASELINES:
        rival = results[name]
        if not own.apfdc > rival.apfdc + gain:
            reasons.append(f"APFDc {own.apfdc:.3f} does not beat {name} {rival.apfdc:.3f} by {gain}")
        if own.all_apfdc < rival.all_apfdc - gain:
            reasons.append(
                f"APFDc {own.all_apfdc:.3f} with what is permanently red is below {name} {rival.all_apfdc:.3f}"
            )
        if not own.caught[HEADLINE_BUDGET] >= rival.caught[HEADLINE_BUDGET]:
            reasons.append(
                f"catches {own.caught[HEADLINE_BUDGET]:.1%} at 20 % of time, {name} {rival.caught[HEADLINE_BUDGET]:.1%}"
            )
    return tuple(reasons)
