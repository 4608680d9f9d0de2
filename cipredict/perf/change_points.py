"""Since when is a series different? Change points by energy statistics, in the two ways that are known to work in CI.

`detect` is Hunter's: E-divisive in short windows, weak points judged by Student's t-test, then merged away until all
that stay are significant and large (Fleming et al., "Hunter: Using Change Point Detection to Hunt for Performance
Regressions", ICPE 2023). It gives the same points every night and takes time linear in the length.

`detect_by_permutation` is MongoDB's: E-divisive on the whole series, judged by shuffling (Daly et al., "The Use of
Change Point Detection to Identify Software Performance Regressions in a Continuous Integration System", ICPE 2020).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import inf, sqrt
from typing import NamedTuple

import numpy as np
from scipy.special import stdtr

from cipredict.perf.energy import best_split, split_scores
from cipredict.perf.scores import Floats


class Detection(NamedTuple):
    """What counts as a change point.

    Attributes
    ----------
    p_value : of the t-test between the segments on both sides
    min_change : relative, upwards or downwards, whichever is larger
    min_segment : points between two change points; a shorter segment is a spike
    window : length of the stretches that are split; half of it is the step
    as_otava : after a merge judge the two points after it anew, as Otava 0.8.0 does, instead of both neighbours
    """

    p_value: float = 1e-5
    min_change: float = 0.05
    min_segment: int = 3
    window: int = 50
    as_otava: bool = False

    @property
    def weak_p_value(self) -> float:
        """Of the first pass, which shall rather find too much."""
        factor = 10 if self.p_value < 0.05 else 2 if self.p_value < 0.5 else 1
        return self.p_value * factor


@dataclass(frozen=True, slots=True)
class ChangePoint:
    """The first index of a new level, and the means of the segments before and after."""

    index: int
    p_value: float
    before: float
    after: float

    @property
    def change(self) -> float:
        """Relative to the level before; infinite from a level of 0."""
        return self.after / self.before - 1 if self.before else inf

    @property
    def magnitude(self) -> float:
        """Give the larger of the change forwards and backwards; of levels of 0 the other direction's."""
        forwards = abs(self.after / self.before - 1) if self.before else 0.0
        backwards = abs(self.before / self.after - 1) if self.after else 0.0
        return max(forwards, backwards)


def detect(values: Sequence[float] | Floats, detection: Detection = Detection()) -> list[ChangePoint]:  # noqa: B008  # immutable
    """Give the change points of a series without gaps, in order."""
    series = np.asarray(values, dtype=float)
    weak = _weak_points(series, detection)
    return _merge(series, weak, detection)


def _weak_points(series: Floats, detection: Detection) -> list[int]:
    """Give the indexes that any window calls a change."""
    found: set[int] = set()
    start, step = 0, detection.window // 2
    while start < len(series):
        new = _split_window(series[start : start + detection.window], detection.weak_p_value)
        found.update(start + index for index in new)
        start = max(start + new[-1] if new else 0, start + step)
    return sorted(found)


def _split_window(window: Floats, p_value: float) -> list[int]:
    """Split where the halves differ most, as long as the best split of all pieces is significant."""
    best: dict[tuple[int, int], tuple[int, float]] = {}
    borders = [0, len(window)]
    while True:
        pieces = [piece for piece in pairwise(borders) if piece[1] - piece[0] > 1]
        if not pieces:
            return borders[1:-1]
        for start, end in pieces:
            if (start, end) not in best:
                best[start, end] = best_split(window[start:end])
        start, end = max(pieces, key=lambda piece: best[piece][1])
        index = start + best[start, end][0]
        if _judge(window, (start, index, end)).p_value > p_value:
            return borders[1:-1]
        borders = sorted({*borders, index})


def _judge(series: Floats, segments: tuple[int, int, int]) -> ChangePoint:
    """Compare the segments on both sides of an index by Student's t-test."""
    start, index, end = segments
    left, right = series[start:index], series[index:end]
    n, m = len(left), len(right)
    a, b, s, t = left.mean(), right.mean(), left.std(), right.std()
    if n + m <= 2:
        return ChangePoint(index, 1.0, float(a), float(b))
    pooled = ((n - 1) * s**2 + (m - 1) * t**2) / (n + m - 2) * (1 / n + 1 / m)
    distance = abs(a - b) / sqrt(pooled) if pooled else inf if a != b else 0.0
    p = 2 * float(stdtr(n + m - 2, -distance))
    return ChangePoint(index, p, float(a), float(b))


def _merge(series: Floats, indexes: Sequence[int], detection: Detection) -> list[ChangePoint]:
    """Drop the weakest point until all are significant, then the smallest until all are large enough."""
    borders = [0, *indexes, len(series)]
    points = [_judge(series, (borders[k], borders[k + 1], borders[k + 2])) for k in range(len(indexes))]
    p = np.array([point.p_value for point in points])
    size = np.array([point.magnitude for point in points])
    while points:
        worst = _weakest(borders, p, size=size, detection=detection)
        if worst is None:
            break
        del points[worst], borders[worst + 1]
        p, size = np.delete(p, worst), np.delete(size, worst)
        for k in (worst, worst + 1) if detection.as_otava else (worst - 1, worst):
            if 0 <= k < len(points):
                points[k] = _judge(series, (borders[k], borders[k + 1], borders[k + 2]))
                p[k], size[k] = points[k].p_value, points[k].magnitude
    return points


def _weakest(borders: Sequence[int], p: Floats, *, size: Floats, detection: Detection) -> int | None:
    """Give the point to drop next, None where all may stay."""
    weakest = int(np.argmax(p))
    if p[weakest] >= detection.p_value:
        return weakest
    if detection.min_segment > 1:
        lengths = np.diff(borders)
        is_short = np.minimum(lengths[:-1], lengths[1:]) < detection.min_segment
        if is_short.any():
            return int(np.argmax(np.where(is_short, p, -1.0)))
    smallest = int(np.argmin(size))
    return smallest if size[smallest] <= detection.min_change else None


def detect_by_permutation(
    values: Sequence[float] | Floats, *, p_value: float = 0.01, permutations: int = 100, seed: int = 0
) -> list[int]:
    """Give the change points of a whole series, in order; `p_value` is the share of shuffles that split as well."""
    series = np.asarray(values, dtype=float)
    random = np.random.default_rng(seed)
    borders = [0, len(series)]
    scores = {(0, len(series)): _best(series)}
    while True:
        start, end = max(scores, key=lambda piece: scores[piece][1])
        index, score = scores[start, end]
        pieces = list(scores)
        if index == 0 or not _beats_chance(series, pieces, score, random=random, share=p_value, tries=permutations):
            return borders[1:-1]
        borders = sorted({*borders, start + index})
        del scores[start, end]
        for piece in ((start, start + index), (start + index, end)):
            scores[piece] = _best(series[slice(*piece)])


def _best(values: Floats) -> tuple[int, float]:
    scores = split_scores(values)
    index = int(np.argmax(scores)) if len(scores) else 0
    return index, float(scores[index]) if len(scores) else 0.0


def _beats_chance(
    series: Floats,
    pieces: Sequence[tuple[int, int]],
    score: float,
    *,
    random: np.random.Generator,
    share: float,
    tries: int,
) -> bool:
    """Shuffle inside all pieces again and again; stop as soon as the share is exceeded."""
    better = 0
    for _ in range(tries):
        shuffled = (random.permutation(series[start:end]) for start, end in pieces)
        better += max(_best(values)[1] for values in shuffled) >= score
        if better / (tries + 1) > share:
            return False
    return True
