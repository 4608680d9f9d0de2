"""The laws of the queue, for any order of claims, deaths, stalls and retries, on real doors.

In a build that ends green, that is, where every shard's last attempt ended by itself, each batch was run exactly once
by those attempts together. Whatever happens, no batch is finished by two shards, and no shard that was taken for dead
finishes anything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from cipredict.act.queue.interface import LeaseLost, Owner
from cipredict.act.queue.member import QueueMember
from cipredict.plans.shard_queue import Batch

if TYPE_CHECKING:
    from tests.act.queue.conftest import Place

SHARDS = 3
LEASE_S = 60.0


class Attempt:
    """One start of a shard: what it ran, and how it is."""

    def __init__(self, member: QueueMember, owner: Owner) -> None:
        self.member = member
        self.owner = owner
        self.ran = member.open()
        self.held: int | None = None
        self.is_alive = True
        self.is_lost = False


class Builds(RuleBasedStateMachine):
    """Shards of one build, in any order of events."""

    place: Place

    def __init__(self) -> None:
        super().__init__()
        self.key = uuid4().hex
        self.now_s = 0.0
        self.batches: list[Batch] = []
        self.last: dict[int, Attempt] = {}
        self.former: list[Attempt] = []
        self.finished_by: dict[int, int] = {}

    @initialize(owners=st.lists(st.sampled_from([None, *range(SHARDS)]), max_size=8))
    def plan(self, owners: list[int | None]) -> None:
        self.batches = [Batch(owner, (str(at),), high_s=float(at % 3)) for at, owner in enumerate(owners)]

    def start(self, shard: int) -> None:
        owner = Owner(shard, uuid4().hex[:8])
        door = self.place.door(self.key, batches=len(self.batches))
        member = QueueMember(door, self.batches, owner, lease_s=LEASE_S, clock=lambda: self.now_s)
        if shard in self.last:
            self.former.append(self.last[shard])
        self.last[shard] = Attempt(member, owner)

    @rule(shard=st.integers(0, SHARDS - 1))
    def start_or_retry(self, shard: int) -> None:
        """A shard comes, comes back after its death, or is started a second time by mistake."""
        self.start(shard)

    @rule(shard=st.integers(0, SHARDS - 1))
    def claim(self, shard: int) -> None:
        attempt = self.last.get(shard)
        if attempt and attempt.is_alive and attempt.held is None:
            self.step(attempt)

    @rule(shard=st.integers(0, SHARDS - 1))
    def finish(self, shard: int) -> None:
        attempt = self.last.get(shard)
        if attempt and attempt.is_alive and attempt.held is not None:
            self.step(attempt)

    @rule(shard=st.integers(0, SHARDS - 1))
    def die_or_stall(self, shard: int) -> None:
        """Nobody hears of it any more; it may hold a batch."""
        attempt = self.last.get(shard)
        if attempt:
            attempt.is_alive = False
            self.place.age(self.key, attempt.owner)
            self.now_s += LEASE_S

    @rule(shard=st.integers(0, SHARDS - 1))
    def wake(self, shard: int) -> None:
        """It was only stalled, and goes on where it was."""
        attempt = self.last.get(shard)
        if attempt and not attempt.is_alive and not attempt.is_lost:
            attempt.is_alive = True
            self.step(attempt)

    @precondition(lambda self: self.former)
    @rule(data=st.data())
    def wake_a_former_attempt(self, data: st.DataObject) -> None:
        attempt = data.draw(st.sampled_from(self.former))
        ran = len(attempt.ran)
        self.step(attempt)
        assert attempt.is_lost or attempt.held is None
        assert len(attempt.ran) == ran

    def step(self, attempt: Attempt) -> bool:
        """Finish what is held, else claim; tell whether there was something to do."""
        try:
            attempt.member.check()
            if attempt.held is None:
                attempt.held = attempt.member.claim()
                return attempt.held is not None
            attempt.member.finish(attempt.held)
        except LeaseLost:
            attempt.is_alive, attempt.is_lost = False, True
            return False
        assert attempt.held not in self.finished_by
        self.finished_by[attempt.held] = attempt.owner.shard
        attempt.ran.append(attempt.held)
        attempt.held = None
        return True

    @invariant()
    def nobody_finishes_what_another_did(self) -> None:
        for shard, attempt in self.last.items():
            assert all(self.finished_by[batch] == shard for batch in attempt.ran)

    def teardown(self) -> None:
        """Let the build end green: every shard that is not alive is started once more, and all run to the end."""
        for shard in range(SHARDS):
            attempt = self.last.get(shard)
            if attempt is None or not attempt.is_alive:
                self.start(shard)
        while sum(self.step(attempt) for attempt in self.last.values()):  # all take turns
            pass
        assert not any(attempt.is_lost for attempt in self.last.values())
        assert all(attempt.member.is_over() for attempt in self.last.values())
        ran = sorted(batch for attempt in self.last.values() for batch in attempt.ran)
        assert list(range(len(self.batches))) == ran


def test_in_a_green_build_every_batch_ran_exactly_once(place: Place) -> None:
    machine = type("BuildsHere", (Builds,), {"place": place})
    run_state_machine_as_test(machine, settings=settings(max_examples=40, stateful_step_count=20, deadline=None))
