"""A queue to test with, once in a folder and once in a real Redis server, which is skipped where there is none."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol
from uuid import uuid4

import pytest

from cipredict.act.queue.directory import DirectoryQueue
from cipredict.act.queue.interface import Owner, QueueDoor
from cipredict.act.queue.redis import RedisQueue

BATCHES = 6


class Place(Protocol):
    """Where queues are."""

    def door(self, key: str, *, batches: int = BATCHES) -> QueueDoor:
        """Give the door of one more process."""

    def age(self, key: str, owner: Owner) -> None:
        """Make a heartbeat look old."""


class Folder:
    def __init__(self, path: Path) -> None:
        self.path = path

    def door(self, key: str, *, batches: int = BATCHES) -> QueueDoor:
        return DirectoryQueue(self.path, key, batches=batches, token=uuid4().hex)

    def age(self, key: str, owner: Owner) -> None:
        registration = self.path / key / "shards" / f"{owner.shard}~{owner.token}"
        if registration.exists():
            os.utime(registration, (0, 0))


class Server:
    def __init__(self, url: str) -> None:
        self.url = url

    def door(self, key: str, *, batches: int = BATCHES) -> QueueDoor:  # noqa: ARG002  # a server holds what is taken
        return RedisQueue(self.url, key)

    def age(self, key: str, owner: Owner) -> None:
        import redis  # noqa: PLC0415  # of the extra queue

        client = redis.Redis.from_url(self.url, decode_responses=True)
        name = f"cipredict:{{{key}}}:shards"
        held = str(client.hget(name, str(owner.shard)) or "")
        if held.startswith(owner.token):
            client.hset(name, str(owner.shard), f"{owner.token} 1")
        client.close()


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """Start a Redis server for the tests."""
    pytest.importorskip("redis", reason="needs the extra queue")
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("needs redis-server on PATH")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    server = subprocess.Popen([program, *options], stdout=subprocess.DEVNULL)
    try:
        _wait_for_port(port)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        server.terminate()
        server.wait()


def _wait_for_port(port: int) -> None:
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    pytest.fail("the Redis server does not start")


@pytest.fixture(params=["directory", "redis"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """Give each kind of place in turn."""
    if request.param == "directory":
        return Folder(tmp_path / "queues")
    return Server(request.getfixturevalue("redis_url"))


@pytest.fixture
def new_door(place: Place) -> Callable[[], QueueDoor]:
    """Give doors to one and the same queue."""
    key = uuid4().hex
    return lambda: place.door(key)
