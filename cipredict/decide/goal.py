"""How much to run: a share of the suite's time, seconds, or a probability that a failing run is still caught."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from math import ceil

from cipredict.forecast.interface import CaughtEstimate, ConfidenceCurve
from cipredict.stats import clopper_pearson, fewest_trials

_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Target:
    """A share (0…1] of the suite's expected seconds."""

    share: float

    def __str__(self) -> str:
        return f"target {self.share:.4g} of the suite's time"


@dataclass(frozen=True, slots=True)
class Time:
    """A number of seconds."""

    seconds: float

    def __str__(self) -> str:
        return f"time {self.seconds:g} s"


@dataclass(frozen=True, slots=True)
class Confidence:
    """A share (0…1] of failing runs, per run not per case, that must still be caught."""

    share: float

    def __str__(self) -> str:
        return f"confidence {self.share:.4g} that a failing run is caught"


Goal = Target | Time | Confidence


@dataclass(frozen=True, slots=True)
class Budget:
    """Seconds that a goal allows, or why it cannot be met by skipping anything."""

    seconds: float
    unmet: str = ""


def budget_of(goal: Goal, *, total_s: float, curve: ConfidenceCurve) -> Budget:
    """Turn a goal into seconds of a suite that takes `total_s`."""
    match goal:
        case Target(share):
            return Budget(share * total_s)
        case Time(seconds):
            return Budget(seconds)
        case Confidence(share):
            return _confident_budget(share, total_s=total_s, curve=curve)


def _confident_budget(share: float, *, total_s: float, curve: ConfidenceCurve) -> Budget:
    """Read the curve where it reaches `share`, unless it rests on too few failing runs to show so high a share."""
    if share >= 1:
        return Budget(total_s, "no backtest can show that every failing run is caught")
    runs, wanted = len(curve.needed_shares), fewest_trials(share)
    if runs < wanted:
        return Budget(
            total_s, f"a confidence of {share:.4g} needs {wanted} failing runs in the backtest, it has {runs}"
        )
    return Budget(needed_share(curve, share) * total_s)


def needed_share(curve: ConfidenceCurve, share: float) -> float:
    """Give the share of time that catches the next failing run with a probability of at least `share`.

    That is the k-th smallest share that a failing run of the backtest needed, k = ⌈share (n + 1)⌉: the next run is as
    likely to fall into each of the n + 1 gaps between them, if it is like them. Beyond the n-th, everything runs.
    Vovk, Gammerman and Shafer, "Algorithmic Learning in a Random World", 2005 (split conformal prediction).

    >>> needed_share(ConfidenceCurve((0.1, 0.2, 0.4, 0.9)), 0.75)
    0.9
    """
    place = max(ceil(share * (len(curve.needed_shares) + 1) - _ROUNDING), 1)
    return curve.needed_shares[place - 1] if place <= len(curve.needed_shares) else 1.0


def caught_at(curve: ConfidenceCurve, share: float) -> CaughtEstimate:
    """Give how many of the backtest's failing runs `share` of the time would have caught, with its interval."""
    runs = len(curve.needed_shares)
    caught = bisect_right(curve.needed_shares, share + _ROUNDING)
    low, high = clopper_pearson(caught, runs)
    return CaughtEstimate(caught / runs if runs else 0.0, low, high, runs)
