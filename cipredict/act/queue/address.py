"""Where a queue is: `dir:PATH` or `redis://HOST:PORT/DB`, with `lease` and `wait` as parameters, such as `?lease=30s`.

Parameters that are not ours stay in the address, for the Redis client has its own.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

from cipredict.act.queue.interface import QueueDoor
from cipredict.errors import UsageError
from cipredict.quantities import parse_seconds

_REDIS_SCHEMES = {"redis", "rediss", "unix"}
LEASE_S = 60.0
WAIT_S = 600.0


@dataclass(frozen=True, slots=True)
class QueueAddress:
    """A place, not a queue: one place holds the queues of many builds.

    Attributes
    ----------
    scheme : dir, or one of the Redis client's
    place : path of the folder, or the address for the Redis client
    lease_s : a shard that is silent for longer is dead
    wait_s : an idle shard waits so long for others that are alive, to help when one dies
    """

    scheme: str
    place: str
    lease_s: float = LEASE_S
    wait_s: float = WAIT_S

    def __str__(self) -> str:
        """Name the place without user name and password."""
        if self.scheme == "dir":
            return f"dir:{self.place}"
        parts = urlsplit(self.place)
        return f"{self.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def parse_address(text: str, *, option: str) -> QueueAddress:
    """Read an address.

    Raises
    ------
    UsageError
        Neither a folder nor a Redis server, or a duration that cannot be meant.

    >>> parse_address("dir:/tmp/queue?lease=30s", option="--queue")
    QueueAddress(scheme='dir', place='/tmp/queue', lease_s=30.0, wait_s=600.0)
    """
    scheme, _, rest = text.partition(":")
    path, _, query = rest.partition("?")
    if (scheme not in _REDIS_SCHEMES and scheme != "dir") or not path.strip("/"):
        raise UsageError(f"{option}: '{text}' is neither dir:PATH nor redis://HOST:PORT/DB.", slug="queue-address")
    found = dict(parse_qsl(query))
    lease_s = parse_seconds(found.pop("lease", str(LEASE_S)), option=f"{option} lease")
    wait = found.pop("wait", str(WAIT_S))
    wait_s = 0.0 if wait == "0" else parse_seconds(wait, option=f"{option} wait")
    place = path if scheme == "dir" else f"{scheme}:{path}" + (f"?{urlencode(found)}" if found else "")
    return QueueAddress(scheme, place, lease_s, wait_s)


def queue_key(plan_id: str, build: str) -> str:
    """Name the queue of a plan in a build: equal on all shards and attempts of it."""
    return f"{plan_id}-{hashlib.sha256(build.encode()).hexdigest()[:12]}"


def open_door(address: QueueAddress, key: str, *, batches: int, token: str) -> QueueDoor:
    """Give the door to a queue; raises QueueUnreachable where nothing can be reached."""
    if address.scheme == "dir":
        from cipredict.act.queue.directory import DirectoryQueue  # noqa: PLC0415  # one of two doors is used

        return DirectoryQueue(Path(address.place).absolute(), key, batches=batches, token=token)
    from cipredict.act.queue.redis import RedisQueue  # noqa: PLC0415  # one of two doors is used

    return RedisQueue(address.place, key)
