"""A queue in a Redis server: two hashes, changed by scripts, which Redis runs one at a time.

::

    cipredict:{<key>}:batches    7 -> "claimed 2 f3a1"  or "done 2 0 f3a1"; without a field it is pending
    cipredict:{<key>}:shards     2 -> "f3a1 1767225600.5", the last heartbeat; "- 0" once it is revoked

Times are the server's. Every script gives its owner the same answer when it is sent again, for the client sends again
what got no answer. A queue expires a week after its last registration.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from cipredict.act.queue.interface import Done, Owner, QueueState, QueueUnreachable

if TYPE_CHECKING:
    from redis import Redis
    from redis.commands.core import Script

_KEEP_S = 7 * 86_400
_TIMEOUT_S = 5.0
_RETRIES = 3
_REVOKED = "-"

_NOW = "local t = redis.call('time'); local now = t[1] .. '.' .. string.format('%06d', t[2]);"
_REGISTER = f"{_NOW} redis.call('hset', KEYS[1], ARGV[1], ARGV[2] .. ' ' .. now); return 1"
_BEAT = f"""{_NOW} local held = redis.call('hget', KEYS[1], ARGV[1])
if not held or string.match(held, '^%S+') ~= ARGV[2] then return 0 end
redis.call('hset', KEYS[1], ARGV[1], ARGV[2] .. ' ' .. now); return 1"""
_REVOKE = """local held = redis.call('hget', KEYS[1], ARGV[1])
if held and string.match(held, '^%S+') == ARGV[2] then redis.call('hset', KEYS[1], ARGV[1], '- 0') end; return 1"""
_TAKE = """local held = redis.call('hget', KEYS[1], ARGV[1])
if not held then redis.call('hset', KEYS[1], ARGV[1], ARGV[2]); return 1 end
return held == ARGV[2] and 1 or 0"""
_FINISH = """local held = redis.call('hget', KEYS[1], ARGV[1])
if held == ARGV[2] then redis.call('hset', KEYS[1], ARGV[1], ARGV[3]); return 1 end
return held == ARGV[3] and 1 or 0"""
_GIVE_BACK = (
    """if redis.call('hget', KEYS[1], ARGV[1]) == ARGV[2] then redis.call('hdel', KEYS[1], ARGV[1]) end; return 1"""
)


class RedisQueue:
    """The door to one queue in a server."""

    def __init__(self, url: str, key: str) -> None:
        try:
            import redis  # noqa: PLC0415  # of the extra `queue`; loads when the queue is used
            from redis.backoff import ExponentialBackoff  # noqa: PLC0415
            from redis.retry import Retry  # noqa: PLC0415
        except ImportError as error:
            message = 'A queue in Redis needs its client: pip install "cipredict[queue]".'
            raise QueueUnreachable(message, slug="queue-unreachable") from error
        self._failures = (redis.RedisError, OSError, ValueError)
        self._batches, self._shards = f"cipredict:{{{key}}}:batches", f"cipredict:{{{key}}}:shards"
        with self._reachable():
            self._client: Redis = redis.Redis.from_url(
                url,
                decode_responses=True,
                socket_timeout=_TIMEOUT_S,
                socket_connect_timeout=_TIMEOUT_S,
                retry=Retry(ExponentialBackoff(cap=1.0, base=0.05), _RETRIES),
            )
        self._scripts: dict[str, Script] = {}

    def register(self, owner: Owner) -> None:
        """Replace whatever attempt was registered."""
        self._run(_REGISTER, self._shards, owner.shard, owner.token)
        with self._reachable():
            self._client.expire(self._shards, _KEEP_S)

    def beat(self, owner: Owner) -> bool:
        """Note the server's time, if the owner is registered."""
        return self._run(_BEAT, self._shards, owner.shard, owner.token)

    def revoke(self, owner: Owner) -> None:
        """Leave a mark that the shard was here."""
        self._run(_REVOKE, self._shards, owner.shard, owner.token)

    def look(self) -> QueueState:
        """Read both hashes in one transaction."""
        with self._reachable():
            pipeline = self._client.pipeline(transaction=True)
            pipeline.hgetall(self._batches)
            pipeline.hgetall(self._shards)
            pipeline.time()
            batches, shards, (seconds, microseconds) = pipeline.execute()
            return _state(batches, shards, now_s=seconds + microseconds / 1e6)

    def take(self, batch: int, owner: Owner) -> bool:
        """Claim the batch, if nobody has it."""
        taken = self._run(_TAKE, self._batches, batch, _claim(owner))
        with self._reachable():
            self._client.expire(self._batches, _KEEP_S)
        return taken

    def finish(self, batch: int, owner: Owner, *, position: int) -> bool:
        """Replace the owner's claim."""
        return self._run(_FINISH, self._batches, batch, _claim(owner), f"done {owner.shard} {position} {owner.token}")

    def give_back(self, batch: int, owner: Owner) -> None:
        """Remove the owner's claim."""
        self._run(_GIVE_BACK, self._batches, batch, _claim(owner))

    def close(self) -> None:
        """Close the connections."""
        with self._reachable():
            self._client.close()

    def _run(self, script: str, key: str, *arguments: object) -> bool:
        with self._reachable():
            if script not in self._scripts:
                self._scripts[script] = self._client.register_script(script)
            return bool(self._scripts[script](keys=[key], args=[str(argument) for argument in arguments]))

    @contextmanager
    def _reachable(self) -> Iterator[None]:
        try:
            yield
        except self._failures as error:
            raise QueueUnreachable(f"The Redis server cannot be used: {error}.", slug="queue-unreachable") from error


def _claim(owner: Owner) -> str:
    return f"claimed {owner.shard} {owner.token}"


def _state(batches: Mapping[str, str], shards: Mapping[str, str], *, now_s: float) -> QueueState:
    claimed, done = {}, {}
    for batch, text in batches.items():
        word, shard, *rest = text.split(" ")
        if word == "done":
            done[int(batch)] = Done(int(shard), int(rest[0]))
        else:
            claimed[int(batch)] = Owner(int(shard), rest[0])
    beats = {Owner(int(shard), text.split(" ")[0]): float(text.split(" ")[1]) for shard, text in shards.items()}
    silent_s = {owner: max(0.0, now_s - beat_s) for owner, beat_s in beats.items() if owner.token != _REVOKED}
    return QueueState(claimed, done, silent_s, frozenset(owner.shard for owner in beats))
