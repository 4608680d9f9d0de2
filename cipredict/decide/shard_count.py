"""How many shards are worth starting: wall time and price of every number, and the one to take.

The fixed cost of a job is what users of static splits suffer from (research: sharding, section 4): eight shards that
start for three minutes each to test for one are slower to pay for and hardly faster to wait for.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

from cipredict.decide.packing import Items
from cipredict.plans.shard_plan import CountPoint

WORTH_SHARE = 0.02
"""A shard that brings the end forward by less than this share does not earn its start."""
SMALL_GAIN_SHARE = 0.10
"""Where all shards together save less than this share of one job's time, sharding is not worth its price."""
_BILLED_S = 60
"""Hosted runners bill every job up to its next whole minute."""


def count_curve(items: Items, *, overhead_s: float, max_shards: int) -> tuple[CountPoint, ...]:
    """Give wall and billed seconds for 1 up to `max_shards` equal shards, as the lower bound has them.

    Packing reaches the bound to 0.5 % (docs/sharding.md), so that nothing has to be packed to know the curve. More
    shards than items are left out.

    >>> [point.wall_s for point in count_curve(Items([60.0] * 4, [0.0] * 4, [0] * 4), overhead_s=30.0, max_shards=9)]
    [270.0, 150.0, 110.0, 90.0]
    """
    total_s, longest_s = sum(items.seconds), max(items.seconds, default=0.0)
    return tuple(
        CountPoint(
            shards=count,
            wall_s=overhead_s + max(total_s / count, longest_s),
            billed_s=float(count * ceil((overhead_s + total_s / count) / _BILLED_S) * _BILLED_S),
        )
        for count in range(1, min(max_shards, max(len(items.seconds), 1)) + 1)
    )


def worthwhile_count(curve: Sequence[CountPoint]) -> CountPoint:
    """Give the fewest shards that end within WORTH_SHARE of the earliest end; one, where the gain is small."""
    earliest_s = min(point.wall_s for point in curve)
    if earliest_s >= curve[0].wall_s * (1 - SMALL_GAIN_SHARE):
        return curve[0]
    return next(point for point in curve if point.wall_s <= earliest_s * (1 + WORTH_SHARE))


def count_note(curve: Sequence[CountPoint], chosen: CountPoint) -> str:
    """Say what the number of shards gains and costs, against one."""
    one, last = curve[0], curve[-1]
    if chosen is one:
        gain = 1 - min(point.wall_s for point in curve) / one.wall_s if one.wall_s else 0.0
        return (
            f"Not worth it: up to {last.shards} shards would end at most {gain:.0%} earlier than one, "
            f"for {last.billed_s / 60:.0f} instead of {one.billed_s / 60:.0f} billed minutes."
        )
    limit = "no more are allowed or useful" if chosen is last else f"more would gain less than {WORTH_SHARE:.0%}"
    return (
        f"{chosen.shards} shards end {1 - chosen.wall_s / one.wall_s:.0%} earlier than one, for "
        f"{chosen.billed_s / 60:.0f} instead of {one.billed_s / 60:.0f} billed minutes; {limit}."
    )
