"""What was known of each run before it started, as numbers: the costly part of a replay, and all that a cache keeps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cipredict.forecast.case_index import CaseIndex
from cipredict.forecast.features import failure_features, typical_seconds
from cipredict.forecast.state import Floats, State
from cipredict.learn.history import History, PastRun
from cipredict.learn.replay import Mask, newly_failing, replay

PERMANENT = 5
"""Failures in a row after which a case counts as permanently red."""


class Sampling(NamedTuple):
    """Which rows are kept.

    Attributes
    ----------
    judge_from : failing runs are kept whole from this position on
    per_run : passing cases that are drawn from each run at most, and twice the failing ones
    seed : of the draws
    """

    judge_from: int
    per_run: int
    seed: int


class WholeRun(NamedTuple):
    """All cases of a run: X (n, k), expected_s (n,)."""

    X: Floats
    expected_s: Floats


class RunFeatures(NamedTuple):
    """What is kept of one run.

    Attributes
    ----------
    chosen : places of the drawn cases in the run, shape (m,)
    frequency : cases that each of them stands for, shape (m,)
    X : their features, shape (m, k)
    is_new, is_red : newly failing, permanently red, per case of the run, shape (n,)
    whole : where the run failed and may be judged
    """

    chosen: NDArray[np.int32]
    frequency: Floats
    X: Floats
    is_new: Mask
    is_red: Mask
    whole: WholeRun | None


def featurise(
    history: History,
    index: CaseIndex,
    sampling: Sampling,
    *,
    start: int = 0,
    state: State | None = None,
    before: Callable[[int, State], None] | None = None,
) -> Iterator[RunFeatures]:
    """Give the features of each run from position `start` on, with the `state` that a replay had left there.

    `before` is shown every later position with the state that it starts from.
    """
    for position, (run, known) in enumerate(replay(history, start=start, state=state), start):
        yield _featurise_run(run, known, index, position=position, sampling=sampling)
        if before:
            before(position + 1, known)


def _featurise_run(run: PastRun, state: State, index: CaseIndex, *, position: int, sampling: Sampling) -> RunFeatures:
    known = state.columns["last_tick"] >= 0
    known[run.slots] = True  # the suite is collected before it is ordered
    matrix = failure_features(state, index.among(known), run.facts)[run.slots]
    is_red = permanently_red(state, run)
    generator = np.random.default_rng((sampling.seed, position))
    chosen, frequency = _sample(run, is_red, limit=sampling.per_run, generator=generator)
    whole = None
    if position >= sampling.judge_from and run.failed.any() and len(run.slots) > 1:
        whole = WholeRun(matrix, typical_seconds(state, run.slots)[run.slots])
    return RunFeatures(chosen.astype(np.int32), frequency, matrix[chosen], newly_failing(state, run), is_red, whole)


def permanently_red(state: State, run: PastRun) -> Mask:
    """Tell which cases of a run had failed in each of their last `PERMANENT` runs before it, shape (n,)."""
    return np.asarray(state.columns["red_streak"][run.slots] >= PERMANENT)


def _sample(
    run: PastRun, is_red: Mask, *, limit: int, generator: np.random.Generator
) -> tuple[NDArray[np.intp], Floats]:
    """Draw at most `limit / 2` failing and `limit` passing cases; give their places and what each stands for.

    Permanently red cases are kept apart: that they fail again teaches nothing.
    """
    failed, passed = run.failed & ~is_red, run.has_verdict & ~run.failed
    picks, frequencies = [], []
    for mask, share in ((failed, 0.5), (passed, 1.0)):
        candidates = np.flatnonzero(mask)
        size = min(len(candidates), int(limit * share))
        picks.append(generator.choice(candidates, size, replace=False) if size else candidates[:0])
        frequencies.append(np.full(size, len(candidates) / max(size, 1)))
    return np.concatenate(picks), np.concatenate(frequencies).astype(np.float32)
