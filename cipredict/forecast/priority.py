"""The order in which a plan runs cases: risk for time, with diminishing returns. Pure, standard library only.

Ten cases that failed last time mostly fail again for one reason, and after the first of them the others say little. So
cases whose last verdict was a failure and all others form two queues, and the k-th of a queue counts less than its risk
says. Without it, whatever newly fails waits behind everything known to be red: on IOF/ROL decayed failure rate by time
finds fewer new failures in 20 % of the time than chance does (research: selection, section 0.4). The sum over all
failing cases (APFDc) hardly notices, because it counts every one of the ten.
"""

from __future__ import annotations

from collections.abc import Sequence

MIN_SECONDS = 1e-3
"""Below the clock of the reports, a shorter case is not a cheaper one, nor is any case free."""
FADING = 0.3
"""Exponent of the place in the queue: the second case counts 0.81, the tenth 0.5, the hundredth 0.25."""


def priorities(
    p_fail: Sequence[float], expected_s: Sequence[float], failed_last: Sequence[bool], *, fading: float = FADING
) -> list[float]:
    """Give a priority per case, higher runs first; within a queue the order stays that of risk for time.

    Equal risks for time keep the given order.

    >>> [round(value, 2) for value in priorities([0.9, 0.8, 0.7], [1, 1, 1], [True, True, False])]
    [0.9, 0.65, 0.7]
    """
    scores = [p / (seconds + MIN_SECONDS) for p, seconds in zip(p_fail, expected_s, strict=True)]
    queues: tuple[list[int], list[int]] = ([], [])
    for position, is_repeat in enumerate(failed_last):
        queues[is_repeat].append(position)
    for queue in queues:
        queue.sort(key=scores.__getitem__, reverse=True)
        for place, position in enumerate(queue, start=1):
            scores[position] *= place**-fading
    return scores
