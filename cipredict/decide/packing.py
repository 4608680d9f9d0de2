"""Items of known length on workers: what is packed, how good a packing can be, and a good first one.

Longest first (Graham 1969) ends at most 4/3 - 1/(3 workers) times as late as the best packing on equal workers; on
real suites, which hold many short cases, it is within 0.1 % of the lower bound nearly always. `rebalance` removes the
rest, `exact` settles small cases. None of them reads a clock or throws dice: equal inputs give equal packings.
What the items stand for is not known here.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, sqrt

TOLERANCE_SHARE = 1e-4
"""A packing this close to its lower bound is left alone: durations are not known to 0.01 %."""


@dataclass(frozen=True, slots=True)
class Worker:
    """A machine that will run one shard.

    Attributes
    ----------
    speed : test seconds done per second, 1 for the machine that the forecast was learned on
    memory_bytes : what its cases may use, None where it does not matter
    """

    name: str
    speed: float = 1.0
    memory_bytes: int | None = None

    @property
    def room_bytes(self) -> float:
        """Memory as a number to compare with."""
        return inf if self.memory_bytes is None else self.memory_bytes


@dataclass(frozen=True, slots=True)
class Items:
    """Columns, one entry per item. Earlier items win ties, so the order must not depend on chance.

    Attributes
    ----------
    seconds : on a worker of speed 1
    late_s : how much later it may end; adds up by squares, as independent errors do
    memory_bytes : peak, 0 where unknown
    """

    seconds: Sequence[float]
    late_s: Sequence[float]
    memory_bytes: Sequence[int]


def finish_times(homes: Sequence[int], items: Items, workers: Sequence[Worker]) -> list[float]:
    """Give the seconds after which each worker is done, lateness included."""
    seconds, late_s2 = [0.0] * len(workers), [0.0] * len(workers)
    for home, item_s, late_s in zip(homes, items.seconds, items.late_s, strict=True):
        seconds[home] += item_s
        late_s2[home] += late_s * late_s
    return [(sum_s + sqrt(sum_s2)) / one.speed for one, sum_s, sum_s2 in zip(workers, seconds, late_s2, strict=True)]


def lower_bound_s(items: Items, workers: Sequence[Worker]) -> float:
    """Give the seconds that no packing beats, lateness left out.

    The larger of perfect balance and the longest item on the fastest worker that holds it; both also for the items
    that need more memory than some workers have, on the others alone.
    """
    rooms = sorted({worker.room_bytes for worker in workers})
    total_s, longest_s = [0.0] * len(rooms), [0.0] * len(rooms)
    if len(rooms) == 1:
        total_s, longest_s = [sum(items.seconds)], [max(items.seconds, default=0.0)]
    else:
        for seconds, memory in zip(items.seconds, items.memory_bytes, strict=True):
            needed = min(bisect_left(rooms, memory), len(rooms) - 1)
            total_s[needed] += seconds
            longest_s[needed] = max(longest_s[needed], seconds)
    bound_s = 0.0
    hungry_s = 0.0
    for room, needing_s, longest in sorted(zip(rooms, total_s, longest_s, strict=True), reverse=True):
        hungry_s += needing_s
        speeds = [worker.speed for worker in workers if worker.room_bytes >= room]
        bound_s = max(bound_s, hungry_s / sum(speeds), longest / max(speeds))
    return bound_s


def pack_longest_first(items: Items, workers: Sequence[Worker]) -> list[int]:
    """Give every item, longest first, to the worker that would be done first; the answer is positions of workers.

    Items that fit on few kinds of workers come before those that fit anywhere. An item too large for every worker
    goes to those with the most memory.
    """
    kinds = _Kinds(workers)
    seconds, late_s, memory = items.seconds, items.late_s, items.memory_bytes
    order = sorted(range(len(seconds)), key=seconds.__getitem__, reverse=True)
    if len(set(kinds.rooms)) > 1:
        order.sort(key=lambda item: len(kinds.holding(memory[item])))
    homes = [0] * len(seconds)
    load_s, late_s2 = [0.0] * len(workers), [0.0] * len(workers)
    heap, speed = kinds.heaps[0], kinds.speeds[0]
    for item in order:
        if len(kinds.heaps) > 1:
            kind = kinds.first_done(seconds[item], memory[item])
            heap, speed = kinds.heaps[kind], kinds.speeds[kind]
        _, count, home = heap[0]
        homes[item] = home
        load_s[home] += seconds[item]
        late_s2[home] += late_s[item] * late_s[item]
        heapq.heapreplace(heap, ((load_s[home] + sqrt(late_s2[home])) / speed, count + 1, home))
    return homes


class _Kinds:
    """Workers of equal speed and memory, with a heap of (finish, items held, position) for each kind."""

    def __init__(self, workers: Sequence[Worker]) -> None:
        positions: dict[tuple[float, float], list[int]] = {}
        for position, worker in enumerate(workers):
            positions.setdefault((worker.speed, worker.room_bytes), []).append(position)
        self.speeds = [speed for speed, _ in positions]
        self.rooms = [room for _, room in positions]
        self.heaps = [[(0.0, 0, position) for position in members] for members in positions.values()]

    def holding(self, memory_bytes: int) -> list[int]:
        """Give the kinds with memory enough, else the roomiest."""
        needed = min(memory_bytes, max(self.rooms))
        return [kind for kind, room in enumerate(self.rooms) if room >= needed]

    def first_done(self, seconds: float, memory_bytes: int) -> int:
        """Give the kind that would finish the item first."""
        return min(self.holding(memory_bytes), key=lambda kind: self.heaps[kind][0][0] + seconds / self.speeds[kind])
