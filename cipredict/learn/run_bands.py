"""What would have been forecast of every run before it began, with its interval: nothing that came later is in it.

The memory is that of `predict run`, the forecast its leader among the simple ones, and the interval's width comes from
the misses known by then. A fitted ensemble has no place here: it has seen the runs that it was fitted on.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cipredict.forecast.doubt import doubt_of
from cipredict.forecast.run_features import LEADER, OFFSET_S, run_baselines, spread_of
from cipredict.learn.bands import AdaptiveBands, cell_of
from cipredict.learn.run_time import SeriesMemory, TimedRun


class RunBand(NamedTuple):
    """A run with what was expected of it when it started; seconds."""

    run: TimedRun
    expected_s: float
    low_s: float
    high_s: float

    @property
    def is_inside(self) -> bool:
        """Tell whether it took as long as forecast."""
        return self.low_s <= self.run.wall_s <= self.high_s


def replay_run_bands(runs: Sequence[TimedRun], *, coverage: float) -> Iterator[RunBand]:
    """Give each run by start, but the first of a series, of which nothing was known."""
    memories: dict[str, SeriesMemory] = defaultdict(SeriesMemory)
    bands = AdaptiveBands(coverage)
    running: list[tuple[float, int]] = []
    judged: dict[int, tuple[NDArray[np.intp], float]] = {}
    ordered = sorted(runs, key=lambda run: (run.started_at, run.series))
    for number, run in enumerate(ordered):
        while running and running[0][0] <= run.started_at.timestamp():
            _, done = heapq.heappop(running)
            memories[ordered[done].series].absorb(ordered[done])
            if done in judged:
                cell, expected_s = judged.pop(done)
                bands.absorb(cell, np.log([(ordered[done].wall_s + OFFSET_S) / (expected_s + OFFSET_S)]))
        if memories[run.series].seconds:
            past = memories[run.series].past(run)
            expected = np.array([run_baselines(past)[LEADER]])
            doubt = np.array([doubt_of(spread_of(past), len(past.seconds))])
            low, high = bands.table(OFFSET_S).interval(expected, doubt)
            judged[number] = cell_of(expected, doubt), float(expected[0])
            yield RunBand(run, float(expected[0]), float(low[0]), float(high[0]))
        heapq.heappush(running, (run.finished_at.timestamp(), number))
