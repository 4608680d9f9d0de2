"""Which of the collected cases a batch of the queue stands for. Pure: ids in, indexes out."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence

from cipredict.plans.fields import Fields
from cipredict.plans.shard_queue import Batch


def read_batches(document: Mapping[str, object]) -> list[Batch]:
    """Take the queue from a shard plan, with batches for the cases that it does not know, one per shard.

    They belong to the tail, before its own: nobody knows how long a new case takes, so it must not come last.

    Raises
    ------
    ValueError
        The plan has no queue, or one that is not built like it.
    """
    problems: list[str] = []
    found = [
        Batch(batch.count_or_none("shard"), batch.texts("tests"), high_s=batch.number_or_none("high_s"))
        for batch in Fields(document, problems, "").inner_list("queue")
    ]
    if problems:
        raise ValueError("; ".join(problems))
    if not found:
        raise ValueError("it was made without --tail")
    shards = document.get("shards")
    newcomers = [Batch(None, ()) for _ in range(len(shards) if isinstance(shards, list) else 1)]
    reserved = [batch for batch in found if batch.shard is not None]
    return [*reserved, *newcomers, *(batch for batch in found if batch.shard is None)]


def indexes_by_batch(batches: Sequence[Batch], case_ids: Sequence[str]) -> list[list[int]]:
    """Give for every batch the positions of its cases in the collection, in its order; together they are all.

    Cases that the plan does not know are dealt out, by a hash, to the batches that are known by nobody: those of the
    tail without tests. An id that occurs twice is one case and stays in one piece.
    """
    homes = {case_id: position for position, batch in enumerate(batches) for case_id in batch.tests}
    newcomers = [position for position, batch in enumerate(batches) if batch.shard is None and not batch.tests]
    found: defaultdict[int, list[int]] = defaultdict(list)
    for index, case_id in enumerate(case_ids):
        home = homes.get(case_id)
        found[newcomers[_hash(case_id) % len(newcomers)] if home is None else home].append(index)
    return [found[position] for position in range(len(batches))]


def _hash(case_id: str) -> int:
    return int(hashlib.sha256(case_id.encode()).hexdigest(), 16)
