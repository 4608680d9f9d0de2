"""How well neighbours speak for cases in their first run: factors of an interval, per scope, measured by replay."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cipredict.forecast.durations import FALLBACK_SPREAD
from cipredict.forecast.neighbours import SCOPES, Neighbours
from cipredict.learn.case_time import replay_cases
from cipredict.learn.clock import OFFSET_S
from cipredict.learn.history import History

_WARM_RUNS = 3
_PER_RUN = 60
"""Newcomers of one run that are asked about: they came together and are alike."""
_FEW = 10
"""With fewer newcomers of a scope, what is known of all of them decides too."""


class Newcomer(NamedTuple):
    """A case in its first run, as its neighbours saw it before."""

    position: int
    slot: int
    guess_s: float
    scope: str
    actual_s: float


@dataclass(frozen=True, slots=True)
class NewcomerSpread:
    """Interval factors on a neighbour's median.

    Attributes
    ----------
    scopes : scope → (low, high)
    observed_coverage : share of newcomers inside the interval of their day, NaN where there was none
    """

    scopes: Mapping[str, tuple[float, float]]
    observed_coverage: float


def replay_newcomers(history: History, *, per_run: int = _PER_RUN) -> Iterator[Newcomer]:
    """Give the newcomers of every run after the first three, at most `per_run` of one."""
    alive: NDArray[np.int32] = np.empty(0, np.int32)
    for position, run, clock, _, _ in replay_cases(history):
        timed = np.flatnonzero(np.isfinite(run.seconds) & run.has_verdict & (clock.runs[run.slots] == 0))
        known = alive[clock.runs[alive] > 0]
        if position >= _WARM_RUNS and len(timed) and len(known):
            neighbours = Neighbours(
                dict(zip([history.case_ids[slot] for slot in known], clock.recent[known, 0].tolist(), strict=True))
            )
            for place in timed[:: -(-len(timed) // per_run)]:
                guess = neighbours.guess(history.case_ids[run.slots[place]])
                if guess:
                    yield Newcomer(position, int(run.slots[place]), *guess, float(run.seconds[place]))
        alive = run.slots if len(run.slots) >= len(alive) // 2 else alive  # a small run says nothing of the others


def measure_newcomers(history: History, *, coverage: float) -> NewcomerSpread:
    """Replay the newcomers: each is judged by those of earlier runs, and all of them make today's factors."""
    ratios: defaultdict[str, list[float]] = defaultdict(list)
    inside, waiting, position = [], [], -1
    for newcomer in replay_newcomers(history):
        if newcomer.position != position:
            _take(ratios, waiting)
            waiting, position = [], newcomer.position
        log_ratio = float(np.log((newcomer.actual_s + OFFSET_S) / (newcomer.guess_s + OFFSET_S)))
        low, high = _factors(ratios, newcomer.scope, coverage)
        inside.append(np.log(low) <= log_ratio <= np.log(high))
        waiting.append((newcomer.scope, log_ratio))
    _take(ratios, waiting)
    scopes = {scope: _factors(ratios, scope, coverage) for scope in SCOPES}
    return NewcomerSpread(scopes, float(np.mean(inside)) if inside else float("nan"))


def _take(ratios: defaultdict[str, list[float]], waiting: list[tuple[str, float]]) -> None:
    for scope, log_ratio in waiting:
        ratios[scope].append(log_ratio)


def _factors(ratios: Mapping[str, list[float]], scope: str, coverage: float) -> tuple[float, float]:
    """Give the conformal quantiles of a scope, with (n + 1) in place of n; the stated factor while nothing is known."""
    own = ratios.get(scope, [])
    if len(own) < _FEW:
        own = [ratio for known in ratios.values() for ratio in known]
    if len(own) < _FEW:
        return 1 / FALLBACK_SPREAD, FALLBACK_SPREAD
    level = min(1.0, (1 + coverage) / 2 * (len(own) + 1) / len(own))
    low, high = -np.quantile(-np.asarray(own), level), np.quantile(own, level)
    return float(np.exp(min(low, 0.0))), float(np.exp(max(high, 0.0)))
