"""A division of items among workers, written down as a plan: its seconds, intervals, bound, floor and notes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import sqrt

from cipredict.decide.grouping import GroupOf, Groups
from cipredict.decide.packing import Worker, finish_times, lower_bound_s
from cipredict.decide.parallelism import worthwhile_processes
from cipredict.decide.queue_batches import cut_batches
from cipredict.decide.shard_notes import notes_of
from cipredict.decide.strategies import certain
from cipredict.forecast.interface import Basis
from cipredict.plans.document import MadeFrom
from cipredict.plans.shard_plan import Floor, Shard, ShardPlan, Strategy, verify_plan
from cipredict.plans.shard_queue import Batch

RUN_SPREAD_SHARE = 0.25
"""About 1 run in 10 is slower or faster than forecast by more than this share, as a whole (docs/sharding.md)."""

_BASIS_NAMES = {basis: basis.value for basis in Basis}  # `.value` is a descriptor, slow 20 000 times

BINDING_SHARE = 0.005
"""A plan that ends this close to its longest item ends when it does because of that item."""


@dataclass(frozen=True, slots=True)
class ShardOptions:
    """How to divide.

    Attributes
    ----------
    group_of : cases of the same group share a shard; `grouping.group_by` has the usual ones
    together : lists of case ids that share a shard
    overhead_s : fixed cost of a job before its first case
    tail_share : share of the load that waits in a queue for idle shards, 0 for a plan without a queue
    run_spread_share : how much slower or faster whole machines are, on top of the cases' own intervals
    """

    strategy: Strategy = Strategy.OPTIMAL
    group_of: GroupOf | None = None
    together: Sequence[Sequence[str]] = ()
    overhead_s: float = 0.0
    tail_share: float = 0.0
    run_spread_share: float = RUN_SPREAD_SHARE


@dataclass(frozen=True, slots=True)
class Division:
    """Who gets what, before it is written down."""

    groups: Groups
    workers: Sequence[Worker]
    homes: Sequence[int]
    options: ShardOptions

    def ends_s(self) -> float:
        """Give the end that the strategy plans with: `predictive` counts lateness."""
        items = self.groups.items
        if self.options.strategy is not Strategy.PREDICTIVE:
            items = certain(items)
        return self.options.overhead_s + max(finish_times(self.homes, items, self.workers))


def write_down(division: Division, made_from: MadeFrom) -> ShardPlan:
    """Make a verified plan."""
    groups, options = division.groups, division.options
    shards = _make_shards(division)
    makespan_s = max(shard.estimated_time or 0.0 for shard in shards)
    running = [worker.speed for worker, shard in zip(division.workers, shards, strict=True) if shard.tests]
    total_s = sum(groups.items.seconds)
    bound_s = options.overhead_s + lower_bound_s(groups.items, division.workers) if groups.cases else 0.0
    plan = ShardPlan(
        strategy=options.strategy,
        shards=shards,
        made_from=made_from,
        overhead_s=options.overhead_s,
        makespan_s=makespan_s,
        lower_bound_s=min(bound_s, makespan_s),  # sums in another order differ in the last digit
        efficiency=total_s / (sum(running) * makespan_s) if makespan_s > 0 else None,
        floor=_floor(division, makespan_s),
        queue=queue_of(division),
        basis={case.case_id: _BASIS_NAMES[case.basis] for case in groups.cases},
    )
    verify_plan(plan, (case.case_id for case in groups.cases), together=_shared(groups))
    return replace(plan, reasons=notes_of(plan, groups.items, division.workers, names=groups.names))


def queue_of(division: Division, *, is_known: bool = True) -> tuple[Batch, ...]:
    """Cut the batches of the queue, none where no tail was asked for."""
    share = division.options.tail_share
    if not share:
        return ()
    shards = len(division.workers)
    return cut_batches(division.groups, division.homes, shards=shards, tail_share=share, is_known=is_known)


def _shared(groups: Groups) -> list[list[str]]:
    """Give the members of the items that hold several cases."""
    return groups.members() if len(groups.names) < len(groups.cases) else []


def tests_of(groups: Groups, homes: Sequence[int], shards: int) -> list[list[str]]:
    """Give the case ids of every shard, sorted."""
    tests: list[list[str]] = [[] for _ in range(shards)]
    for case, item in zip(groups.cases, groups.item_of, strict=True):
        tests[homes[item]].append(case.case_id)
    return tests


def _make_shards(division: Division) -> tuple[Shard, ...]:
    groups, workers = division.groups, division.workers
    tests = tests_of(groups, division.homes, len(workers))
    items: list[list[int]] = [[] for _ in workers]
    for item, home in enumerate(division.homes):
        items[home].append(item)
    early_s2 = [0.0] * len(workers)
    for case, item in zip(groups.cases, groups.item_of, strict=True):
        early_s2[division.homes[item]] += max(0.0, case.expected_s - case.low_s) ** 2
    return tuple(
        _make_shard(division, position, tests=tests[position], members=items[position], early_s2=early_s2[position])
        for position in range(len(workers))
    )


def _make_shard(division: Division, position: int, *, tests: list[str], members: list[int], early_s2: float) -> Shard:
    """Sum up one shard. Errors of cases add by squares; those of the whole run move all cases alike."""
    items, worker, options = division.groups.items, division.workers[position], division.options
    seconds = [items.seconds[item] for item in members]
    memory = [items.memory_bytes[item] for item in members]
    start_s = options.overhead_s if tests else 0.0
    total_s = sum(seconds)
    run_s2 = (options.run_spread_share * total_s) ** 2
    late_s = sqrt(sum(items.late_s[item] ** 2 for item in members) + run_s2)
    early_s = min(total_s, sqrt(early_s2 + run_s2))
    return Shard(
        shard_id=position,
        tests=tuple(tests),
        worker=worker.name,
        estimated_time=start_s + total_s / worker.speed,
        low_s=start_s + (total_s - early_s) / worker.speed,
        high_s=start_s + (total_s + late_s) / worker.speed,
        parallelism=worthwhile_processes(seconds, memory, room_bytes=worker.room_bytes),
        peak_memory_bytes=max(memory, default=0) or None,
    )


def _floor(division: Division, makespan_s: float) -> Floor | None:
    """Find the item that takes longest where it is fastest."""
    groups, workers = division.groups, division.workers
    if not groups.names:
        return None
    item = max(range(len(groups.names)), key=groups.items.seconds.__getitem__)
    needed = min(groups.items.memory_bytes[item], max(worker.room_bytes for worker in workers))
    speed = max(one.speed for one in workers if one.room_bytes >= needed)
    seconds = groups.items.seconds[item] / speed
    inside = [case.expected_s for case, home in zip(groups.cases, groups.item_of, strict=True) if home == item]
    others_s = max((s for at, s in enumerate(groups.items.seconds) if at != item), default=0.0)
    pieces_s = max(others_s, max(inside) if len(inside) > 1 else 0.0) / speed
    balanced_s = sum(groups.items.seconds) / sum(one.speed for one in workers)
    return Floor(
        name=groups.names[item],
        cases=len(inside),
        seconds=seconds,
        is_binding=seconds > 0 and seconds >= (makespan_s - division.options.overhead_s) * (1 - BINDING_SHARE),
        split_end_s=min(makespan_s, division.options.overhead_s + max(balanced_s, pieces_s)),
    )
