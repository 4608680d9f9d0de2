"""What a session runs next, batch by batch: first what an earlier attempt ran, then what the queue gives.

Errors of the queue end the feed and are kept: whoever runs the cases finishes what was claimed, and the session fails.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from cipredict.act.queue.interface import LeaseLost, QueueUnreachable
from cipredict.act.queue.member import QueueMember
from cipredict.plans.shard_queue import Batch


class TakenBatch(NamedTuple):
    """A batch that this session runs.

    Attributes
    ----------
    source : own, tail, `shard N` (counted from 1) for a list that another shard left, replay for an earlier attempt's
    """

    number: int
    source: str
    indexes: Sequence[int]


class QueueFeed:
    """Claims batches and reports them done.

    Parameters
    ----------
    replayed : batches that this shard has to run again, in order
    indexes : per batch, the positions of its cases in the collection
    """

    def __init__(self, member: QueueMember, batches: Sequence[Batch], *, shard: int, replayed: Sequence[int]) -> None:
        self._member = member
        self._batches = batches
        self._shard = shard
        self._to_replay = list(replayed)
        self._replayed = frozenset(replayed)
        self._unfinished: dict[int, int] = {}  # batch -> cases that have still to run
        self._batch_of: dict[int, int] = {}  # case -> batch
        self.indexes: Sequence[Sequence[int]] = ()
        self.taken: list[TakenBatch] = []
        self.problem: LeaseLost | QueueUnreachable | None = None

    def next_batch(self) -> TakenBatch | None:
        """Take a batch that holds cases here; None where there is none now, or the queue failed."""
        while self.problem is None:
            try:
                number = self._to_replay.pop(0) if self._to_replay else self._member.claim()
            except (LeaseLost, QueueUnreachable) as error:
                self.problem = error
                return None
            if number is None:
                return None
            if self.indexes[number]:
                return self._take(number)
            self._finish(number)
        return None

    def _take(self, number: int) -> TakenBatch:
        batch = TakenBatch(number, self._source(number), self.indexes[number])
        self.taken.append(batch)
        self._unfinished[number] = len(batch.indexes)
        self._batch_of.update(dict.fromkeys(batch.indexes, number))
        return batch

    def _source(self, number: int) -> str:
        owner = self._batches[number].shard
        if number in self._replayed:
            return "replay"
        if owner is None:
            return "tail"
        return "own" if owner == self._shard else f"shard {owner + 1}"

    def check(self) -> bool:
        """Tell whether the next case may run: not where others run it, because this shard was taken for dead."""
        if isinstance(self.problem, QueueUnreachable):
            return True  # what is claimed is finished, and the session fails then
        try:
            self._member.check()
        except (LeaseLost, QueueUnreachable) as error:
            self.problem = error
        return not isinstance(self.problem, LeaseLost)

    def ran(self, index: int) -> None:
        """Note that a case was run; the last of a batch makes the batch done."""
        number = self._batch_of[index]
        self._unfinished[number] -= 1
        if not self._unfinished[number]:
            del self._unfinished[number]
            self._finish(number)

    def keep_unfinished(self) -> None:
        """Count begun batches as run by this shard, whose session ends early and red: its next attempt runs them.

        Otherwise others would run a failing case once more, and the attempt that is to repeat it would not.
        """
        for number, left in list(self._unfinished.items()):
            if left < len(self.indexes[number]):
                del self._unfinished[number]
                self._finish(number)

    def _finish(self, number: int) -> None:
        if number in self._replayed or isinstance(self.problem, LeaseLost):
            return
        try:
            self._member.finish(number)
        except (LeaseLost, QueueUnreachable) as error:
            self.problem = error

    def is_over(self) -> bool:
        """Tell whether no batch can come any more."""
        if self.problem is not None:
            return True
        try:
            return self._member.is_over()
        except QueueUnreachable as error:
            self.problem = error
            return True
