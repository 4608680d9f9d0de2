"""Replay turned into rows: sampled training rows from all runs, whole runs where orders are judged."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cipredict.forecast.case_index import CaseIndex
from cipredict.forecast.features import FEATURES, failure_features, typical_seconds
from cipredict.forecast.state import Floats, Ints
from cipredict.learn.history import History, PastRun
from cipredict.learn.replay import newly_failing, replay

_RUN_MASS = 20.0
"""Weight that the failing cases of one run share: a run with 300 failures teaches no more than a run with one."""
_GREEN_MASS = 30.0
"""Weight that the passing cases of one run share."""
_REPEATED_SHARE = 0.5
"""Of the failing mass, for cases that failed before as well: the rest belongs to new failures."""
_REPEATED_WEIGHT = 0.5
"""Of a repeated failure's part of that mass: what is red already teaches little about the change."""
_FLAKY_WEIGHT = 0.3
"""A verdict that a rerun contradicted says less."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Training rows.

    X (n, k), y (n,) 0 or 1, weight (n,) for fitting, frequency (n,) cases each row stands for, run (n,) its position.
    """

    X: Floats
    y: Floats
    weight: Floats
    frequency: Floats
    run: Floats


@dataclass(frozen=True, slots=True)
class JudgedRun:
    """A failing run, whole, with what was known before it started.

    Attributes
    ----------
    slots, X, expected_s, seconds, failed, is_new : per case of the run
    is_red_at_base : failed on the default branch already
    always_runs : unseen, changed, red at base or failed in this branch's last run
    """

    run: PastRun
    slots: Ints
    X: Floats
    expected_s: Floats
    seconds: Floats
    failed: NDArray[np.bool_]
    is_new: NDArray[np.bool_]
    is_red_at_base: NDArray[np.bool_]
    always_runs: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Replayed:
    """Everything that fitting and judging need, by run position."""

    rows_by_run: list[Rows]
    judged: dict[int, JudgedRun]

    def rows(self, start: int, stop: int, *, max_rows: int) -> Rows:
        """Join the rows of runs start…stop; far above `max_rows` only every k-th passing row is kept, weighted up."""
        parts = self.rows_by_run[start:stop]
        total = sum(len(part.y) for part in parts)
        step = max(1, -(-total // max_rows))
        return Rows(*(_thin(parts, name, step) for name in ("X", "y", "weight", "frequency", "run")))


def _thin(parts: Iterable[Rows], name: str, step: int) -> Floats:
    """Keep every row with a failure and each `step`th other; scale the weights of the latter up."""
    chunks = []
    for part in parts:
        keep = (part.y > 0) | (np.arange(len(part.y)) % step == 0)
        column = getattr(part, name)[keep]
        if name in {"weight", "frequency"}:
            column = np.where(part.y[keep] > 0, column, column * step)
        chunks.append(column)
    empty = np.zeros((0, len(FEATURES)) if name == "X" else 0, np.float32)
    return np.concatenate(chunks).astype(np.float32) if chunks else empty


def collect_rows(
    history: History, index: CaseIndex, *, judge_from: int, sample_per_run: int = 400, seed: int = 0
) -> Replayed:
    """Replay the history once, keeping a sample of each run's rows and, from `judge_from` on, failing runs whole."""
    generator = np.random.default_rng(seed)
    rows_by_run: list[Rows] = []
    judged: dict[int, JudgedRun] = {}
    for position, (run, state) in enumerate(replay(history)):
        matrix = failure_features(state, index, run.facts)[run.slots]
        is_new = newly_failing(state, run)
        rows = _sample(run, matrix, is_new, limit=sample_per_run, generator=generator)
        rows_by_run.append(replace(rows, run=np.full(len(rows.y), position, np.float32)))
        if position >= judge_from and run.failed.any() and len(run.slots) > 1:
            expected = typical_seconds(state, run.slots)[run.slots]
            judged[position] = _judge(run, matrix, is_new=is_new, expected_s=expected)
    return Replayed(rows_by_run, judged)


def _judge(run: PastRun, X: Floats, *, is_new: NDArray[np.bool_], expected_s: Floats) -> JudgedRun:
    column = {name: X[:, FEATURES.index(name)] for name in ("runs", "test_changed", "base_verdict", "branch_failed")}
    red = column["base_verdict"] == 1
    seconds = np.where(np.isfinite(run.seconds), run.seconds, expected_s)
    return JudgedRun(
        run=run,
        slots=run.slots,
        X=X,
        expected_s=expected_s,
        seconds=seconds,
        failed=run.failed,
        is_new=is_new,
        is_red_at_base=red,
        always_runs=(column["runs"] == 0) | (column["test_changed"] > 0) | red | (column["branch_failed"] > 0),
    )


def _sample(run: PastRun, X: Floats, is_new: NDArray[np.bool_], *, limit: int, generator: np.random.Generator) -> Rows:
    """Draw at most `limit / 2` failing and `limit` passing cases, weighted back to the whole run."""
    failed, passed = run.failed, run.has_verdict & ~run.failed
    weight = _weigh(run, is_new)
    picks, frequencies = [], []
    for mask, share in ((failed, 0.5), (passed, 1.0)):
        candidates = np.flatnonzero(mask)
        size = min(len(candidates), int(limit * share))
        picks.append(generator.choice(candidates, size, replace=False) if size else candidates[:0])
        frequencies.append(np.full(size, len(candidates) / max(size, 1)))
    chosen, frequency = np.concatenate(picks), np.concatenate(frequencies).astype(np.float32)
    return Rows(
        X=X[chosen],
        y=failed[chosen].astype(np.float32),
        weight=(weight[chosen] * frequency).astype(np.float32),
        frequency=frequency,
        run=np.zeros(len(chosen), np.float32),
    )


def _weigh(run: PastRun, is_new: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Share the masses of a run among its cases, shape (n,); skipped cases get none."""
    weight = np.zeros(len(run.slots))
    repeated = run.failed & ~is_new
    for mask, mass in (
        (run.has_verdict & ~run.failed, _GREEN_MASS),
        (is_new, _RUN_MASS * (1 - _REPEATED_SHARE if repeated.any() else 1)),
        (repeated, _RUN_MASS * (_REPEATED_SHARE if is_new.any() else 1) * _REPEATED_WEIGHT),
    ):
        weight[mask] = mass / max(int(mask.sum()), 1)
    return np.where(run.is_flaky, weight * _FLAKY_WEIGHT, weight)
