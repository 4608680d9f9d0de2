"""One shard's part in a queue: claims in the order of the plan, a heartbeat, the return of what dead shards held.

What a shard may do when, and what a death means, is decided here and is the same for every door.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

from cipredict.act.queue.interface import LeaseLost, Owner, QueueDoor, QueueState, QueueUnreachable
from cipredict.plans.shard_queue import Batch, claim_order

_BEATS_PER_LEASE = 6
_LONGEST_BEAT_S = 10.0


class QueueMember:
    """Takes batches for one attempt of a shard.

    Parameters
    ----------
    shard : counts from 0
    token : differs between attempts
    lease_s : the same on every shard; silence for longer counts as death
    clock : monotonic seconds
    """

    def __init__(
        self,
        door: QueueDoor,
        batches: Sequence[Batch],
        owner: Owner,
        *,
        lease_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._door = door
        self._batches = batches
        self._owner = owner
        self._lease_s = lease_s
        self._clock = clock
        self._beaten_at = clock()
        self._finished = 0
        self._is_lost = False
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def open(self) -> list[int]:
        """Register, and give the batches that earlier attempts of this shard finished, in that order: run them again.

        What an earlier attempt had claimed and not finished goes back, most of it to this shard's own list.
        """
        self._door.look()  # fails before this shard counts as started: then nobody touches its list
        self._door.register(self._owner)
        self._beaten_at = self._clock()
        self._give_back_orphans(self._door.look())
        state = self._door.look()  # once the earlier attempt can finish no more
        mine = {batch: done.position for batch, done in state.done.items() if done.shard == self._owner.shard}
        self._finished = max(mine.values(), default=-1) + 1
        return sorted(mine, key=lambda batch: (mine[batch], batch))

    def claim(self) -> int | None:
        """Take the next batch; None where there is nothing to take now.

        Raises
        ------
        LeaseLost
            Others took this shard for dead.
        """
        self.check()
        state = self._expire(self._door.look())
        held = state.claimed.keys() | state.done.keys()
        pending = [batch for batch in range(len(self._batches)) if batch not in held]
        for batch in claim_order(self._batches, pending, self._owner.shard, started=state.started):
            if self._door.take(batch, self._owner):
                self._require_lease(batch)
                return batch
        return None

    def is_over(self) -> bool:
        """Tell whether nothing can come any more: what is not done is the list of a shard that never started."""
        state = self._door.look()
        open_batches = (batch for batch in range(len(self._batches)) if batch not in state.done)
        return all(
            batch not in state.claimed and self._batches[batch].shard not in {None, *state.started}
            for batch in open_batches
        )

    def finish(self, batch: int) -> None:
        """Note that a claimed batch was run; raises LeaseLost where another shard runs it too."""
        if not self._door.finish(batch, self._owner, position=self._finished):
            self._lose()
        self._finished += 1

    def check(self) -> None:
        """Make sure that this shard still counts as alive; asks the queue only where the heartbeat is late.

        A process that was stopped for a while finds out here, before it runs another case.
        """
        if self._is_lost:
            self._lose()
        if self._clock() - self._beaten_at > self._lease_s / 2:
            self._beat()
            if self._is_lost:
                self._lose()

    def start_heartbeat(self) -> None:
        """Beat in a thread until `leave`."""
        self._thread = threading.Thread(target=self._keep_beating, name="cipredict-heartbeat", daemon=True)
        self._thread.start()

    def leave(self) -> None:
        """Stop the heartbeat and end the registration: what is claimed and not finished goes to others at once."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        try:
            self._door.revoke(self._owner)
            self._door.close()
        except QueueUnreachable:
            return  # the lease runs out by itself

    def _keep_beating(self) -> None:
        every_s = min(self._lease_s / _BEATS_PER_LEASE, _LONGEST_BEAT_S)
        while not self._stop.wait(every_s) and not self._is_lost:
            try:
                self._beat()
            except QueueUnreachable:
                continue  # whoever needs the queue next says so

    def _beat(self) -> None:
        now_s = self._clock()  # before the answer, which may take long
        if self._door.beat(self._owner):
            self._beaten_at = now_s
        else:
            self._is_lost = True

    def _require_lease(self, batch: int) -> None:
        """Keep what was claimed only while registered: whoever revoked a moment ago has not seen this claim."""
        self._beat()
        if self._is_lost:
            self._door.give_back(batch, self._owner)
            self._lose()

    def _expire(self, state: QueueState) -> QueueState:
        """Revoke who was silent for too long, give back what the dead had claimed, and look again if that was any."""
        dead = [
            owner for owner, silent_s in state.silent_s.items() if silent_s > self._lease_s and owner != self._owner
        ]
        for owner in dead:
            self._door.revoke(owner)
        if dead:
            state = self._door.look()
        return self._door.look() if self._give_back_orphans(state) else state

    def _give_back_orphans(self, state: QueueState) -> bool:
        orphans = [(batch, owner) for batch, owner in state.claimed.items() if owner not in state.silent_s]
        for batch, owner in orphans:
            self._door.give_back(batch, owner)
        return bool(orphans)

    def _lose(self) -> None:
        self._is_lost = True
        raise LeaseLost(
            f"Shard {self._owner.shard + 1} was silent for longer than its lease of {self._lease_s:.0f} s, or was "
            "started twice: other shards run what it had claimed, so this session ends.",
            slug="queue-lease-lost",
        )
