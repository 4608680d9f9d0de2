"""One function per strategy: items and workers in, the worker's position for every item out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import assert_never

from cipredict.decide.exact import pack_exactly
from cipredict.decide.packing import Items, Worker, finish_times, lower_bound_s, pack_longest_first
from cipredict.decide.rebalance import rebalance
from cipredict.decide.shard_count import WORTH_SHARE
from cipredict.plans.shard_plan import Strategy

PAD_SHARE = 0.25
"""How much of the items' lateness is planned for. On six real suites (benchmarks/shard_plans.py) none to a quarter end
equally early; planning for all of it ends 2 % later, for what is put aside for doubtful cases is missing elsewhere."""


def pack(strategy: Strategy, items: Items, workers: Sequence[Worker], *, overhead_s: float = 0.0) -> list[int]:
    """Divide items by a strategy; only `predictive` weighs `overhead_s`, the fixed cost of using a worker at all."""
    match strategy:
        case Strategy.OPTIMAL:
            return pack_optimally(items, workers)
        case Strategy.PREDICTIVE:
            return pack_predictively(items, workers, overhead_s=overhead_s)
        case Strategy.ROUND_ROBIN:
            return [position % len(workers) for position in range(len(items.seconds))]
        case _:
            assert_never(strategy)


def certain(items: Items) -> Items:
    """Give the same items as if each took exactly its expected seconds."""
    return replace(items, late_s=[0.0] * len(items.late_s))


def pack_optimally(items: Items, workers: Sequence[Worker]) -> list[int]:
    """Let the last worker end as early as possible if every item takes its expected seconds."""
    sure = certain(items)
    homes = rebalance(pack_longest_first(sure, workers), sure, workers)
    if len({(worker.speed, worker.room_bytes) for worker in workers}) > 1:
        return homes
    return pack_exactly(homes, items.seconds, workers=len(workers))


def pack_predictively(items: Items, workers: Sequence[Worker], *, overhead_s: float) -> list[int]:
    """Let the last worker end early even where items take longer, and start no worker that hardly helps.

    A worker's end is its expected seconds plus a part of its lateness, the root of its items' squared latenesses:
    doubtful items are spread over workers instead of heaped on one. The fastest workers start first.
    """
    items = replace(items, late_s=[PAD_SHARE * late_s for late_s in items.late_s])
    homes = rebalance(pack_longest_first(items, workers), items, workers)
    if overhead_s <= 0 or not homes:
        return homes
    limit_s = (overhead_s + max(finish_times(homes, items, workers))) * (1 + WORTH_SHARE) - overhead_s
    fastest_first = sorted(range(len(workers)), key=lambda position: (-workers[position].speed, position))
    for count in range(1, len(workers)):
        kept = sorted(fastest_first[:count])
        few = [workers[position] for position in kept]
        if max(worker.room_bytes for worker in few) < max(worker.room_bytes for worker in workers):
            continue
        if lower_bound_s(items, few) > limit_s:
            continue
        fewer = rebalance(pack_longest_first(items, few), items, few)
        if max(finish_times(fewer, items, few)) <= limit_s:
            return [kept[home] for home in fewer]
    return homes
