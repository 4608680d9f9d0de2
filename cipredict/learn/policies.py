"""Orders to compare: the strong simple baselines, an oracle, and whatever a model gives.

A policy maps a judged run to a score per case; higher runs first, ties in a seeded random order, so that a score
that says nothing is worth exactly as much as chance.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from cipredict.forecast.features import FEATURES
from cipredict.forecast.priority import MIN_SECONDS, priorities
from cipredict.forecast.state import Floats
from cipredict.learn.rows import JudgedRun

Policy = Callable[[JudgedRun], NDArray[np.floating]]


def _column(judged: JudgedRun, name: str) -> Floats:
    return judged.X[:, FEATURES.index(name)]


def _cost(judged: JudgedRun) -> Floats:
    return judged.expected_s + np.float32(MIN_SECONDS)


def last_failed(judged: JudgedRun) -> Floats:
    """Most recent failure first; never-failed cases tie at the end."""
    return -_column(judged, "runs_since_failure")


def failure_rate(judged: JudgedRun) -> Floats:
    """Failures per run over the whole past."""
    return _column(judged, "failure_rate")


def decay10(judged: JudgedRun) -> Floats:
    """Failure rate with a half-life of 10 runs."""
    return _column(judged, "failure_rate_10")


def decay10_per_time(judged: JudgedRun) -> Floats:
    """Divide the decayed failure rate by expected seconds: the strong one."""
    return decay10(judged) / _cost(judged)


def shortest(judged: JudgedRun) -> Floats:
    """Quickest case first."""
    return -judged.expected_s


def rules_per_time(judged: JudgedRun) -> Floats:
    """Sum of co-failure, name similarity, changed test and decayed failure rate, divided by expected seconds."""
    rules = (
        _column(judged, "cofailure_max")
        + 0.3 * _column(judged, "word_similarity")
        + _column(judged, "test_changed")
        + decay10(judged)
    )
    return rules / _cost(judged)


def as_planned(p_fail: NDArray[np.floating], judged: JudgedRun) -> NDArray[np.float64]:
    """Turn risks into the priorities of a plan; among equal risks chance decides, where a plan decides by id."""
    order = order_of(p_fail, seed=(0, len(p_fail)))
    given = np.empty(len(order))
    failed_last = _column(judged, "last_verdict") == 1
    risk, cost_s, repeats, files = (
        column[order].tolist() for column in (p_fail, judged.expected_s, failed_last, judged.files)
    )
    given[order] = priorities(risk, cost_s, repeats, files=files)
    return given


def prior_per_time(judged: JudgedRun) -> NDArray[np.float64]:
    """Order as a plan does on the risk that needs no learner: what serves where the ensemble does not."""
    return as_planned(_column(judged, "prior"), judged)


def chance(judged: JudgedRun) -> Floats:
    """Nothing known: the seeded order that breaks ties."""
    return np.zeros(len(judged.slots), np.float32)


def oracle(judged: JudgedRun) -> NDArray[np.float64]:
    """Hindsight: failing cases first, quickest first. The bound nobody reaches."""
    return judged.is_new * 2e9 + judged.failed * 1e9 - judged.seconds.astype(np.float64)


BASELINES: dict[str, Policy] = {
    "random": chance,
    "shortest": shortest,
    "last-failed": last_failed,
    "failure-rate": failure_rate,
    "decay10": decay10,
    "decay10/time": decay10_per_time,
    "rules/time": rules_per_time,
    "prior/time": prior_per_time,
}


def order_of(scores: NDArray[np.floating], *, seed: tuple[int, ...]) -> NDArray[np.intp]:
    """Give positions, highest score first, ties shuffled by `seed`."""
    generator = np.random.default_rng(list(seed))
    return np.lexsort((generator.random(len(scores)), -scores))
