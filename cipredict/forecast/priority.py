"""The order in which a plan runs cases: risk for time, with diminishing returns. Pure, standard library only.

Ten cases that failed last time mostly fail again for one reason, and after the first of them the others say little. So
cases whose last verdict was a failure and all others form two queues, and the k-th of a queue counts less than its risk
says. Without it, whatever newly fails waits behind everything known to be red: on IOF/ROL decayed failure rate by time
finds fewer new failures in 20 % of the time than chance does (research: selection, section 0.4). The sum over all
failing cases (APFDc) hardly notices, because it counts every one of the ten.

Cases of one file fail together too: within a queue, the k-th of its file counts less again, so that an order which errs
about one file reaches the next.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Sequence

MIN_SECONDS = 1e-3
"""Below the clock of the reports, a shorter case is not a cheaper one, nor is any case free."""
FADING = 0.3
"""Exponent of the place in the queue: the second case counts 0.81, the tenth 0.5, the hundredth 0.25."""
FILE_FADING = 0.2
"""Exponent of the place among the queue's cases of the same file: the second counts 0.87, the tenth 0.63.

Of 0.1, 0.2, 0.3 and 0.5 the most that costs less than .005 of APFDc on the first 70 % of the bundled history.
"""


def priorities(
    p_fail: Sequence[float],
    expected_s: Sequence[float],
    failed_last: Sequence[bool],
    *,
    files: Sequence[Hashable],
    fading: float = FADING,
    file_fading: float = FILE_FADING,
) -> list[float]:
    """Give a priority per case, higher runs first; within a queue and file the order stays that of risk for time.

    Equal risks for time keep the given order.

    >>> [round(value, 2) for value in priorities([0.9, 0.8, 0.7], [1, 1, 1], [True, True, False], files="aba")]
    [0.9, 0.65, 0.7]
    >>> [round(value, 2) for value in priorities([0.9, 0.8, 0.7], [1, 1, 1], [False] * 3, files="aab")]
    [0.9, 0.5, 0.57]
    """
    scores = [p / (seconds + MIN_SECONDS) for p, seconds in zip(p_fail, expected_s, strict=True)]
    queues: tuple[list[int], list[int]] = ([], [])
    for position, is_repeat in enumerate(failed_last):
        queues[is_repeat].append(position)
    for queue in queues:
        _fade(scores, queue, lambda position: files[position], exponent=file_fading)
        _fade(scores, queue, lambda _: None, exponent=fading)
    return scores


def _fade(scores: list[float], queue: list[int], group_of: Callable[[int], Hashable], *, exponent: float) -> None:
    """Lower the scores of a queue by their places, highest first, within each group; leaves the queue in that order."""
    queue.sort(key=scores.__getitem__, reverse=True)
    places: Counter[Hashable] = Counter()
    for position in queue:
        group = group_of(position)
        places[group] += 1
        scores[position] *= places[group] ** -exponent
