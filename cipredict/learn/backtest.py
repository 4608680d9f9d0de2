"""Replay policies over a window that nothing was fitted on, and say what each would have caught.

Every policy sees the same runs, the same expected seconds and the same history; real seconds and verdicts score it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isnan, nan
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from cipredict.decide.goal import needed_share
from cipredict.forecast.interface import ConfidenceCurve
from cipredict.forecast.priority import MIN_SECONDS
from cipredict.learn.metrics import BUDGETS, OrderScore, score_order
from cipredict.learn.policies import Policy, order_of
from cipredict.learn.rows import JudgedRun
from cipredict.stats import clopper_pearson, fewest_trials

_CHANCE_ORDERS = 10
PROMISES = (0.5, 0.8, 0.9, 0.95)
"""Confidences whose keeping a backtest reports."""
HEADLINE_BUDGET = 0.20


@dataclass(frozen=True, slots=True)
class PolicyResult:
    """Means over the judged runs; what is permanently red is no target, but in `all_apfdc`.

    Attributes
    ----------
    all_apfdc : over every failing run, with every failing case as a target
    caught : budget (share of test time) → share of failing runs with a failing case finished within it
    new_caught : the same with only the newly failing cases as targets, over the runs that have one
    first_shares : per judged run the share of test time spent when the first failing case has finished
    missed : runs whose failing cases all lie beyond `HEADLINE_BUDGET`, with their names
    """

    policy: str
    runs: int
    new_runs: int
    apfd: float
    apfdc: float
    new_apfdc: float
    all_apfdc: float
    caught: Mapping[float, float]
    new_caught: Mapping[float, float]
    first_shares: tuple[float, ...]
    missed: tuple[tuple[str, tuple[str, ...]], ...]

    def headline(self) -> dict[str, float]:
        """Give the measures that decide a promotion; those that nothing was measured for are left out."""
        measures = {
            "apfd": self.apfd,
            "apfdc": self.apfdc,
            "new_apfdc": self.new_apfdc,
            "all_apfdc": self.all_apfdc,
            "time_to_red_saved": 1 - fmean(self.first_shares) if self.first_shares else nan,
            **{f"caught_{budget:.0%}": share for budget, share in self.caught.items()},
            **{f"new_caught_{budget:.0%}": share for budget, share in self.new_caught.items()},
        }
        return {name.replace("%", ""): value for name, value in measures.items() if not isnan(value)}


def judge_policies(
    judged: Mapping[int, JudgedRun], policies: Mapping[str, Policy], case_ids: list[str]
) -> dict[str, PolicyResult]:
    """Score every policy on every judged run that has a target."""
    return {name: _judge(name, policy, judged=judged, case_ids=case_ids) for name, policy in policies.items()}


def _judge(name: str, policy: Policy, *, judged: Mapping[int, JudgedRun], case_ids: list[str]) -> PolicyResult:
    scores, new_scores, all_scores, missed = [], [], [], []
    for position, run in judged.items():
        orders = list(_orders(name, policy(run), position))
        all_scores.append(_mean_score(score_order(order, run.seconds, run.failed) for order in orders))
        if not run.targets.any():
            continue
        score = _mean_score(score_order(order, run.seconds, run.targets) for order in orders)
        scores.append(score)
        if run.is_new.any():
            new_scores.append(_mean_score(score_order(order, run.seconds, run.is_new) for order in orders))
        if score["first_share"] > HEADLINE_BUDGET:
            missed.append((run.run.run_id, tuple(case_ids[slot] for slot in run.slots[run.targets])))
    return PolicyResult(
        policy=name,
        runs=len(scores),
        new_runs=len(new_scores),
        apfd=_mean(scores, "apfd"),
        apfdc=_mean(scores, "apfdc"),
        new_apfdc=_mean(new_scores, "apfdc"),
        all_apfdc=_mean(all_scores, "apfdc"),
        caught={budget: _mean(scores, f"caught_{budget}") for budget in BUDGETS},
        new_caught={budget: _mean(new_scores, f"caught_{budget}") for budget in BUDGETS},
        first_shares=tuple(score["first_share"] for score in scores),
        missed=tuple(missed),
    )


def _orders(name: str, scores: NDArray[np.floating], position: int) -> Iterable[NDArray[np.intp]]:
    for repeat in range(_CHANCE_ORDERS if name == "random" else 1):
        yield order_of(scores, seed=(0, position, repeat))


def _mean_score(scores: Iterable[OrderScore]) -> dict[str, float]:
    rows = [
        {
            "apfd": score.apfd,
            "apfdc": score.apfdc,
            "first_share": score.first_share,
            **{f"caught_{budget}": float(score.is_caught(budget)) for budget in BUDGETS},
        }
        for score in scores
    ]
    return {key: fmean(row[key] for row in rows) for key in rows[0]}


def _mean(rows: list[dict[str, float]], key: str) -> float:
    return fmean(row[key] for row in rows) if rows else float("nan")


def needed_shares(judged: Mapping[int, JudgedRun], policy: Policy) -> tuple[float, ...]:
    """Give, in the order of the runs, the share of expected time each failing run needed under the plan's own rules.

    As a plan does: cases that always run come first, then the policy's order. A run counts if a case fails that was
    not red on the default branch already: re-finding the known red proves nothing.
    """
    shares = []
    for position, run in judged.items():
        targets = run.failed & ~run.is_red_at_base
        if targets.any():
            order = order_of(policy(run), seed=(0, position, 0))
            order = np.concatenate([order[run.always_runs[order]], order[~run.always_runs[order]]])
            expected = np.maximum(run.expected_s[order].astype(np.float64), MIN_SECONDS)
            reached = int(np.flatnonzero(targets[order])[0])
            shares.append(float(expected[: reached + 1].sum() / expected.sum()))
    return tuple(shares)


@dataclass(frozen=True, slots=True)
class Promise:
    """A confidence as promised, and how often it was kept.

    Attributes
    ----------
    promised : share of failing runs that are caught at least
    runs, missed : failing runs that were held against it, and those it missed
    low, high : Clopper-Pearson interval of the share missed, at 95 %
    mean_share : of expected time that it took
    """

    promised: float
    runs: int
    missed: int
    low: float
    high: float
    mean_share: float

    @property
    def is_kept(self) -> bool:
        """Tell whether the promised miss rate lies within the interval, or above it."""
        return 1 - self.promised >= self.low


def keep_promises(shares: Sequence[float], *, levels: Sequence[float] = PROMISES) -> tuple[Promise, ...]:
    """Hold each failing run against the curve of those before it, as a plan of its day would have read it.

    `shares` as `needed_shares` gives them. A level is judged from the run on where the curve can show it at all; where
    that is never, it is left out.
    """
    return tuple(promise for level in levels if (promise := _keep(shares, level)))


def _keep(shares: Sequence[float], level: float) -> Promise | None:
    first = fewest_trials(level)
    spent = [needed_share(ConfidenceCurve(tuple(sorted(shares[:run]))), level) for run in range(first, len(shares))]
    if not spent:
        return None
    missed = sum(needed > given for needed, given in zip(shares[first:], spent, strict=True))
    low, high = clopper_pearson(missed, len(spent))
    return Promise(level, len(spent), missed, low, high, fmean(spent))
