"""The queue of a shard plan: its cases in batches, most of them reserved for a shard, the tail for whoever is free.

::

    shard 0   [ 40 s ][ 20 s ][ 10 s ]...        reserved, its own longest first
    shard 1   [ 41 s ][ 19 s ][ 11 s ]...
    anyone    [ 5 s ][ 4 s ][ 3 s ][ 3 s ]...    the tail: the smallest cases of the whole suite, longest first

A batch is known by its position in the plan, on every machine alike, so that a queue has to hold no case ids. Who takes
which batch next is decided here, for the runtime and for the replay that forecasts it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple


class Batch(NamedTuple):
    """Cases that are taken together.

    Attributes
    ----------
    shard : whose it is, None for the tail
    tests : case ids, sorted; groups that stay together are whole
    expected_s, high_s : their seconds, and if each took as long as it may; None where nothing is known
    """

    shard: int | None
    tests: tuple[str, ...]
    expected_s: float | None = None
    high_s: float | None = None


def claim_order(
    batches: Sequence[Batch], pending: Iterable[int], shard: int, *, started: Collection[int]
) -> Sequence[int]:
    """Give the pending batches that a shard may take, best first.

    Its own, then the tail, both in the order of the plan; then what is reserved for others, what may take longest
    first, so that nobody is idle while another has a list. The list of a shard that has not `started` is left alone:
    its job may have lost the queue and run the list by itself.

    >>> tail, mine, theirs = Batch(None, ()), Batch(0, ()), Batch(1, ())
    >>> claim_order([theirs, tail, mine], [0, 1, 2], 0, started={0, 1})
    [2, 1, 0]
    """

    def preference(position: int) -> tuple[int, float, int]:
        owner = batches[position].shard
        if owner == shard:
            return 0, 0.0, position
        return (1, 0.0, position) if owner is None else (2, -(batches[position].high_s or 0.0), position)

    open_to_all = {None, shard, *started}
    return sorted((position for position in pending if batches[position].shard in open_to_all), key=preference)


def tail_of(batches: Iterable[Batch]) -> list[str]:
    """Give the cases of the tail, longest batch first."""
    return [case_id for batch in batches if batch.shard is None for case_id in batch.tests]
