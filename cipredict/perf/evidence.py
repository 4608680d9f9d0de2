"""What classical statistics say of two groups of runs: shift with interval, rank tests, effect size. Needs scipy.

The unit is the run (process, fork, job), never a sample inside it: those are not independent, and tests on them call
24 % of unchanged benchmarks changed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from math import comb, sqrt
from typing import NamedTuple

import numpy as np
from scipy import stats

from cipredict.perf.scores import Floats

_Z95 = 1.959963984540054


class Shift(NamedTuple):
    """A Hodges-Lehmann shift of log values with its 95 % interval."""

    middle: float
    low: float
    high: float


class Groups(NamedTuple):
    """Log values of the runs of both sides. `paired`: the i-th of both ran next to each other."""

    base: Floats
    head: Floats
    paired: bool


def hodges_lehmann(groups: Groups) -> Shift:
    """Give the median of all differences (paired: of their pairwise means), with the interval of the rank test.

    Hodges and Lehmann, "Estimates of location based on rank tests", Annals of Mathematical Statistics 34, 1963.

    >>> hodges_lehmann(Groups(np.array([1.0, 2.0, 3.0]), np.array([2.0, 3.0, 4.0]), paired=True)).middle
    1.0
    """
    if groups.paired:
        differences = groups.head - groups.base
        n = len(differences)
        values = np.sort(((differences[:, None] + differences[None, :]) / 2)[np.triu_indices(n)])
        rank = n * (n + 1) / 4 - _Z95 * sqrt(n * (n + 1) * (2 * n + 1) / 24)
    else:
        n, m = len(groups.base), len(groups.head)
        values = np.sort(np.subtract.outer(groups.head, groups.base).ravel())
        rank = n * m / 2 - _Z95 * sqrt(n * m * (n + m + 1) / 12)
    cut = max(0, round(rank) - 1) if rank > 0 else 0
    return Shift(float(np.median(values)), float(values[cut]), float(values[len(values) - 1 - cut]))


def cliffs_delta(groups: Groups) -> float:
    """Give P(head > base) - P(head < base) over all pairs of runs: 1 where every run of head is worse.

    Cliff, "Dominance statistics", Psychological Bulletin 114, 1993.

    >>> cliffs_delta(Groups(np.array([1.0, 2.0]), np.array([2.0, 3.0]), paired=False))
    0.75
    """
    base = np.sort(groups.base)
    below = np.searchsorted(base, groups.head, side="left")
    above = len(base) - np.searchsorted(base, groups.head, side="right")
    return float((below.sum() - above.sum()) / (len(base) * len(groups.head)))


def p_values(groups: Sequence[Groups]) -> Floats:
    """Give two-sided p-values, NaN for groups of one run: Wilcoxon's of pairs, Mann and Whitney's otherwise.

    Groups of equal sizes are tested in one call: a call costs a millisecond, and there may be 10,000.
    """
    p = np.full(len(groups), np.nan)
    for (n, m, paired), members in _by_size(groups).items():
        if min(n, m) < 2:
            continue
        base = np.stack([groups[k].base for k in members])
        head = np.stack([groups[k].head for k in members])
        p[members] = _wilcoxon(head - base) if paired else _mann_whitney(base, head)
    return p


def _by_size(groups: Sequence[Groups]) -> dict[tuple[int, int, bool], list[int]]:
    members: dict[tuple[int, int, bool], list[int]] = defaultdict(list)
    for k, group in enumerate(groups):
        members[len(group.base), len(group.head), group.paired].append(k)
    return members


def _wilcoxon(differences: Floats) -> Floats:
    p = np.ones(len(differences))
    moved = (differences != 0).any(axis=1)
    if moved.any():
        p[moved] = stats.wilcoxon(differences[moved], axis=1, zero_method="pratt").pvalue
    return p


def _mann_whitney(base: Floats, head: Floats) -> Floats:
    p = np.ones(len(base))
    varies = np.ptp(np.hstack([base, head]), axis=1) > 0
    if varies.any():
        p[varies] = stats.mannwhitneyu(head[varies], base[varies], axis=1, alternative="two-sided").pvalue
    return p


def benjamini_hochberg(p: Floats) -> Floats:
    """Give adjusted p-values; NaN stays NaN and is no test.

    Benjamini and Hochberg, "Controlling the false discovery rate", Journal of the Royal Statistical Society B 57, 1995.

    >>> benjamini_hochberg(np.array([0.01, np.nan, 0.04])).tolist()
    [0.02, nan, 0.04]
    """
    adjusted = np.full(len(p), np.nan)
    tested = np.flatnonzero(~np.isnan(p))
    order = tested[np.argsort(p[tested], kind="stable")]
    scaled = p[order] * len(order) / np.arange(1, len(order) + 1)
    adjusted[order] = np.minimum(1.0, np.minimum.accumulate(scaled[::-1])[::-1])
    return adjusted


def fewest_runs(tests: int, rule_q: float, *, paired: bool = False) -> int:
    """Give how many runs per side can pass a corrected test of so many benchmarks at all.

    The smallest p-value that n against n runs can give is 2 / C(2n, n), and 2 / 2ⁿ of n pairs.

    >>> fewest_runs(60, 0.05), fewest_runs(1000, 0.05)
    (7, 9)
    """
    return next(n for n in _counts() if 2 / (2**n if paired else comb(2 * n, n)) <= rule_q / max(1, tests))


def _counts() -> Iterable[int]:
    return range(2, 1_000)
