"""Change points as MongoDB finds them: E-divisive on the whole series, judged by shuffling.

Daly et al., "The Use of Change Point Detection to Identify Software Performance Regressions in a Continuous Integration
System", ICPE 2020. Which points are found depends on the shuffles: of thousands of points the last few come and go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import Protocol

import numpy as np

from cipredict.perf.energy import split_scores
from cipredict.perf.scores import Floats

Scores = Callable[[Floats], Floats]
"""Of a stretch, how much the values before and from each index differ."""


class Shuffler(Protocol):
    """What shuffles: numpy's generator, or another tool's to follow it step by step."""

    def permutation(self, x: Floats, /) -> Floats:
        """Give the values in another order."""


def detect_by_permutation(
    values: Sequence[float] | Floats,
    *,
    p_value: float = 0.01,
    permutations: int = 100,
    random: Shuffler | None = None,
    scores: Scores = split_scores,
) -> list[int]:
    """Give the change points of a whole series, in order; `p_value` is the share of shuffles that split as well."""
    series = np.asarray(values, dtype=float)
    shuffler = np.random.default_rng(0) if random is None else random
    borders = [0, len(series)]
    known: dict[tuple[int, int], tuple[int, float]] = {}
    while True:
        pieces = list(pairwise(borders))
        for start, end in pieces:
            if (start, end) not in known:
                known[start, end] = _best(series[start:end], scores)
        start, end = max(pieces, key=lambda piece: known[piece][1])
        index, score = known[start, end]
        shuffles = (_best_shuffled(series, pieces, shuffler, scores=scores) for _ in range(permutations))
        if index == 0 or not _beats_chance(score, shuffles, most=p_value * (permutations + 1)):
            return borders[1:-1]
        borders = sorted({*borders, start + index})


def _best(values: Floats, scores: Scores) -> tuple[int, float]:
    found = scores(values)
    index = int(np.argmax(found)) if len(found) else 0
    return index, float(found[index]) if len(found) else 0.0


def _best_shuffled(series: Floats, pieces: Sequence[tuple[int, int]], shuffler: Shuffler, *, scores: Scores) -> float:
    """Shuffle inside every piece, in order; give the best score that any of them has then."""
    return max(_best(shuffler.permutation(series[start:end]), scores)[1] for start, end in pieces)


def _beats_chance(score: float, shuffles: Iterable[float], *, most: float) -> bool:
    """Tell whether no more than so many shuffles do as well; stops as soon as more do."""
    better = 0
    for shuffled in shuffles:
        better += shuffled >= score
        if better > most:
            return False
    return True
