"""Make a packing better: the fullest worker and another divide what they hold anew, until that helps no more.

Two workers divide evenly by a subset of the right sum. All reachable sums are kept as the bits of one integer, so a
hundred items cost a hundred shifts; single moves and swaps, which are subsets too, need no code of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

from cipredict.decide.packing import TOLERANCE_SHARE, Items, Worker, finish_times, lower_bound_s

GAIN_SHARE = 1e-6
"""A smaller gain is rounding."""

MAX_TRIES = 1000
MOVABLE = 48
RESOLUTION = 1 << 15
"""The work's limits: pairs divided anew, items of each worker that may move, steps in which sums are counted."""


@dataclass(slots=True)
class _Load:
    """What one worker holds: items, shortest first, and their sums."""

    worker: Worker
    members: list[int]
    seconds: float
    late_s2: float

    @property
    def finish_s(self) -> float:
        return (self.seconds + sqrt(self.late_s2)) / self.worker.speed


def rebalance(homes: list[int], items: Items, workers: Sequence[Worker]) -> list[int]:
    """Give a packing that ends no later than `homes`, and earlier where dividing anew in pairs can do that.

    No item moves to a worker whose memory is too small for it.
    """
    enough_s = _worthwhile_s(items, workers) * (1 + TOLERANCE_SHARE)
    if max(finish_times(homes, items, workers)) <= enough_s:
        return homes
    members: list[list[int]] = [[] for _ in workers]
    for item in sorted(range(len(homes)), key=items.seconds.__getitem__):
        members[homes[item]].append(item)
    loads = [_load(worker, held, items) for worker, held in zip(workers, members, strict=True)]
    _relieve_fullest(loads, items, enough_s=enough_s)
    better = list(homes)
    for position, load in enumerate(loads):
        for item in load.members:
            better[item] = position
    return better


def _worthwhile_s(items: Items, workers: Sequence[Worker]) -> float:
    """Give the finish to strive for: the lower bound, or everyone's even share of seconds and of squared lateness."""
    late_s2 = sum(late_s * late_s for late_s in items.late_s)
    even_s = (sum(items.seconds) + sqrt(late_s2 * len(workers))) / sum(worker.speed for worker in workers)
    return max(lower_bound_s(items, workers), even_s)


def _load(worker: Worker, members: list[int], items: Items) -> _Load:
    seconds = sum(items.seconds[item] for item in members)
    return _Load(worker, members, seconds, sum(items.late_s[item] ** 2 for item in members))


def _relieve_fullest(loads: list[_Load], items: Items, *, enough_s: float) -> None:
    """Divide anew, the fullest with the emptiest first; stop when the fullest gains from nobody."""
    tries = 0
    while tries < MAX_TRIES:
        by_finish = sorted(range(len(loads)), key=lambda position: loads[position].finish_s)
        fullest = by_finish.pop()
        if loads[fullest].finish_s <= enough_s:
            return
        for other in by_finish:
            tries += 1
            divided = _divide_anew(loads[fullest], loads[other], items)
            if divided is not None:
                loads[fullest], loads[other] = divided
                break
        else:
            return


def _divide_anew(full: _Load, other: _Load, items: Items) -> tuple[_Load, _Load] | None:
    """Share out the items of two workers so that both end together; None where that is no gain."""
    speed, other_speed = full.worker.speed, other.worker.speed
    handed_over_s = (full.finish_s - other.finish_s) * speed * other_speed / (speed + other_speed)
    returning = [item for item in _spread(other.members) if items.memory_bytes[item] <= full.worker.room_bytes]
    movable = [
        *(item for item in _spread(full.members) if items.memory_bytes[item] <= other.worker.room_bytes),
        *returning,
    ]
    wanted_s = handed_over_s + sum(items.seconds[item] for item in returning)
    chosen = {movable[at] for at in closest_subset([items.seconds[item] for item in movable], wanted_s)}
    held_by_other = set(other.members).difference(movable) | chosen
    both = sorted([*full.members, *other.members], key=items.seconds.__getitem__)
    divided = (
        _load(full.worker, [item for item in both if item not in held_by_other], items),
        _load(other.worker, [item for item in both if item in held_by_other], items),
    )
    return divided if max(load.finish_s for load in divided) < full.finish_s * (1 - GAIN_SHARE) else None


def _spread(members: Sequence[int]) -> Sequence[int]:
    """Give at most MOVABLE members of all lengths, the shortest among them."""
    return members[:: 1 + (len(members) - 1) // MOVABLE] if members else members


def closest_subset(seconds: Sequence[float], wanted_s: float) -> list[int]:
    """Give positions whose seconds add up to `wanted_s` as nearly as units of sum / RESOLUTION allow.

    >>> closest_subset([5.0, 4.0, 3.0, 2.0], 7.0)
    [1, 2]
    """
    total_s = sum(seconds)
    unit_s = total_s / RESOLUTION or 1.0
    units = [round(one / unit_s) for one in seconds]
    reachable = [1]  # after each item: bit n is set where some of the items so far add up to n units
    for length in units:
        reachable.append(reachable[-1] | reachable[-1] << length)
    left = _closest_bit(reachable[-1], round(min(max(0.0, wanted_s), total_s) / unit_s))
    chosen = []
    for position in reversed(range(len(units))):
        if not reachable[position] >> left & 1:
            chosen.append(position)
            left -= units[position]
    return chosen[::-1]


def _closest_bit(bits: int, wanted: int) -> int:
    """Give the set bit nearest to `wanted`, the lower one of two; bit 0 is always set."""
    below = (bits & ((1 << wanted + 1) - 1)).bit_length() - 1
    above = bits >> wanted
    steps_up = (above & -above).bit_length() - 1
    return wanted + steps_up if above and steps_up < wanted - below else below
