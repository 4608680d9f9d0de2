"""What a shared queue must be able to do, whatever holds it.

A queue belongs to one plan in one build. Its batches are numbers; each is in one state, and every step is atomic::

                take                    finish
    pending ------------> claimed(owner) ------------> done(shard)
       ^------------------------'
                give_back: the owner is no longer registered

A **shard** registers under a token of its own. Whoever finds its heartbeat too old revokes that registration; a second
attempt of the same shard replaces it. What an owner without a registration has claimed goes back. `finish` succeeds
only while the claim is still the owner's, which is why no batch is done twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from cipredict.errors import CipredictError, Degraded


class QueueUnreachable(Degraded):
    """The queue does not answer, or answers nonsense."""


class LeaseLost(CipredictError):
    """The shard was silent for too long, or was started again: others run what it had claimed."""

    exit_code = 1


class Owner(NamedTuple):
    """One attempt of a shard; `shard` counts from 0."""

    shard: int
    token: str


class Done(NamedTuple):
    """Who ran a batch, and as which of its batches, counted from 0."""

    shard: int
    position: int


@dataclass(frozen=True, slots=True)
class QueueState:
    """The queue at one moment; a batch in neither mapping is pending.

    Attributes
    ----------
    silent_s : registered owner → seconds since its last heartbeat
    started : shards that were registered at any time
    """

    claimed: Mapping[int, Owner]
    done: Mapping[int, Done]
    silent_s: Mapping[Owner, float]
    started: frozenset[int]


class QueueDoor(Protocol):
    """A queue, as one process sees it. Safe for two threads. Every method may raise QueueUnreachable."""

    def register(self, owner: Owner) -> None:
        """Enter an attempt, instead of any earlier one of the shard."""

    def beat(self, owner: Owner) -> bool:
        """Say that the owner is alive; False where it is no longer registered."""

    def revoke(self, owner: Owner) -> None:
        """End a registration; nothing happens where it has ended."""

    def look(self) -> QueueState:
        """Give the state. Steps of others may fall in between, so the answer is a hint, not a promise."""

    def take(self, batch: int, owner: Owner) -> bool:
        """Claim a pending batch; False where another was faster."""

    def finish(self, batch: int, owner: Owner, *, position: int) -> bool:
        """Turn the owner's claim into a batch that is done; False where the claim is no longer its."""

    def give_back(self, batch: int, owner: Owner) -> None:
        """Make a batch pending again, if it is still claimed by that owner."""

    def close(self) -> None:
        """Let go of connections."""
