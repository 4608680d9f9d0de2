"""Replay turned into rows: sampled training rows from all runs, whole runs where orders are judged."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cipredict.forecast.case_index import CaseIndex
from cipredict.forecast.features import FEATURES
from cipredict.forecast.state import Floats, Ints
from cipredict.learn.builds import doubted_from
from cipredict.learn.featurising import RunFeatures, Sampling, WholeRun, featurise
from cipredict.learn.history import History, PastRun
from cipredict.learn.replay import Mask
from cipredict.learn.row_cache import featurise_cached

_RUN_MASS = 20.0
"""Weight that the failing cases of one run share: a run with 300 failures teaches no more than a run with one."""
_GREEN_MASS = 30.0
"""Weight that the passing cases of one run share."""
_REPEATED_SHARE = 0.5
"""Of the failing mass, for cases that failed before as well: the rest belongs to new failures."""
_REPEATED_WEIGHT = 0.5
"""Of a repeated failure's part of that mass: what is red already teaches little about the change."""
_FLAKY_WEIGHT = 0.3
"""A verdict that a rerun or another run of the same code contradicted says less."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Training rows.

    X (n, k), y (n,) 0 or 1, weight (n,) for fitting, frequency (n,) cases each row stands for, run (n,) its position,
    doubted (n,) the position from which on its verdict was known to be contradicted.
    """

    X: Floats
    y: Floats
    weight: Floats
    frequency: Floats
    run: Floats
    doubted: Floats


@dataclass(frozen=True, slots=True)
class JudgedRun:
    """A failing run, whole, with what was known before it started.

    Attributes
    ----------
    slots, X, expected_s, seconds, failed, is_new : per case of the run
    files : number of each case's file
    is_permanently_red : failed in each of its last `featurising.PERMANENT` runs; finding it once more proves nothing
    is_red_at_base : failed on the default branch already
    always_runs : unseen, changed, red at base or failed in this branch's last run
    """

    run: PastRun
    slots: Ints
    files: Ints
    X: Floats
    expected_s: Floats
    seconds: Floats
    failed: Mask
    is_new: Mask
    is_permanently_red: Mask
    is_red_at_base: NDArray[np.bool_]
    always_runs: NDArray[np.bool_]

    @property
    def targets(self) -> NDArray[np.bool_]:
        """Give the failures that an order is asked to find, shape (n,); a run may have none."""
        return self.failed & ~self.is_permanently_red


@dataclass(frozen=True, slots=True)
class Replayed:
    """Everything that fitting and judging need, by run position."""

    rows_by_run: list[Rows]
    judged: dict[int, JudgedRun]

    def rows(self, start: int, stop: int, *, max_rows: int) -> Rows:
        """Join the rows of runs start…stop; far above `max_rows` only every k-th passing row is kept, weighted up.

        Verdicts that were contradicted before run `stop` weigh less; what came later is not known.
        """
        parts = self.rows_by_run[start:stop]
        total = sum(len(part.y) for part in parts)
        step = max(1, -(-total // max_rows))
        rows = Rows(*(_thin(parts, name, step) for name in Rows.__slots__))
        doubts = np.where(rows.doubted <= stop, np.float32(_FLAKY_WEIGHT), np.float32(1))
        return replace(rows, weight=rows.weight * doubts)


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
    history: History,
    index: CaseIndex,
    *,
    judge_from: int,
    sample_per_run: int = 400,
    seed: int = 0,
    cache: Path | None = None,
) -> Replayed:
    """Replay the history once, keeping a sample of each run's rows and, from `judge_from` on, failing runs whole.

    With a `cache`, only runs that it does not know are featurised; the rows are the same, to the bit.
    """
    sampling = Sampling(judge_from, sample_per_run, seed)
    given = featurise_cached(history, index, sampling, path=cache) if cache else featurise(history, index, sampling)
    doubted = doubted_from(history.runs)
    rows_by_run, judged = [], {}
    for position, (run, features) in enumerate(zip(history.runs, given, strict=True)):
        rows_by_run.append(_rows(run, features, position=position, doubted=doubted[position]))
        if features.whole is not None and position >= judge_from:
            judged[position] = _judge(run, features, whole=features.whole, file_of=index.file_of)
    return Replayed(rows_by_run, judged)


def _rows(run: PastRun, given: RunFeatures, *, position: int, doubted: Ints) -> Rows:
    chosen, frequency = given.chosen, given.frequency
    return Rows(
        X=given.X,
        y=run.failed[chosen].astype(np.float32),
        weight=(_weigh(run, given.is_new, given.is_red)[chosen] * frequency).astype(np.float32),
        frequency=frequency,
        run=np.full(len(chosen), position, np.float32),
        doubted=doubted[chosen].astype(np.float32),
    )


def _judge(run: PastRun, given: RunFeatures, *, whole: WholeRun, file_of: Ints) -> JudgedRun:
    X, expected_s = whole
    column = {name: X[:, FEATURES.index(name)] for name in ("runs", "test_changed", "base_verdict", "branch_failed")}
    red = column["base_verdict"] == 1
    seconds = np.where(np.isfinite(run.seconds), run.seconds, expected_s)
    return JudgedRun(
        run=run,
        slots=run.slots,
        files=file_of[run.slots],
        X=X,
        expected_s=expected_s,
        seconds=seconds,
        failed=run.failed,
        is_new=given.is_new,
        is_permanently_red=given.is_red,
        is_red_at_base=red,
        always_runs=(column["runs"] == 0) | (column["test_changed"] > 0) | red | (column["branch_failed"] > 0),
    )


def _weigh(run: PastRun, is_new: Mask, is_red: Mask) -> NDArray[np.float64]:
    """Share the masses of a run among its cases, shape (n,); skipped and permanently red cases get none."""
    weight = np.zeros(len(run.slots))
    repeated = run.failed & ~is_new & ~is_red
    for mask, mass in (
        (run.has_verdict & ~run.failed, _GREEN_MASS),
        (is_new, _RUN_MASS * (1 - _REPEATED_SHARE if repeated.any() else 1)),
        (repeated, _RUN_MASS * (_REPEATED_SHARE if is_new.any() else 1) * _REPEATED_WEIGHT),
    ):
        weight[mask] = mass / max(int(mask.sum()), 1)
    return weight
