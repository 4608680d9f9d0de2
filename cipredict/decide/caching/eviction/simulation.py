"""A trace through policies, all in one reading, and what each of them would have cost."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from cipredict.cache_records import CacheRequest
from cipredict.decide.caching.eviction.interface import EXACT, Policy, effective_cost

_BLOCK = 4096
"""Requests read before the policies take turns: one policy's tables stay in the processor's cache meanwhile."""


@dataclass(frozen=True, slots=True)
class Simulated:
    """What one policy made of a trace.

    Attributes
    ----------
    exact_share, prefix_share, miss_share : of the requests; together 1
    byte_miss_share : of the bytes asked for, those that no exact hit brought
    cost_share : of the cost of rebuilding everything, that of what was no exact hit
    effective_cost_share : as above, but a hit by prefix costs only what is left to rebuild
    most_used_bytes : the highest filling
    switches : of the adaptive policy, where it took up another one
    """

    policy: str
    capacity_bytes: int
    requests: int
    exact_share: float
    prefix_share: float
    miss_share: float
    byte_miss_share: float
    cost_share: float
    effective_cost_share: float
    most_used_bytes: int
    switches: tuple[tuple[int, str], ...] = ()


class _Tally:
    """Counts and sums while a policy serves."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.outcomes = [0, 0, 0]
        self.bytes = self.missed_bytes = self.most_used_bytes = 0
        self.cost = self.missed_cost = self.effective_cost = 0.0

    def serve(self, block: Sequence[CacheRequest]) -> None:
        """Serve some requests."""
        access, outcomes = self.policy.access, self.outcomes
        for request in block:
            outcome = access(request)
            outcomes[outcome] += 1
            if outcome is not EXACT:
                self.missed_bytes += request.size_bytes
                self.missed_cost += request.cost
                self.effective_cost += effective_cost(request, outcome)
                self.most_used_bytes = max(self.most_used_bytes, self.policy.used_bytes)
        self.bytes += sum(request.size_bytes for request in block)
        self.cost += sum(request.cost for request in block)

    def result(self) -> Simulated:
        """Turn sums into shares."""
        requests, cost = sum(self.outcomes), self.cost or 1.0
        miss, prefix, exact = (number / max(1, requests) for number in self.outcomes)
        return Simulated(
            policy=self.policy.name,
            capacity_bytes=self.policy.capacity_bytes,
            requests=requests,
            exact_share=exact,
            prefix_share=prefix,
            miss_share=miss,
            byte_miss_share=self.missed_bytes / (self.bytes or 1),
            cost_share=self.missed_cost / cost,
            effective_cost_share=self.effective_cost / cost,
            most_used_bytes=self.most_used_bytes,
            switches=tuple(self.policy.switches),
        )


def simulate(requests: Iterable[CacheRequest], policies: Iterable[Policy]) -> list[Simulated]:
    """Serve the requests with every policy; memory holds a block of them and what the policies keep."""
    tallies = [_Tally(policy) for policy in policies]
    for block in _blocks(requests):
        for tally in tallies:
            tally.serve(block)
    return [tally.result() for tally in tallies]


def _blocks(requests: Iterable[CacheRequest]) -> Iterator[list[CacheRequest]]:
    remaining = iter(requests)
    while block := list(islice(remaining, _BLOCK)):
        yield block
