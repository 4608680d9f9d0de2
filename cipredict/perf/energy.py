"""The energy statistic of E-divisive: where a stretch of numbers falls into two halves that differ most.

Matteson and James, "A nonparametric approach for multiple change point analysis of multivariate data", Journal of the
American Statistical Association 109, 2014. With W(a, b) the sum of all distances |x_i - x_k| of a ≤ i < k < b, and
n = τ and m = κ - τ points on either side::

    Q(τ, κ) = 2/(n + m) · (cross - m/(n - 1) · W(0, τ) - n/(m - 1) · W(τ, κ)),   cross = W(0, κ) - W(0, τ) - W(τ, κ)
"""

from __future__ import annotations

import numpy as np

from cipredict.perf.scores import Floats

_DENSE = 250
"""Up to here all distances at once are faster."""


def best_split(values: Floats) -> tuple[int, float]:
    """Give the τ of the largest Q(τ, κ) over all 0 < τ < κ ≤ length, and that Q; needs two values."""
    length = len(values)
    within = _within(values)
    n = np.arange(1, length)[:, None]
    m = np.arange(2, length + 1)[None, :] - n
    left, right = within[0, 1:length, None], within[1:length, 2:]
    cross = within[0, None, 2:] - left - right
    with np.errstate(divide="ignore", invalid="ignore"):
        weight_left = np.where(n > 1, m / (n - 1), 0.0)
        weight_right = np.where(m > 1, n / (m - 1), 0.0)
        q = 2 / (n + m) * (cross - weight_left * left - weight_right * right)
    q[m < 1] = 0.0
    row, column = np.unravel_index(np.argmax(q), q.shape)
    return int(row) + 1, float(q[row, column])


def _within(values: Floats) -> Floats:
    """Give W as a matrix, from sums of the distances over all blocks that begin at the corner."""
    length = len(values)
    corner = np.zeros((length + 1, length + 1))
    corner[1:, 1:] = np.abs(values[:, None] - values[None, :]).cumsum(axis=0).cumsum(axis=1)
    diagonal = np.diagonal(corner)
    return np.asarray((diagonal[None, :] - 2 * corner + diagonal[:, None]) / 2)


def split_scores(values: Floats) -> Floats:
    """Give Q(τ, length) for every τ: how much the values before and from τ differ; 0 at the first."""
    length = len(values)
    if length < 2:
        return np.zeros(length)
    before = distances_before(values)
    after = _distances(values) - before
    left = before.cumsum()[:-1]
    right = after[::-1].cumsum()[::-1][1:]
    cross = before.sum() - left - right
    n = np.arange(1, length)
    m = length - n
    scores = cross - m / np.maximum(1, n - 1) * left - n / np.maximum(1, m - 1) * right
    return np.concatenate([[0.0], 2 / length * scores])


def _distances(values: Floats) -> Floats:
    """Give each value's summed distance to all others, from the sums of the smaller and of the larger ones."""
    order = np.argsort(values, kind="stable")
    rising = values[order]
    smaller = np.concatenate([[0.0], rising.cumsum()[:-1]])
    count = np.arange(len(values))
    sums = np.empty(len(values))
    sums[order] = rising * (2 * count - len(values) + 1) - smaller + (rising.sum() - smaller - rising)
    return sums


def distances_before(values: Floats) -> Floats:
    """Give each value's summed distance to the values before it.

    Long series take O(n log² n): blocks of 1, 2, 4, … are paired up; of each pair, the right one asks the left one,
    sorted: how many of you are smaller than I am, and what is their sum?
    """
    length = len(values)
    if length <= _DENSE:
        return np.asarray(np.tril(np.abs(values[:, None] - values[None, :])).sum(axis=1))
    places = np.arange(length)
    order = np.argsort(values, kind="stable")
    ranks = np.empty(length, dtype=np.int64)
    ranks[order] = places
    total = np.zeros(length)
    size = 1
    while size < length:
        pair = places // (2 * size)
        is_left = places // size % 2 == 0
        asking = np.flatnonzero(~is_left)
        left = np.sort(pair[is_left] * length + ranks[is_left])
        summed = np.concatenate([[0.0], values[order[left % length]].cumsum()])
        first = pair[asking] * size
        smaller = np.searchsorted(left, pair[asking] * length + ranks[asking])
        mine, below = values[asking], summed[smaller] - summed[first]
        above = summed[first + size] - summed[smaller]
        total[asking] += mine * (smaller - first) - below + above - mine * (first + size - smaller)
        size *= 2
    return total
