"""Cut a division into the batches of its queue: what stays reserved for a shard, and the tail that idle shards drain.

What static plans lose in real life is the forecast's error, mostly of seen cases (research: sharding, sections 0 and
3b). The smallest cases, worth a tenth to a fifth of the load, even that out when they wait for whoever is free.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cipredict.decide.grouping import Groups
from cipredict.plans.shard_queue import Batch

MIN_BATCH_S = 0.1
"""A batch worth asking a queue for that is some milliseconds away."""
_PARTS = 8
"""A batch takes one part in so many of what is left to a shard: large ones first, for few claims, small ones last, for
balance (guided self-scheduling: Polychronopoulos and Kuck 1987). On six real suites that makes 12 to 68 batches a shard
and ends 1 % above the queue of single cases at most; half as many, of 0.5 s at least, cost another half percent."""


def cut_batches(
    groups: Groups, homes: Sequence[int], *, shards: int, tail_share: float, is_known: bool = True
) -> tuple[Batch, ...]:
    """Give the reserved batches of every shard, then the tail's; together they hold every case once.

    Items come in the order of what they may take, not of what they are expected to: a case that nobody knows well is
    run early, for a case that takes longer than expected is harmless while there is something left to even it out.
    They stay whole. Without known seconds every item counts as one second, and the batches claim none.
    """
    seconds, high_s = _seconds(groups, is_known=is_known)
    longest_first = sorted(range(len(high_s)), key=lambda item: (-high_s[item], item))
    tail = set(_smallest(longest_first, seconds, share=tail_share))
    members = groups.members()

    def batch(shard: int | None, items: Sequence[int]) -> Batch:
        tests = tuple(sorted(case_id for item in items for case_id in members[item]))
        if not is_known:
            return Batch(shard, tests)
        sums = (round(sum(column[item] for item in items), 6) for column in (seconds, high_s))
        return Batch(shard, tests, *sums)

    reserved: list[list[int]] = [[] for _ in range(shards)]
    for item in longest_first:
        if item not in tail:
            reserved[homes[item]].append(item)
    shared = [item for item in longest_first if item in tail]
    return (
        *(batch(at, cut) for at in range(shards) for cut in _cut(reserved[at], high_s, parts=_PARTS)),
        *(batch(None, cut) for cut in _cut(shared, high_s, parts=_PARTS * shards)),
    )


def _seconds(groups: Groups, *, is_known: bool) -> tuple[Sequence[float], Sequence[float]]:
    """Give for every item what it is expected to take, and what it may."""
    items = groups.items
    if not is_known:
        return [1.0] * len(groups.names), [1.0] * len(groups.names)
    return items.seconds, [sum(pair) for pair in zip(items.seconds, items.late_s, strict=True)]


def _smallest(longest_first: Sequence[int], seconds: Sequence[float], *, share: float) -> Iterator[int]:
    """Give the last items of the order whose seconds are at most that share of all."""
    left_s = share * sum(seconds) * (1 + 1e-9)
    for item in reversed(longest_first):
        left_s -= seconds[item]
        if left_s < 0:
            return
        yield item


def _cut(items: Sequence[int], seconds: Sequence[float], *, parts: int) -> Iterator[list[int]]:
    left_s = sum(seconds[item] for item in items)
    batch: list[int] = []
    batch_s = 0.0
    for item in items:
        batch.append(item)
        batch_s += seconds[item]
        if batch_s >= max(MIN_BATCH_S, left_s / parts):
            yield batch
            left_s -= batch_s
            batch, batch_s = [], 0.0
    if batch:
        yield batch
