"""What one shard does with a queue: its order, its end, its death and its return."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from cipredict.act.queue.interface import LeaseLost, Owner, QueueDoor, QueueState, QueueUnreachable
from cipredict.act.queue.member import QueueMember
from cipredict.plans.shard_queue import Batch

if TYPE_CHECKING:
    from tests.act.queue.conftest import Place

BATCHES = [Batch(0, ("a",)), Batch(0, ("b",)), Batch(1, ("c",), high_s=6.0), Batch(1, ("d",), high_s=1.0)]
TAIL = [Batch(None, ("e",)), Batch(None, ("f",))]
LEASE_S = 60.0


class Build:
    """A queue, and shards that come to it."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.key = uuid4().hex
        self.now_s = 0.0
        self.doors: list[QueueDoor] = []

    def member(self, shard: int, *, attempt: int = 1) -> QueueMember:
        door = self.place.door(self.key)
        self.doors.append(door)
        owner = Owner(shard, str(attempt))
        return QueueMember(door, [*BATCHES, *TAIL], owner, lease_s=LEASE_S, clock=lambda: self.now_s)

    def silence(self, shard: int, *, attempt: int = 1) -> None:
        self.place.age(self.key, Owner(shard, str(attempt)))


@pytest.fixture
def build(place: Place) -> Build:
    return Build(place)


def drain(member: QueueMember, limit: int = 99) -> list[int]:
    """Run what comes, at most so many batches."""
    ran: list[int] = []
    while len(ran) < limit and (batch := member.claim()) is not None:
        member.finish(batch)
        ran.append(batch)
    return ran


def test_a_shard_takes_its_own_then_the_tail_then_what_others_have_left(build: Build) -> None:
    first, second = build.member(0), build.member(1)
    first.open()
    second.open()

    assert drain(first) == [0, 1, 4, 5, 2, 3]
    assert drain(second) == []
    assert first.is_over()


def test_the_list_of_a_shard_that_never_started_is_left_for_it(build: Build) -> None:
    first = build.member(0)
    first.open()

    assert drain(first) == [0, 1, 4, 5]
    assert first.is_over()

    late = build.member(1)
    late.open()
    assert not first.is_over()
    assert drain(late) == [2, 3]


def test_a_claim_of_a_living_shard_is_waited_for(build: Build) -> None:
    first, second = build.member(0), build.member(1)
    first.open()
    second.open()
    held = second.claim()
    assert held == 2
    drain(first)

    assert first.claim() is None
    assert not first.is_over()
    second.finish(held)
    assert first.is_over()


def test_the_claims_and_the_list_of_a_dead_shard_go_to_others(build: Build) -> None:
    first, dead = build.member(0), build.member(1)
    first.open()
    dead.open()
    assert dead.claim() == 2
    build.silence(1)

    assert sorted(drain(first)) == [0, 1, 2, 3, 4, 5]
    assert first.is_over()


def test_a_shard_that_slept_past_its_lease_stops_before_it_runs_on(build: Build) -> None:
    first, sleeper = build.member(0), build.member(1)
    first.open()
    sleeper.open()
    batch = sleeper.claim()
    assert batch == 2
    build.silence(1)
    drain(first)
    build.now_s += LEASE_S

    for step in (sleeper.check, sleeper.claim, lambda: sleeper.finish(batch)):
        with pytest.raises(LeaseLost, match=r"Shard 2 .*queue-lease-lost"):
            step()


def test_a_sleeper_that_finishes_first_of_all_learns_that_its_claim_is_gone(build: Build) -> None:
    first, sleeper = build.member(0), build.member(1)
    first.open()
    sleeper.open()
    batch = sleeper.claim()
    assert batch is not None
    build.silence(1)
    drain(first)

    with pytest.raises(LeaseLost):
        sleeper.finish(batch)
    with pytest.raises(LeaseLost):
        sleeper.check()


def test_a_shard_that_is_taken_for_dead_while_it_claims_gives_the_batch_back(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    member = build.member(0)
    member.open()
    door = build.doors[0]
    take: Callable[[int, Owner], bool] = door.take

    def take_late(batch: int, owner: Owner) -> bool:
        door.revoke(owner)
        return take(batch, owner)

    monkeypatch.setattr(door, "take", take_late)
    with pytest.raises(LeaseLost):
        member.claim()
    assert not door.look().claimed


def test_a_second_attempt_replays_what_the_first_finished_in_its_order_and_goes_on(build: Build) -> None:
    first = build.member(0)
    first.open()
    ran = drain(first, limit=1)
    held = first.claim()
    assert held == 1

    again = build.member(0, attempt=2)
    assert again.open() == ran
    assert drain(again) == [held, 4, 5]
    with pytest.raises(LeaseLost):
        first.finish(held)

    third = build.member(0, attempt=3)
    assert third.open() == [*ran, held, 4, 5]
    assert drain(third) == []


def test_a_shard_that_cannot_see_the_queue_has_not_started(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    first, blind = build.member(0), build.member(1)
    first.open()

    def look() -> QueueState:
        raise QueueUnreachable("away", slug="queue-unreachable")

    monkeypatch.setattr(build.doors[1], "look", look)
    with pytest.raises(QueueUnreachable):
        blind.open()
    assert drain(first) == [0, 1, 4, 5]


def test_leaving_returns_what_is_claimed_at_once(build: Build) -> None:
    first, second = build.member(0), build.member(1)
    first.open()
    second.open()
    second.claim()
    second.leave()

    assert 2 in drain(first)
    assert first.is_over()


def test_the_heartbeat_keeps_a_busy_shard_alive(place: Place) -> None:
    key = uuid4().hex
    busy, other = (QueueMember(place.door(key), [*BATCHES, *TAIL], Owner(shard, "t"), lease_s=2.0) for shard in (0, 1))
    busy.open()
    other.open()
    busy.start_heartbeat()
    other.start_heartbeat()
    held = busy.claim()
    assert held is not None
    time.sleep(2.5)

    assert held not in drain(other)
    busy.finish(held)
    assert other.is_over()
    busy.leave()
    other.leave()


def test_the_heartbeat_survives_a_queue_that_is_away_for_a_moment(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    member = build.member(0)
    member.open()
    door, beaten = build.doors[0], []

    def beat(owner: Owner) -> bool:
        beaten.append(owner)
        if len(beaten) < 3:
            raise QueueUnreachable("away", slug="queue-unreachable")
        return True

    monkeypatch.setattr(door, "beat", beat)
    monkeypatch.setattr("cipredict.act.queue.member._LONGEST_BEAT_S", 0.01)
    member.start_heartbeat()
    deadline_s = time.monotonic() + 10
    while len(beaten) < 4 and time.monotonic() < deadline_s:
        time.sleep(0.01)
    member.leave()

    assert len(beaten) >= 4
