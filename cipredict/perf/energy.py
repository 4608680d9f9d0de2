"""The energy statistic of E-divisive: where a stretch of numbers falls into two halves that differ most.

Matteson and James, "A nonparametric approach for multiple change point analysis of multivariate data", Journal of the
American Statistical Association 109, 2014. With W(a, b) the sum of all distances |x_i - x_k| of a ≤ i < k < b, and
n = τ and m = κ - τ points on either side::

    Q(τ, κ) = 2/(n + m) · (cross - m/(n - 1) · W(0, τ) - n/(m - 1) · W(τ, κ)),   cross = W(0, κ) - W(0, τ) - W(τ, κ)
"""

from __future__ import annotations

import numpy as np

from cipredict.perf.scores import Floats


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
    """Give Q(τ, length) for every τ: how much the values before and from τ differ; 0 at the first.

    Takes memory for a million distances at a time only, for stretches of thousands.
    """
    length = len(values)
    if length < 2:
        return np.zeros(length)
    before, after = _distance_sums(values)
    left = before.cumsum()[:-1]
    right = after[::-1].cumsum()[::-1][1:]
    cross = before.sum() - left - right
    n = np.arange(1, length)
    m = length - n
    scores = cross - m / np.maximum(1, n - 1) * left - n / np.maximum(1, m - 1) * right
    return np.concatenate([[0.0], 2 / length * scores])


def _distance_sums(values: Floats) -> tuple[Floats, Floats]:
    """Give each value's summed distance to the values before it and to those after it."""
    length = len(values)
    before, after = np.empty(length), np.empty(length)
    rows = max(1, 1_000_000 // length)
    for first in range(0, length, rows):
        chunk = slice(first, min(length, first + rows))
        distances = np.abs(values[chunk, None] - values[None, :])
        before[chunk] = np.tril(distances, k=first - 1).sum(axis=1)
        after[chunk] = distances.sum(axis=1) - before[chunk]
    return before, after
