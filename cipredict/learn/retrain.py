"""The nightly job: train a challenger, judge it beside the champion and the baselines, publish whoever won.

::

    challenger beats baselines and champion  → promoted, published
    champion still beats the baselines       → stays, published under today's state
    neither                                  → the baseline serves, the reasons are stored
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cipredict.forecast.features import FEATURES
from cipredict.forecast.graphs import score_graphs
from cipredict.forecast.probability import apply_sigmoid
from cipredict.learn.backtest import HEADLINE_BUDGET, PolicyResult, judge_policies, needed_shares
from cipredict.learn.failure import FALLBACK, MODEL, reasons_against
from cipredict.learn.figures import draw_figures
from cipredict.learn.history import History
from cipredict.learn.policies import Policy, as_planned
from cipredict.learn.publish import Learned, publish
from cipredict.learn.registry import CHAMPION, Registry
from cipredict.learn.rows import JudgedRun
from cipredict.learn.run_time import TimedRun
from cipredict.learn.summary import promises_of
from cipredict.learn.train import Training, train


@dataclass(frozen=True, slots=True)
class Retrained:
    """What the night brought.

    Attributes
    ----------
    version : registered for the challenger
    promoted : the challenger is the champion now
    verdict : why, or why not, in words
    served : who serves failure forecasts from now on: a version, or the baseline's name
    forecast_id : of the published bundle
    results : policy → result on the holdout, the present champion's under `champion` where there was one
    """

    training: Training
    version: str
    promoted: bool
    verdict: str
    served: str
    forecast_id: str
    results: Mapping[str, PolicyResult]


def retrain(
    history: History,
    timed: Sequence[TimedRun],
    registry: Registry,
    *,
    forecast: Path,
    now: datetime,
    cache: Path | None = None,
) -> Retrained:
    """Train, register, promote or not, and publish the bundle at `forecast`; `cache` as `train` takes it."""
    training = train(history, timed, cache=cache)
    results = dict(training.failure.results)
    champion = registry.champion()
    incumbent = Learned.from_bundle(registry.bundle(champion)).registered_as(champion) if champion else None
    incumbent_policy = _policy_of(incumbent, training.failure.judged) if incumbent else None
    if incumbent_policy:
        results |= judge_policies(training.failure.judged, {CHAMPION: incumbent_policy}, history.case_ids)
    reasons = [*training.failure.reasons, *_not_better_than_champion(results)]
    version = _register(registry, training, history=history, timed=timed, now=now)
    challenger = training.learned.registered_as(version)
    if not reasons:
        registry.promote(version)
        chosen, verdict = challenger, "beats every baseline" + (" and the champion" if incumbent_policy else "")
    else:
        chosen = challenger
        verdict = "; ".join(reasons)
        if incumbent and incumbent_policy:
            chosen = _keep_champion(incumbent, incumbent_policy, training=training, results=results) or challenger
    registry.tag(version, "verdict", verdict)
    chosen = _serve_baseline_unless(chosen, is_earned=not reasons or chosen is not challenger, reasons=tuple(reasons))
    forecast_id = publish(chosen, history, timed, path=forecast, now=now)
    served = chosen.served["failure"]
    return Retrained(
        training=training,
        version=version,
        promoted=not reasons,
        verdict=verdict,
        served=f"version {chosen.model_version}" if served.is_model else served.by,
        forecast_id=forecast_id,
        results=results,
    )


def headline(result: PolicyResult) -> float:
    """Give the one number that ranks models: mean of APFDc and the shares caught at 20 % of time, old and new."""
    parts = (result.apfdc, result.caught[HEADLINE_BUDGET], result.new_caught[HEADLINE_BUDGET])
    return float(np.nanmean(parts))


def _not_better_than_champion(results: Mapping[str, PolicyResult]) -> list[str]:
    if CHAMPION not in results or MODEL not in results:
        return []
    own, rival = headline(results[MODEL]), headline(results[CHAMPION])
    return [] if own > rival else [f"headline {own:.4f} does not beat the champion's {rival:.4f}"]


def _policy_of(learned: Learned, judged: Mapping[int, JudgedRun]) -> Policy | None:
    """Turn a champion's graphs into a policy; None where it has none, or was trained on other features."""
    graphs = {name.partition("/")[2]: graph for name, graph in learned.graphs.items() if name.startswith("failure/")}
    if not graphs or not judged or learned.features != FEATURES:
        return None
    answers = score_graphs(graphs, np.concatenate([run.X for run in judged.values()]))
    weights = learned.served["failure"].weights
    p_fail = apply_sigmoid(
        np.sum([weights[name] * answer for name, answer in answers.items()], axis=0), learned.sigmoid
    )
    ends = np.cumsum([len(run.slots) for run in judged.values()])[:-1]
    by_run = dict(zip((run.run.run_id for run in judged.values()), np.split(p_fail, ends), strict=True))

    def policy(run: JudgedRun) -> NDArray[np.float64]:
        return as_planned(by_run[run.run.run_id], run)

    return policy


def _keep_champion(
    incumbent: Learned, policy: Policy, *, training: Training, results: Mapping[str, PolicyResult]
) -> Learned | None:
    """Give the champion with its curve measured anew, None where it no longer beats the baselines."""
    reasons = reasons_against(results, training.recipes["failure"], policy=CHAMPION)
    if reasons:
        return None
    served = {
        **incumbent.served,
        "failure": replace(
            incumbent.served["failure"],
            by=MODEL,
            reasons=(),
            metrics={name: result.headline() for name, result in results.items()},
        ),
    }
    shares = needed_shares(training.failure.judged, policy)
    checks = {**incumbent.checks, "promises": promises_of(shares)}
    return replace(incumbent, served=served, needed_shares=tuple(sorted(shares)), checks=checks)


def _serve_baseline_unless(learned: Learned, *, is_earned: bool, reasons: tuple[str, ...]) -> Learned:
    if is_earned:
        return learned
    failure = replace(learned.served["failure"], by=FALLBACK, reasons=reasons)
    return replace(learned, served={**learned.served, "failure": failure})


def _register(
    registry: Registry, training: Training, *, history: History, timed: Sequence[TimedRun], now: datetime
) -> str:
    with tempfile.TemporaryDirectory(prefix="cipredict-") as name:
        folder = Path(name)
        bundle = folder / "forecast.bundle"
        publish(training.learned, history, timed, path=bundle, now=now)
        return registry.log(
            bundle,
            parameters=_parameters(training, history),
            metrics=_metrics(training),
            figures=draw_figures(training.failure, folder),
            tags={"trained_to": training.learned.trained_to, "history_runs": str(len(history.runs))},
        )


def _parameters(training: Training, history: History) -> dict[str, object]:
    parameters: dict[str, object] = {"runs": len(history.runs), "cases": len(history.case_ids)}
    for name, recipe in training.recipes.items():
        for member, values in recipe.members.items():
            parameters |= {f"{name}.{member}.{key}": value for key, value in values.items()}
        weights = training.learned.served[name].weights
        parameters |= {f"{name}.weight.{member}": round(weight, 4) for member, weight in weights.items()}
    return parameters


def _metrics(training: Training) -> dict[str, float]:
    return {
        f"{predictor}.{policy}.{measure}".replace("%", ""): value
        for predictor, served in training.learned.served.items()
        for policy, measures in served.metrics.items()
        for measure, value in measures.items()
    }
