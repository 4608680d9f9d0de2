"""What every policy is: a cache that holds no more than its capacity and says what each request found.

A policy decides who leaves, in `_victim`, and keeps its own order in `_found`, `_added` and `_removed`. Residents,
their bytes and the versions of each stream are counted here, once for all.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Sequence
from typing import ClassVar, Protocol

from cipredict.cache_records import CacheKey, CacheOutcome, CacheRequest

EXACT, PREFIX, MISS = CacheOutcome.EXACT, CacheOutcome.PREFIX, CacheOutcome.MISS
"""Looking a member up in its enum takes as long as a policy takes for a hit."""


class Policy(Protocol):
    """A simulated cache, as the simulator sees it. `switches` is empty but for a policy that takes up others."""

    @property
    def name(self) -> str:
        """The name that users type."""

    @property
    def capacity_bytes(self) -> int:
        """What it may hold."""

    @property
    def used_bytes(self) -> int:
        """What it holds."""

    @property
    def switches(self) -> Sequence[tuple[int, str]]:
        """After how many requests it took up which policy."""

    def access(self, request: CacheRequest) -> CacheOutcome:
        """Serve a request; what was missed is stored afterwards."""


def effective_cost(request: CacheRequest, outcome: CacheOutcome) -> float:
    """Give what is left to rebuild: nothing, all, or what another version of the stream does not cover."""
    if outcome is EXACT:
        return 0.0
    return request.cost * request.prefix_share if outcome is PREFIX else request.cost


class Cache(ABC):
    """A simulated cache of `capacity_bytes`. An entry larger than that is never admitted.

    `entries` holds each resident under the request that brought it, in the order in which they came, unless a policy
    moves them.
    """

    name: ClassVar[str]
    switches: ClassVar[tuple[tuple[int, str], ...]] = ()

    def __init__(self, capacity_bytes: int) -> None:
        self.capacity_bytes = capacity_bytes
        self.used_bytes = 0
        self.entries: OrderedDict[CacheKey, CacheRequest] = OrderedDict()
        self.versions: dict[CacheKey, int] = {}

    def access(self, request: CacheRequest) -> CacheOutcome:
        """Serve a request; what was missed is stored afterwards, as a job saves what it had to build."""
        if request.key in self.entries:
            self._found(request)
            return EXACT
        outcome = PREFIX if request.stream in self.versions else MISS
        if request.size_bytes <= self.capacity_bytes and self._make_room(request):
            self._add(request)
        return outcome

    def _make_room(self, request: CacheRequest) -> bool:
        """Let residents go until the entry fits; False where it shall not be stored after all."""
        most = self.capacity_bytes - request.size_bytes
        while self.used_bytes > most:
            self._remove(self._victim())
        return True

    def _add(self, request: CacheRequest) -> None:
        self.entries[request.key] = request
        self.used_bytes += request.size_bytes
        self.versions[request.stream] = self.versions.get(request.stream, 0) + 1
        self._added(request)

    def _remove(self, key: CacheKey) -> None:
        entry = self.entries.pop(key)
        self.used_bytes -= entry.size_bytes
        others = self.versions[entry.stream] - 1
        if others:
            self.versions[entry.stream] = others
        else:
            del self.versions[entry.stream]
        self._removed(entry)

    @abstractmethod
    def _victim(self) -> CacheKey:
        """Name the resident that leaves; asked only while there is one."""

    def _found(self, request: CacheRequest) -> None:  # noqa: B027  # a hook; not every policy needs it
        """Note a hit."""

    def _added(self, request: CacheRequest) -> None:  # noqa: B027  # as above
        """Note an entry that is resident from now on."""

    def _removed(self, entry: CacheRequest) -> None:  # noqa: B027  # as above
        """Note an entry that no longer is."""
