"""Since when is a series different? Change points by energy statistics, in the ways that are known to work in CI.

`detect` is Hunter's: E-divisive in short windows, weak points judged by Student's t-test, then merged away until all
that stay are significant and large (Fleming et al., "Hunter: Using Change Point Detection to Hunt for Performance
Regressions", ICPE 2023). It gives the same points every night and takes time linear in the length.

MongoDB's, which shuffles whole series, is in `permutation.py`; `Method` chooses.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from math import inf, sqrt
from typing import NamedTuple

import numpy as np
from scipy.special import stdtr

from cipredict.perf.energy import best_split
from cipredict.perf.permutation import detect_by_permutation
from cipredict.perf.scores import Floats


class Method(StrEnum):
    """Whose change points: ours, or those of a tool that somebody compares with or comes from.

    MongoDB's are the same up to the shuffles. Otava 0.8.0 judges the two points after a merged one anew, where the
    neighbours on both sides changed.
    """

    CIPREDICT = "cipredict"
    OTAVA = "otava"
    MONGODB = "mongodb"


class Detection(NamedTuple):
    """What counts as a change point.

    Attributes
    ----------
    p_value : of the t-test between the segments on both sides; MongoDB: the share of shuffles that split as well
    min_change : relative, upwards or downwards, whichever is larger
    min_segment : points between two change points; a shorter segment is a spike
    window : length of the stretches that are split; half of it is the step
    method : MongoDB knows neither least changes nor segments nor windows, Otava no least segment
    """

    p_value: float = 1e-5
    min_change: float = 0.05
    min_segment: int = 3
    window: int = 50
    method: Method = Method.CIPREDICT

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
    if detection.method is Method.MONGODB:
        return _judge_all(series, detect_by_permutation(series, p_value=detection.p_value))
    if detection.method is Method.OTAVA:
        detection = detection._replace(min_segment=1)
    return _merge(series, _weak_points(series, detection), detection)


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


def _judge_all(series: Floats, indexes: Sequence[int]) -> list[ChangePoint]:
    borders = [0, *indexes, len(series)]
    return [_judge(series, (borders[k], borders[k + 1], borders[k + 2])) for k in range(len(indexes))]


def _merge(series: Floats, indexes: Sequence[int], detection: Detection) -> list[ChangePoint]:
    """Drop the weakest point until all are significant, then the smallest until all are large enough."""
    borders = [0, *indexes, len(series)]
    points = _judge_all(series, indexes)
    p = np.array([point.p_value for point in points])
    size = np.array([point.magnitude for point in points])
    while points:
        worst = _weakest(borders, p, size=size, detection=detection)
        if worst is None:
            break
        del points[worst], borders[worst + 1]
        p, size = np.delete(p, worst), np.delete(size, worst)
        for k in (worst, worst + 1) if detection.method is Method.OTAVA else (worst - 1, worst):
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
