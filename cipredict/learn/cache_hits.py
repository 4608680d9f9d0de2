"""Exact cache hits before the change is known: replay the commits, fit the ensemble, judge it beside the EWMA.

All caches of a project are learned from together, each split by its own time: the last part judges.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import brier_score_loss, roc_auc_score

from cipredict.decide.caching.provider import CacheModel, Keys, Outcome
from cipredict.forecast.cache_hits import EWMA, FEATURES, PREDICTOR, Committed, HitModel, HitState, next_offset
from cipredict.forecast.probability import apply_sigmoid
from cipredict.forecast.state import Floats
from cipredict.learn.ensemble import Ensemble, fit_members, fit_weights, halfway
from cipredict.learn.members.interface import Member
from cipredict.learn.publish import to_graphs
from cipredict.learn.recipe import Recipe

MODEL = "cipredict"


class KeyedCommit(NamedTuple):
    """A commit and what its key files were; equal texts are equal contents."""

    commit: Committed
    content: str


@dataclass(frozen=True, slots=True)
class HitRows:
    """A row per run that had one before it.

    Attributes
    ----------
    X : features, shape (n, k)
    y : 1 where the run hit, shape (n,)
    ewma : the baseline before the run, shape (n,)
    position : of the run in the time of its own cache, 0…1, shape (n,)
    stage : number of its cache, in order, shape (n,)
    """

    X: Floats
    y: Floats
    ewma: NDArray[np.float64]
    position: NDArray[np.float64]
    stage: NDArray[np.int64]

    def part(self, low: float, high: float) -> HitRows:
        """Give the rows from one position, included, to another."""
        inside = (self.position >= low) & (self.position < high)
        return HitRows(self.X[inside], self.y[inside], self.ewma[inside], self.position[inside], self.stage[inside])


@dataclass(frozen=True, slots=True)
class HitStudy:
    """What a training found: scores by policy on the holdout, and what of it is published."""

    metrics: Mapping[str, Mapping[str, float]]
    model: HitModel
    graphs: Mapping[str, bytes]


def replay_hits(stages: Mapping[str, Sequence[KeyedCommit]]) -> tuple[HitRows, dict[str, HitState]]:
    """Roll every cache through its commits, oldest first: features from before each run, and the state after all."""
    rows: list[Floats] = []
    hits, ewma, position, stage = [], [], [], []
    states = {}
    for at, (name, commits) in enumerate(stages.items()):
        state, model, previous = HitState(), CacheModel[str](), None
        for number, (commit, content) in enumerate(commits):
            hit = model.restore(Keys(content), now_s=commit.at_s).outcome is Outcome.EXACT
            if previous is not None:
                rows.append(state.features(commit))
                hits.append(hit)
                ewma.append(state.hit_ewma)
                position.append(number / len(commits))
                stage.append(at)
            state.absorb(commit, touched=content != previous, hit=hit)
            model.save(content, content, now_s=commit.at_s)
            previous = content
        states[name] = state
    X = np.concatenate(rows) if rows else np.zeros((0, len(FEATURES)), np.float32)
    replayed = HitRows(X, np.array(hits, np.float32), np.array(ewma), np.array(position), np.array(stage, np.int64))
    return replayed, states


def keyed_commits(
    commits: Iterable[tuple[Committed, Sequence[str]]], is_key_file: Callable[[str], bool]
) -> list[KeyedCommit]:
    """Give commits, oldest first, with their touched paths as those of one cache: a touch makes a new content."""
    touches, keyed = 0, []
    for commit, paths in commits:
        touches += any(map(is_key_file, paths))
        keyed.append(KeyedCommit(commit, str(touches)))
    return keyed


def study_hits(stages: Mapping[str, Sequence[KeyedCommit]], recipe: Recipe) -> HitStudy:
    """Fit on the first part of every cache's history, judge on the last; publish who won."""
    rows, states = replay_hits(stages)
    holdout = rows.part(recipe.train_share, 2.0)
    ensemble = _fit(rows, recipe)
    answers, offsets = {EWMA: holdout.ewma}, dict.fromkeys(stages, 0.0)
    if ensemble is not None:
        corrected, last = roll_offsets(ensemble.predict(holdout.X), holdout)
        answers = {MODEL: corrected, **answers}
        offsets |= {name: last[at] for at, name in enumerate(stages) if at in last}
    metrics = {name: _score(p, holdout.y) for name, p in answers.items()}
    reasons = _reasons_against(metrics, holdout, recipe)
    model = HitModel(
        served_by=EWMA if reasons else MODEL,
        weights={} if ensemble is None else ensemble.weights,
        offsets=offsets,
        metrics=metrics,
        reasons=tuple(reasons),
        stages=states,
    )
    graphs = {} if ensemble is None or reasons else to_graphs(PREDICTOR, ensemble, holdout.X)
    return HitStudy(metrics, model, graphs)


def roll_offsets(p: NDArray[np.float64], rows: HitRows) -> tuple[NDArray[np.float64], dict[int, float]]:
    """Give forecasts corrected by what each cache's earlier rows showed, shape (n,), and every cache's last offset."""
    offsets: dict[int, float] = {}
    corrected = np.empty_like(p)
    for at, stage in enumerate(rows.stage.tolist()):
        offset = offsets.get(stage, 0.0)
        corrected[at] = apply_sigmoid(p[at : at + 1], (1.0, offset))[0]
        offsets[stage] = next_offset(offset, corrected[at], hit=bool(rows.y[at]))
    return corrected, offsets


def _fit(rows: HitRows, recipe: Recipe) -> Ensemble | None:
    """Give the ensemble; None where there is nothing to learn from."""
    early, window = rows.part(0.0, recipe.fit_share), rows.part(recipe.fit_share, recipe.train_share)
    if any(not len(part.y) or part.y.min() == part.y.max() for part in (early, window)):
        return None
    answers = Ensemble("probability", _members(early, recipe), {}).answers(window.X)
    even = np.ones(len(window.y), np.float32)
    weights = halfway(
        fit_weights("probability", answers, y=window.y, sample_weight=even, start=recipe.weights), recipe.weights
    )
    return Ensemble("probability", _members(rows.part(0.0, recipe.train_share), recipe), weights)


def _members(rows: HitRows, recipe: Recipe) -> dict[str, Member]:
    even = np.ones(len(rows.y), np.float32)
    return fit_members(recipe, "probability", X=rows.X, y=rows.y, sample_weight=even)


def _score(p: NDArray[np.float64], y: Floats) -> dict[str, float]:
    if not len(y) or y.min() == y.max():
        return {}
    return {"auc": float(roc_auc_score(y, p)), "brier": float(brier_score_loss(y, p))}


def _reasons_against(metrics: Mapping[str, Mapping[str, float]], holdout: HitRows, recipe: Recipe) -> list[str]:
    own, rival = metrics.get(MODEL), metrics[EWMA]
    misses = int(len(holdout.y) - holdout.y.sum())
    if not own or not rival:
        return ["too few hits or misses to learn from"]
    reasons = []
    if misses < recipe.promotion["min_misses"]:
        reasons.append(f"only {misses} misses in the holdout, {recipe.promotion['min_misses']:.0f} needed")
    gain = recipe.promotion["min_gain"]
    if not own["auc"] > rival["auc"] + gain:
        reasons.append(f"AUC {own['auc']:.3f} does not beat {EWMA} {rival['auc']:.3f} by {gain}")
    if not own["brier"] < rival["brier"] - gain:
        reasons.append(f"Brier {own['brier']:.4f} does not beat {EWMA} {rival['brier']:.4f} by {gain}")
    return reasons
