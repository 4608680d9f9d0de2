"""Weighted members: fit each, then find the weights on a later window (non-negative, sum 1).

Stacking with a convex combination: Breiman, "Stacked regressions", Machine Learning 24, 1996.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from cipredict.forecast.state import Floats
from cipredict.learn.members.interface import Member, Task
from cipredict.learn.recipe import Recipe

Answers = Mapping[str, NDArray[np.float64]]
_TINY = 1e-6
_LEAST_WEIGHT = 1e-3
"""A member with less moves no order, and a CI job would still have to score its graph."""


@dataclass(frozen=True, slots=True)
class Ensemble:
    """Fitted members by name and the weight of each."""

    task: Task
    members: dict[str, Member]
    weights: dict[str, float]

    def answers(self, X: Floats) -> dict[str, NDArray[np.float64]]:
        """Give each member's own answer for X (n, k)."""
        return {name: member.predict(X) for name, member in self.members.items()}

    def predict(self, X: Floats) -> NDArray[np.float64]:
        """Give the weighted answer, shape (n,)."""
        return combine(self.answers(X), self.weights)


def combine(answers: Answers, weights: Mapping[str, float]) -> NDArray[np.float64]:
    """Give the weighted sum of answers.

    >>> combine({"a": np.array([1.0]), "b": np.array([3.0])}, {"a": 0.5, "b": 0.5})
    array([2.])
    """
    return np.asarray(sum(weights[name] * answer for name, answer in answers.items()), np.float64)


def fit_members(
    recipe: Recipe, task: Task, *, X: Floats, y: Floats, sample_weight: Floats, groups: Floats | None = None
) -> dict[str, Member]:
    """Fit every member of the recipe on X (n, k), y (n,), sample_weight (n,); rankers also on `groups` (n,), sorted."""
    from cipredict.learn.members.boosted import BoostedTrees  # noqa: PLC0415  # each costs seconds to import
    from cipredict.learn.members.forest import Forest  # noqa: PLC0415
    from cipredict.learn.members.net import NeuralNet  # noqa: PLC0415
    from cipredict.learn.members.prior import Prior  # noqa: PLC0415
    from cipredict.learn.members.ranker import RankingTrees  # noqa: PLC0415

    makers: dict[str, Callable[..., Member]] = {
        "prior": Prior,
        "xgboost": BoostedTrees,
        "neural_net": NeuralNet,
        "random_forest": Forest,
        "xgboost_ranker": RankingTrees,
    }
    by_run = {"xgboost_ranker": {"groups": groups}}
    return {
        name: makers[name](task, recipe.random_state, **parameters).fit(X, y, sample_weight, **by_run.get(name, {}))
        for name, parameters in recipe.members.items()
    }


def fit_weights(
    task: Task, answers: Answers, *, y: Floats, sample_weight: Floats, start: Mapping[str, float]
) -> dict[str, float]:
    """Give the weights that minimise the loss on a window that no member has seen.

    Loss: logarithmic for probabilities, absolute for seconds. `start` is where the search begins and the answer
    when the window is empty.
    """
    names = list(answers) or list(start)
    initial = np.array([start[name] for name in names])
    initial = initial / initial.sum()
    if not len(y):
        return dict(zip(names, initial.tolist(), strict=True))
    matrix = np.column_stack([answers[name] for name in names])
    importance = sample_weight / sample_weight.sum()

    def loss(weights: NDArray[np.float64]) -> float:
        return _loss(task, matrix @ weights, y=y, importance=importance)

    found = minimize(
        loss,
        initial,
        method="SLSQP",
        bounds=[(0.0, 1.0)] * len(names),
        constraints={"type": "eq", "fun": lambda weights: weights.sum() - 1.0},
    )
    best = found.x if found.success and loss(found.x) <= loss(initial) else initial
    kept = np.where(best < _LEAST_WEIGHT, 0.0, best)
    return dict(zip(names, (kept / kept.sum()).tolist(), strict=True))


def halfway(fitted: Mapping[str, float], start: Mapping[str, float]) -> dict[str, float]:
    """Give the mean of fitted and starting weights, sum 1.

    A window of a few dozen failing runs fits weights badly, and an equal share is hard to beat ("forecast combination
    puzzle": Stock and Watson, Journal of Forecasting 23, 2004).

    >>> halfway({"a": 1.0, "b": 0.0}, {"a": 1.0, "b": 3.0})
    {'a': 0.625, 'b': 0.375}
    """
    total = sum(start[name] for name in fitted)
    return {name: (weight + start[name] / total) / 2 for name, weight in fitted.items()}


def _loss(task: Task, predicted: NDArray[np.float64], *, y: Floats, importance: Floats) -> float:
    if task == "seconds":
        return float((importance * np.abs(predicted - y)).sum())
    p = np.clip(predicted, _TINY, 1 - _TINY)
    return float(-(importance * (y * np.log(p) + (1 - y) * np.log1p(-p))).sum())
