"""Seconds of a case in its next run: its history replayed, run by run, into rows of what was known and what it took."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cipredict.forecast.case_index import CaseIndex
from cipredict.learn.clock import BASELINES, FEATURES, Clock
from cipredict.learn.history import History, PastRun
from cipredict.learn.replay import in_finish_order
from cipredict.learn.seconds import SecondsRows

_SAMPLE = 150


class TimedCases(NamedTuple):
    """The measured cases of one run that had been measured before, and the clock as it stood when the run started.

    Attributes
    ----------
    places : within the run's arrays, shape (n,)
    slots : of the cases, shape (n,)
    """

    position: int
    run: PastRun
    clock: Clock
    places: NDArray[np.intp]
    slots: NDArray[np.intp]

    @property
    def actual_s(self) -> NDArray[np.float64]:
        """What they took."""
        return self.run.seconds[self.places].astype(np.float64)


def replay_cases(history: History) -> Iterator[TimedCases]:
    """Give every run with the clock known at its start. The clock is one object, rolled on: read it at once."""
    clock = Clock.blank(len(history.case_ids))
    for position, run, finished in in_finish_order(history):
        for past in finished:
            clock.absorb(past)
        known = (clock.runs[run.slots] > 0) & np.isfinite(run.seconds) & run.has_verdict
        places = np.flatnonzero(known)
        yield TimedCases(position, run, clock, places, run.slots[places].astype(np.intp))


def collect_case_times(history: History, index: CaseIndex, *, seed: int = 0) -> SecondsRows:
    """Replay durations: for a sample of each run's measured cases, what was known before and what it took."""
    generator = np.random.default_rng(seed)
    parts = []
    for timed in replay_cases(history):
        if len(timed.places):
            chosen = generator.choice(len(timed.places), min(_SAMPLE, len(timed.places)), replace=False)
            parts.append(_rows(timed._replace(places=timed.places[chosen], slots=timed.slots[chosen]), index))
    return SecondsRows.join(parts, n_features=len(FEATURES), names=BASELINES)


def _rows(timed: TimedCases, index: CaseIndex) -> SecondsRows:
    return SecondsRows(
        X=timed.clock.features(timed.slots, index, timed.run),
        actual_s=timed.actual_s,
        baselines=timed.clock.baselines(timed.slots),
        position=np.full(len(timed.places), timed.position),
        doubt=timed.clock.doubt(timed.slots),
    )


def final_clock(history: History) -> Clock:
    """Give the clock after every run of the history."""
    clock = Clock.blank(len(history.case_ids))
    for run in sorted(history.runs, key=lambda past: past.finished_at):
        clock.absorb(run)
    return clock
