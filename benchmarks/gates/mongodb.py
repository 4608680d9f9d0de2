"""The change points that MongoDB's own tests expect: with our shuffles, with theirs, and with their first formula.

    python benchmarks/gates/mongodb.py [--quick]

Their tests seed Python's `random` with 1234 and shuffle as Python 2.7 did; which of thousands of points are found
depends on that, so the same shuffles are made here. The numbers that they expect changed with their formula: the first
rounded nm/(n + m) down and left the two values at either end out (`expected_result_robust_series.json`), the present
one does neither (`…_proper_division.json`). `--quick` leaves the two longest series out, which take minutes.
"""

from __future__ import annotations

import json
import random
import sys
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np

from cipredict.perf.energy import split_scores
from cipredict.perf.permutation import Scores, Shuffler, detect_by_permutation
from cipredict.perf.scores import Floats

FOLDER = Path("../shared/data/perf/mongodb_spa")
SEED = 1234


class Expected(NamedTuple):
    """What the test of a series demanded first, and demands now; None where it was never changed."""

    first: int | None
    now: int


SERIES = {
    "long_series": Expected(None, 4),
    "profiling_short": Expected(None, 0),
    "profiling_small": Expected(None, 9),
    "profiling_medium": Expected(None, 14),
    "profiling_large": Expected(31, 34),
    "profiling_very_large": Expected(61, 68),
    "profiling_huge": Expected(132, 117),
}
SLOW = ("profiling_very_large", "profiling_huge")


class OldShuffler:
    """Python 2.7's `random.shuffle`."""

    def __init__(self) -> None:
        self._random = random.Random(SEED)  # noqa: S311  # the generator that their tests use

    def permutation(self, x: Floats, /) -> Floats:
        """Give the values in another order."""
        order = list(range(len(x)))
        for last in range(len(order) - 1, 0, -1):
            other = int(self._random.random() * (last + 1))
            order[last], order[other] = order[other], order[last]
        return np.asarray(x[order])


def first_scores(values: Floats) -> Floats:
    """Give the scores of the first formula: nm/(n + m) rounded down, nothing within two values of the ends."""
    length = len(values)
    scores = np.zeros(length)
    if length >= 5:
        n = np.arange(2, length - 2)
        product = n * (length - n)
        scores[2:-2] = split_scores(values)[2:-2] / (product / length) * (product // length)
    return scores


def main() -> None:
    """Print the table."""
    show_scores()
    print(f"{'':22}{'points':>7}  expected  ours  their shuffles   first expected  first formula")
    for name, expected in SERIES.items():
        if name not in SLOW or "--quick" not in sys.argv:
            show_counts(name, expected)


def show_scores() -> None:
    series = np.array(json.loads((FOLDER / "robust_series.json").read_text()))
    for name, scores in (("", first_scores), ("_proper_division", split_scores)):
        wanted = np.array(json.loads((FOLDER / f"expected_result_robust_series{name}.json").read_text()))
        print(f"{scores.__name__}: largest difference {np.abs(scores(series) - wanted).max():.1e}")


def show_counts(name: str, expected: Expected) -> None:
    document = json.loads((FOLDER / f"{name}.json").read_text())
    values = document["series"] if isinstance(document, dict) else document
    begun = time.process_time()
    ours = count(values, np.random.default_rng(0))
    theirs = count(values, OldShuffler())
    first = count(values, OldShuffler(), first_scores) if expected.first else "-"
    seconds = time.process_time() - begun
    print(
        f"{name:22}{len(values):7}  {expected.now:8}  {ours:4}  {theirs:14}   {expected.first or '-':>14}  {first:>13}"
        f"  {seconds:.0f} s CPU",
        flush=True,
    )


def count(values: Floats, shuffler: Shuffler, scores: Scores = split_scores) -> int:
    return len(detect_by_permutation(values, random=shuffler, scores=scores))


if __name__ == "__main__":
    main()
