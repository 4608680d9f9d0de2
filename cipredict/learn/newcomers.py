"""How well neighbours speak for cases in their first run: factors of an interval, per scope, measured by replay."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from math import log
from operator import attrgetter
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cipredict.forecast.doubt import DOUBTS
from cipredict.forecast.neighbours import SCOPES, Neighbours
from cipredict.learn.bands import WARM_RUNS, AdaptiveBands
from cipredict.learn.case_time import replay_cases
from cipredict.learn.clock import OFFSET_S
from cipredict.learn.history import History

_FIRST_RUN = 3
_PER_RUN = 60
"""Newcomers of one run that are asked about: they came together and are alike."""


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
        if position >= _FIRST_RUN and len(timed) and len(known):
            neighbours = Neighbours(
                dict(zip([history.case_ids[slot] for slot in known], clock.recent[known, 0].tolist(), strict=True))
            )
            for place in timed[:: -(-len(timed) // per_run)]:
                guess = neighbours.guess(history.case_ids[run.slots[place]])
                if guess:
                    yield Newcomer(position, int(run.slots[place]), *guess, float(run.seconds[place]))
        alive = run.slots if len(run.slots) >= len(alive) // 2 else alive  # a small run says nothing of the others


def measure_newcomers(history: History, *, coverage: float) -> NewcomerSpread:
    """Replay the newcomers: those of a run are judged by the intervals of before it, then they widen or narrow them."""
    bands = AdaptiveBands(coverage)
    places = {scope: place * DOUBTS for place, scope in enumerate(SCOPES)}
    inside = []
    for _, together in groupby(replay_newcomers(history), key=attrgetter("position")):
        rows = list(together)
        ratios = [log((row.actual_s + OFFSET_S) / (row.guess_s + OFFSET_S)) for row in rows]
        inside.append(bands.absorb(np.array([places[row.scope] for row in rows]), np.array(ratios)))
    table = bands.table(OFFSET_S)
    factors = {scope: (table.low[place], table.high[place]) for scope, place in places.items()}
    judged = inside[WARM_RUNS:]
    return NewcomerSpread(factors, float(np.concatenate(judged).mean()) if judged else float("nan"))
