"""The words in which a forecast answers: what a case will cost, how likely it fails, and on what that rests.

Tuples where there is one per case: a plan asks about tens of thousands of them.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Basis(StrEnum):
    """What an answer rests on, from strongest to weakest."""

    MODEL = "model"
    HISTORY = "history"
    FALLBACK = "fallback"


class DurationForecast(NamedTuple):
    """Seconds that a case will take.

    Attributes
    ----------
    expected_s : the point forecast
    low_s, high_s : conformal interval, at the coverage that the bundle states
    basis : history of the case itself, a model, or a neighbour's median (file, folder, suite)
    runs : measurements it rests on
    peak_memory_bytes : upper forecast, None where no history has it
    """

    case_id: str
    expected_s: float
    low_s: float
    high_s: float
    basis: Basis
    runs: int
    peak_memory_bytes: int | None = None


class CaseForecast(NamedTuple):
    """Risk and cost of a candidate case under one change.

    Attributes
    ----------
    p_fail : probability 0…1 that the case fails in this run
    expected_s : seconds that it will take
    runs : runs in which the case was seen; 0 means new or unknown
    is_red_at_base : its last verdict on the default branch was a failure
    failed_recently : it failed in the last run of this branch
    evidence : the strongest reason in words, for people
    failed_last : its last verdict, on whatever branch, was a failure
    """

    case_id: str
    p_fail: float
    expected_s: float
    basis: Basis
    runs: int
    is_red_at_base: bool = False
    failed_recently: bool = False
    evidence: str = ""
    failed_last: bool = False


class CaughtEstimate(NamedTuple):
    """Share of failing runs that a budget catches, with a Clopper-Pearson interval at 95 %."""

    p_caught: float
    low: float
    high: float
    failing_runs: int


class ConfidenceCurve(NamedTuple):
    """What the backtest measured: per failing run, how much of the time was needed to catch it.

    Attributes
    ----------
    needed_shares : sorted; for each failing run of the holdout the smallest share (0…1] of the suite's expected
        time, spent in plan order, that includes a failing case
    """

    needed_shares: tuple[float, ...]
