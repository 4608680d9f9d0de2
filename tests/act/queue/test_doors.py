"""What every door promises: each step happens once, and only for who may take it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cipredict.act.queue.directory import DirectoryQueue
from cipredict.act.queue.interface import Done, Owner, QueueDoor, QueueUnreachable
from cipredict.act.queue.redis import RedisQueue

ANNA, BERT, ANNA_AGAIN = Owner(0, "a1"), Owner(1, "b1"), Owner(0, "a2")
WHO = "t"
Doors = Callable[[], QueueDoor]


def test_a_new_queue_is_pending_and_nobody_was_there(new_door: Doors) -> None:
    state = new_door().look()

    assert (dict(state.claimed), dict(state.done), dict(state.silent_s), state.started) == ({}, {}, {}, frozenset())


def test_a_batch_is_taken_once_and_seen_by_all(new_door: Doors) -> None:
    first, second = new_door(), new_door()

    assert first.take(3, ANNA)
    assert not second.take(3, BERT)
    assert second.look().claimed == {3: ANNA}


def test_of_many_that_take_at_once_one_succeeds(new_door: Doors) -> None:
    doors = [new_door() for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(lambda at: doors[at].take(2, Owner(at, "t")), range(8)))

    assert sum(taken) == 1
    assert doors[0].look().claimed == {2: Owner(taken.index(True), "t")}


def test_only_the_owner_finishes_and_only_once(new_door: Doors) -> None:
    door = new_door()
    door.take(0, ANNA)

    assert not door.finish(0, BERT, position=0)
    assert not door.finish(1, ANNA, position=0)
    assert door.finish(0, ANNA, position=4)
    assert not door.finish(0, ANNA, position=5)
    assert door.look().done == {0: Done(0, 4)}
    assert not door.take(0, BERT)


def test_a_claim_goes_back_only_from_its_owner(new_door: Doors) -> None:
    door = new_door()
    door.take(0, ANNA)
    door.give_back(0, ANNA_AGAIN)
    assert door.look().claimed == {0: ANNA}

    door.give_back(0, ANNA)
    assert not door.finish(0, ANNA, position=0)
    assert door.take(0, BERT)


def test_what_is_done_does_not_go_back(new_door: Doors) -> None:
    door = new_door()
    door.take(0, ANNA)
    door.finish(0, ANNA, position=0)
    door.give_back(0, ANNA)

    assert door.look().done == {0: Done(0, 0)}


def test_who_is_registered_can_beat_until_revoked(new_door: Doors) -> None:
    door = new_door()
    assert not door.beat(ANNA)

    door.register(ANNA)
    assert door.beat(ANNA)
    assert door.look().silent_s[ANNA] < 5

    door.revoke(ANNA)
    assert not door.beat(ANNA)
    state = door.look()
    assert (len(state.silent_s), state.started) == (0, frozenset({0}))


def test_a_second_attempt_replaces_the_first_and_is_not_revoked_with_it(new_door: Doors) -> None:
    door = new_door()
    door.register(ANNA)
    door.register(ANNA_AGAIN)
    door.revoke(ANNA)

    assert not door.beat(ANNA)
    assert door.beat(ANNA_AGAIN)
    assert list(door.look().silent_s) == [ANNA_AGAIN]


def test_a_folder_that_cannot_be_made_is_unreachable(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(QueueUnreachable, match="cannot be used"):
        DirectoryQueue(tmp_path / "file", "key", batches=1, token=WHO)


def test_a_folder_that_is_gone_is_unreachable_and_not_a_lost_claim(tmp_path: Path) -> None:
    door = DirectoryQueue(tmp_path, "key", batches=1, token=WHO)
    door.register(ANNA)
    (tmp_path / "key").rename(tmp_path / "elsewhere")
    for step in (lambda: door.beat(ANNA), lambda: door.take(0, ANNA), door.look):
        with pytest.raises(QueueUnreachable):
            step()


def test_a_folder_with_foreign_files_is_unreachable(tmp_path: Path) -> None:
    door = DirectoryQueue(tmp_path, "key", batches=1, token=WHO)
    (tmp_path / "key" / "done" / "thumbs.db").touch()
    with pytest.raises(QueueUnreachable, match="not ours"):
        door.look()


def test_several_that_make_the_folder_at_once_share_one(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        doors = list(pool.map(lambda at: DirectoryQueue(tmp_path, "key", batches=50, token=str(at)), range(8)))
    for door in doors:
        door.close()

    assert [path.name for path in tmp_path.iterdir()] == ["key"]
    assert len(list((tmp_path / "key" / "pending").iterdir())) == 50


def test_a_server_that_is_not_there_is_unreachable() -> None:
    pytest.importorskip("redis", reason="needs the extra queue")
    with pytest.raises(QueueUnreachable, match="Redis server cannot be used"):
        RedisQueue("redis://127.0.0.1:1/0", "key").register(ANNA)


def test_a_server_of_another_kind_is_unreachable(redis_url: str) -> None:
    import redis  # noqa: PLC0415  # of the extra queue

    client = redis.Redis.from_url(redis_url)
    client.set("cipredict:{foreign}:batches", "text")
    client.close()
    with pytest.raises(QueueUnreachable):
        RedisQueue(redis_url, "foreign").look()
