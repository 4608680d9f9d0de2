"""Intervals for seconds that adapt: quantiles of log ratios in groups of alike forecasts, widened after misses.

Groups are those of Mondrian conformal prediction (Vovk, Gammerman, Shafer 2005): expected seconds and past spread, with
few measurements a group of their own. A thin group leans on all of its spread, those on the whole suite, and the suite
on a wide prior: runs are alike within (the machine is slow for all of them), so what counts as evidence is runs, not
cases. The width is steered by the share of misses so far (Angelopoulos, Candès, Tibshirani, "Conformal PID control",
2023): it keeps the promised share over time without assuming that tomorrow is like yesterday. Widening is quick and
narrowing slow, for a run that is slow as a whole misses nearly everything at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cipredict.forecast.doubt import DOUBTS, FEW, SPREADS
from cipredict.learn.conformal import BANDS_S, LogConformal

Floats64 = NDArray[np.float64]
_EDGES = np.linspace(-5, 5, 1001)
_BINS = len(_EDGES) + 1
_CELLS = (len(BANDS_S) + 1) * DOUBTS
_DECAY = 0.93
"""Of old runs' evidence, per run."""
_PRIOR_RUNS = 5.0
_PARENT_RUNS = 4.0
"""What the prior and a group's parent are worth, in runs."""
_FULL_ROWS = 10
"""With fewer cases a run is less than one run of evidence for a group."""
_WIDEN, _NARROW = 2.0, 0.1
_MOST = 1.0
"""Logarithm of the most that an interval is widened or narrowed by what was missed."""
WARM_RUNS = 2
"""Before so many runs nothing was measured: they are not judged."""
_LEAST = 0.005
"""No interval is narrower than this on either side, as a log ratio."""


def doubt_groups(spread: NDArray[np.floating], runs: NDArray[np.floating]) -> NDArray[np.intp]:
    """Give `doubt_of` for many."""
    return np.where(runs < FEW, DOUBTS - 1, np.digitize(spread, SPREADS)).astype(np.intp)


def _prior() -> Floats64:
    """Give the histogram of an unknown suite: calm, middling and wild cases; now and then another machine."""
    centres = np.linspace(_EDGES[0] - 0.005, _EDGES[-1] + 0.005, _BINS)
    own, shift = np.zeros(_BINS), np.zeros(_BINS)
    for width in (0.03, 0.1, 0.3):
        own += np.exp(-np.abs(centres) / width) / (2 * width)
    for share, sd in ((0.7, 0.1), (0.3, 0.6)):
        shift += share * np.exp(-((centres / sd) ** 2) / 2) / sd
    both = np.convolve(own, shift, mode="same")
    return np.asarray(both / both.sum(), np.float64)


_PRIOR = _prior()


@dataclass(slots=True)
class AdaptiveBands:
    """Evidence so far, run by run.

    Attributes
    ----------
    coverage : promised share inside
    cells, suite : histograms of log(actual / expected), per group and of everything
    evidence, suite_runs : decayed runs behind them
    debt : decides the width: misses beyond what was promised, in runs
    rows, inside : judged so far, and those within their interval
    """

    coverage: float
    cells: Floats64 = field(default_factory=lambda: np.zeros((_CELLS, _BINS)))
    suite: Floats64 = field(default_factory=lambda: np.zeros(_BINS))
    evidence: Floats64 = field(default_factory=lambda: np.zeros(_CELLS))
    suite_runs: float = 0.0
    debt: float = 0.0
    runs: int = 0
    mean_rows: float = 0.0
    _factors: tuple[Floats64, Floats64] | None = field(default=None, repr=False, compare=False)

    def absorb(self, cell: NDArray[np.intp], log_ratio: Floats64) -> NDArray[np.bool_]:
        """Judge one run's forecasts by the intervals of before, then learn from it; give which were inside."""
        low, high = self._log_factors()
        inside = (log_ratio >= low[cell] - 1e-12) & (log_ratio <= high[cell] + 1e-12)
        self.runs += 1
        self.mean_rows += (len(cell) - self.mean_rows) / self.runs
        self.debt += len(cell) / self.mean_rows * (self.coverage - float(inside.mean()))
        self.cells *= _DECAY
        self.suite *= _DECAY
        self.evidence *= _DECAY
        self.suite_runs = self.suite_runs * _DECAY + 1
        bins = np.digitize(log_ratio, _EDGES)
        np.add.at(self.suite, bins, 1 / len(bins))
        np.add.at(self.cells, (cell, bins), 1.0)
        self._factors = None
        self.evidence += np.minimum(1.0, np.bincount(cell, minlength=_CELLS) / _FULL_ROWS)
        return inside

    def table(self, offset_s: float) -> LogConformal:
        """Give the factors of today."""
        low, high = self._log_factors()
        return LogConformal(self.coverage, offset_s, tuple(np.exp(low).tolist()), tuple(np.exp(high).tolist()))

    def _log_factors(self) -> tuple[Floats64, Floats64]:
        """Give the logarithms of the factors, worked out once between two runs."""
        if self._factors is None:
            self._factors = self._find_log_factors()
        return self._factors

    def _find_log_factors(self) -> tuple[Floats64, Floats64]:
        suite = (self.suite + _PRIOR_RUNS * _PRIOR) / (self.suite_runs + _PRIOR_RUNS)
        by_doubt = [slice(doubt, _CELLS, DOUBTS) for doubt in range(DOUBTS)]
        alike = np.stack([self.cells[cells].sum(axis=0) for cells in by_doubt])
        runs = np.minimum(self.suite_runs, [self.evidence[cells].sum() for cells in by_doubt])
        parents = _lean(alike, runs, parents=suite)
        mixed = _lean(self.cells, self.evidence, parents=np.tile(parents, (len(BANDS_S) + 1, 1)))
        cumulated = np.cumsum(mixed, axis=1)
        tail = (1 - self.coverage) / 2
        first = (cumulated < tail * cumulated[:, -1:]).sum(axis=1)
        last = (cumulated < (1 - tail) * cumulated[:, -1:]).sum(axis=1)
        width = float(np.exp(np.clip((_WIDEN if self.debt > 0 else _NARROW) * self.debt, -_MOST, _MOST)))
        low = np.minimum(_EDGES[np.clip(first, 1, _BINS - 1) - 1], -_LEAST) * width
        return low, np.maximum(_EDGES[np.clip(last, 0, _BINS - 2)], _LEAST) * width


def _lean(own: Floats64, runs: Floats64, *, parents: Floats64) -> Floats64:
    """Mix each histogram (rows), normalised and worth `runs`, with its parent's."""
    shares = own / np.maximum(own.sum(axis=1, keepdims=True), 1e-12)
    mixed = (runs[:, None] * shares + _PARENT_RUNS * parents) / (runs[:, None] + _PARENT_RUNS)
    return np.asarray(mixed, np.float64)


def cell_of(expected_s: Floats64, doubt: NDArray[np.intp]) -> NDArray[np.intp]:
    """Give the group of each forecast."""
    return np.digitize(expected_s, BANDS_S) * DOUBTS + doubt


def replay_bands(
    runs: Iterable[tuple[Floats64, Floats64, NDArray[np.intp]]], *, coverage: float, offset_s: float
) -> tuple[LogConformal, list[NDArray[np.bool_]]]:
    """Go through runs of (expected seconds, actual seconds, doubt) in time order.

    Gives today's factors, and for each run which forecasts were inside the interval of its time; the first two runs,
    before which nothing had been measured, are left out.
    """
    bands, inside = AdaptiveBands(coverage), []
    for expected_s, actual_s, doubt in runs:
        log_ratio = np.log((actual_s + offset_s) / (expected_s + offset_s))
        inside.append(bands.absorb(cell_of(expected_s, doubt), log_ratio))
    return bands.table(offset_s), inside[WARM_RUNS:]
