"""Replay a queue on given seconds: when each shard ends if batches are claimed as the runtime claims them."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Sequence

from cipredict.plans.shard_queue import Batch


def replay_queue(batches: Sequence[Batch], seconds: Sequence[float], *, shards: int, helps: bool = True) -> list[float]:
    """Give the second at which every shard is done; `seconds` are those that the batches really take.

    The order is `claim_order`'s, all shards starting at once. Without `helps` a shard takes from the tail, but not from
    another's list.

    >>> replay_queue([Batch(0, (), 4.0), Batch(1, (), 1.0), Batch(None, (), 1.0)], [4.0, 3.0, 2.0], shards=2)
    [4.0, 5.0]
    """
    lists = _Lists(batches, shards=shards, helps=helps)
    ends_s = [0.0] * shards
    heap = [(0.0, shard) for shard in range(shards)]
    while heap:
        now_s, shard = heapq.heappop(heap)
        position = lists.claim(shard)
        if position is not None:
            ends_s[shard] = now_s + seconds[position]
            heapq.heappush(heap, (ends_s[shard], shard))
    return ends_s


class _Lists:
    """What is pending, in the orders in which it is claimed: `claim_order` without sorting anew for every claim."""

    def __init__(self, batches: Sequence[Batch], *, shards: int, helps: bool) -> None:
        self._own: list[deque[int]] = [deque() for _ in range(shards)]
        self._tail: deque[int] = deque()
        for position, batch in enumerate(batches):
            (self._tail if batch.shard is None else self._own[batch.shard]).append(position)
        reserved = [position for position, batch in enumerate(batches) if batch.shard is not None]
        reserved.sort(key=lambda position: -(batches[position].high_s or 0.0))
        self._others = deque(reserved if helps else [])
        self._taken: set[int] = set()

    def claim(self, shard: int) -> int | None:
        for source in (self._own[shard], self._tail, self._others):
            while source:
                position = source.popleft()
                if position not in self._taken:
                    self._taken.add(position)
                    return position
        return None
