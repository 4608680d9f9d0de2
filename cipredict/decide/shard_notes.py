"""What people should know about a shard plan: why it ends no earlier, and whether its shards are worth their price."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

from cipredict.decide.packing import Items, Worker
from cipredict.decide.queue_replay import replay_queue
from cipredict.decide.shard_count import WORTH_SHARE
from cipredict.plans.shard_plan import ShardPlan, Strategy


def notes_of(plan: ShardPlan, items: Items, workers: Sequence[Worker], *, names: Sequence[str]) -> tuple[str, ...]:
    """Give the notes that apply, most important first."""
    return (
        *queue_note(plan),
        *_floor_note(plan, items),
        *_overhead_note(plan, items),
        *_memory_note(items, workers, names),
        *_empty_note(plan),
    )


def target_note(plan: ShardPlan, *, target_s: float, max_shards: int, ends_s: float) -> tuple[str, ...]:
    """Say that a target is not met, and what stands in the way; nothing where it is met."""
    if ends_s <= target_s:
        return ()
    missed = f"The target of {target_s:.1f} s is not met: {len(plan.shards)} shards end after {ends_s:.1f} s."
    if plan.overhead_s >= target_s:
        return (f"{missed} Starting a job takes {plan.overhead_s:.1f} s alone.",)
    if plan.floor is not None and plan.overhead_s + plan.floor.seconds > target_s:
        return (f"{missed} {plan.floor.name} takes {plan.floor.seconds:.1f} s alone: split it or make it faster.",)
    return (f"{missed} At most {max_shards} shards were allowed.",)


def queue_note(plan: ShardPlan) -> tuple[str, ...]:
    """Say what waits in the queue, and when its shards end if every case takes what is expected."""
    if not plan.queue:
        return ()
    cases = f"{len(plan.tail)} of {plan.cases} cases wait in the queue for idle shards"
    if plan.fallback:
        return (f"{cases}.",)
    seconds = [batch.expected_s or 0.0 for batch in plan.queue]
    tail_s = sum(batch.expected_s or 0.0 for batch in plan.queue if batch.shard is None)
    end_s = plan.overhead_s + max(replay_queue(plan.queue, seconds, shards=len(plan.shards)))
    share = tail_s / sum(seconds) if sum(seconds) else 0.0
    return (
        f"{cases}, {share:.1%} of the load. If all take what is expected, the last shard ends after {end_s:.1f} s, and "
        f"after {plan.makespan_s or 0.0:.1f} s where the queue cannot be reached.",
    )


def _floor_note(plan: ShardPlan, items: Items) -> tuple[str, ...]:
    floor = plan.floor
    if floor is None or not floor.is_binding or len(plan.shards) == 1:
        return ()
    useful = ceil(sum(items.seconds) / max(items.seconds))
    what = f"{floor.name} ({floor.cases} cases)" if floor.cases > 1 else floor.name
    note = f"{what} takes {floor.seconds:.1f} s, which is the floor: more than {useful} shards end no earlier."
    saved_s = (plan.makespan_s or 0.0) - floor.split_end_s
    if saved_s < WORTH_SHARE * (plan.makespan_s or 0.0):
        return (note,)
    return (
        f"{note} Splitting it would save {saved_s:.1f} s: {len(plan.shards)} shards could end after "
        f"{floor.split_end_s:.1f} s.",
    )


def _overhead_note(plan: ShardPlan, items: Items) -> tuple[str, ...]:
    """Warn where jobs start for longer than they test."""
    running = sum(bool(shard.tests) for shard in plan.shards)
    total_s = sum(items.seconds)
    if running < 2 or plan.overhead_s * running <= total_s:
        return ()
    fewer = max(1, int(total_s / plan.overhead_s))
    longest_s = max(items.seconds)
    end_s = plan.overhead_s + max(total_s / fewer, longest_s)
    saved_s = (running - fewer) * plan.overhead_s
    return (
        f"Stop adding shards: each of {running} starts for {plan.overhead_s:.1f} s and tests for "
        f"{total_s / running:.1f} s. With {fewer} the run ends after about {end_s:.1f} s instead of "
        f"{plan.makespan_s or 0:.1f} s and costs {saved_s:.1f} machine seconds less.",
    )


def _memory_note(items: Items, workers: Sequence[Worker], names: Sequence[str]) -> tuple[str, ...]:
    room_bytes = max(worker.room_bytes for worker in workers)
    hungry = [name for name, memory in zip(names, items.memory_bytes, strict=True) if memory > room_bytes]
    if not hungry:
        return ()
    return (
        f"No worker has memory enough for {hungry[0]}" + (f" and {len(hungry) - 1} others." if hungry[1:] else "."),
    )


def _empty_note(plan: ShardPlan) -> tuple[str, ...]:
    empty = sum(not shard.tests for shard in plan.shards)
    if not empty:
        return ()
    enough = plan.cases > len(plan.shards) and plan.strategy is Strategy.PREDICTIVE
    why = "the others end as early without them" if enough else "there is nothing left for them"
    return (f"{empty} of {len(plan.shards)} shards are empty: {why}.",)
