"""How much to run: a share of the suite's time, seconds, or a probability that a failing run is still caught."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from math import ceil

from cipredict.forecast.interface import CaughtEstimate, ConfidenceCurve
from cipredict.stats import clopper_pearson


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
    """Read the curve where it reaches `share`; too few failing runs cannot show so high a share at all."""
    runs = len(curve.needed_shares)
    wanted = runs_for(share)
    if runs < wanted:
        return Budget(total_s, f"a confidence of {share:.4g} needs {wanted} failing runs in the backtest, it has {runs}")
    return Budget(curve.needed_shares[ceil(share * runs) - 1] * total_s)


def runs_for(share: float) -> int:
    """Give the fewest failing runs that can show a share below 1: one miss in so many. Certainty needs them all.

    >>> runs_for(0.95)
    20
    """
    return ceil(round(1 / (1 - share), 9)) if share < 1 else 1


def caught_at(curve: ConfidenceCurve, share: float) -> CaughtEstimate:
    """Give how many of the backtest's failing runs `share` of the time would have caught, with its interval."""
    runs = len(curve.needed_shares)
    caught = bisect_right(curve.needed_shares, share + 1e-9)
    low, high = clopper_pearson(caught, runs)
    return CaughtEstimate(caught / runs if runs else 0.0, low, high, runs)
