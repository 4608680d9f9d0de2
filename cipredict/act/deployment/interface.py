"""What a deployment needs of the place it deploys to.

A **release** is a command that starts one server of a version. A **server** is one process of a release on a port. Its
role says what it is for: *stable* ones have proved themselves, *canary* ones are new, and *baseline* ones are the old
release started anew, to compare the canary with.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple, Protocol

from cipredict.errors import CipredictError


class DeployFailed(CipredictError):
    """A deployment cannot go on; what serves is what served before."""

    exit_code = 1


class Role(StrEnum):
    """What a server is for."""

    STABLE = "stable"
    BASELINE = "baseline"
    CANARY = "canary"


@dataclass(frozen=True, slots=True)
class Release:
    """One version of the application; `command` has `{port}` and `{release}` in it."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Server:
    """One process of a release."""

    port: int
    release: Release
    role: Role

    @property
    def command(self) -> tuple[str, ...]:
        """The command of its release with port and release filled in."""
        return self.fill(self.release.command)

    def fill(self, command: tuple[str, ...]) -> tuple[str, ...]:
        """Replace `{port}` and `{release}` in a command."""
        return tuple(word.replace("{port}", str(self.port)).replace("{release}", self.release.name) for word in command)


class Traffic(NamedTuple):
    """What a server has answered since the balancer started.

    Attributes
    ----------
    errors : answers from 500 on, refused and broken connections
    open : requests under way
    memory_bytes : that its process holds now; 0 where unknown
    """

    requests: int
    errors: int
    open: int = 0
    memory_bytes: int = 0


class Target(Protocol):
    """A place that releases are deployed to. Every method may be repeated: it brings about, it does not add."""

    def prepare(self) -> None:
        """Bring up what stands before the servers.

        Raises DeployFailed where that is impossible, saying what is missing.
        """

    def start(self, server: Server) -> None:
        """Start a server; users do not reach it yet."""

    def is_running(self, server: Server) -> bool:
        """Tell whether its process lives."""

    def has_crashed(self, server: Server) -> bool:
        """Tell whether its process has ended by itself since it was started, even if it lives again."""

    def stop(self, server: Server) -> None:
        """End a server that has been drained."""

    def set_weights(self, weights: Mapping[int, int]) -> None:
        """Give each port its share of new requests, in one step; ports that are not named get nothing."""

    def weights(self) -> Mapping[int, int]:
        """Read back the weight of every port that gets requests: from the balancer, not from memory."""

    def drain(self, ports: Iterable[int], *, within_s: float) -> bool:
        """Send no new requests, and wait for those under way; False where some were left after `within_s`."""

    def traffic(self) -> Mapping[int, Traffic]:
        """Read the counters of every port."""

    def answers_s(self) -> Mapping[int, Sequence[float]]:
        """Give the seconds of the latest answers by port, those taken since the last call; empty where unknown."""
