"""What the adaptive policy takes up, and that it never costs much more than LRU."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest

from cipredict.cache_records import CacheRequest
from cipredict.decide.caching.eviction.adaptive import Adaptive
from cipredict.decide.caching.eviction.policies import make_policy
from cipredict.decide.caching.eviction.simulation import simulate


def unit(key: int) -> CacheRequest:
    return CacheRequest(key, 1, key)


def loop(length: int, requests: int) -> Iterator[CacheRequest]:
    """Round and round over more keys than fit: LRU finds nothing."""
    return (unit(position % length) for position in range(requests))


def drifting(requests: int, seed: int) -> Iterator[CacheRequest]:
    """Recent keys, ever newer ones: what LRU is made for."""
    random, newest = Random(seed), 0  # noqa: S311  # no secret
    for _ in range(requests):
        newest += random.random() < 0.1
        yield unit(max(0, newest - int(random.expovariate(0.05))) + 10**6)


def versions(requests: int) -> Iterator[CacheRequest]:
    """Twenty streams, some of them rare, each of which moves on for good: old versions only fill the cache."""
    random = Random(0)  # noqa: S311  # no secret
    for position in range(requests):
        stream = int(20 * random.random() ** 3)
        number = (position + 37 * stream) // 200
        yield CacheRequest(f"{stream}-{number}", 10, f"stream {stream}", 100.0, 0.05)


def effective_costs(requests: list[CacheRequest], capacity: int) -> tuple[float, float, Adaptive]:
    adaptive = Adaptive(capacity)
    ours, lru = simulate(requests, [adaptive, make_policy("lru", capacity)])
    return ours.effective_cost_share, lru.effective_cost_share, adaptive


def test_versions_are_superseded_from_the_first_request_on() -> None:
    requests = list(versions(20_000))
    ours, lru, adaptive = effective_costs(requests, 220)
    [bound] = simulate(requests, [make_policy("superseded-first", 220)])

    assert [(0, "superseded-first")] == adaptive.switches
    assert bound.effective_cost_share == ours < lru


def test_a_loop_too_long_for_lru_is_taken_from_it() -> None:
    ours, lru, adaptive = effective_costs(list(loop(100, 20_000)), 60)

    assert adaptive.serving != "lru"
    assert ours < 0.75 * lru


@pytest.mark.parametrize("length", [2_000, 9_000])
@pytest.mark.parametrize("capacity", [60, 400])
def test_a_world_that_keeps_changing_costs_one_percent_at_most(length: int, capacity: int) -> None:
    """Loops, in which LRU loses, lure it away; then come times in which nothing beats LRU."""
    requests = [
        request
        for turn in range(40_000 // length)
        for request in (loop(capacity * 3 // 2, length) if turn % 2 else drifting(length, seed=turn))
    ]
    ours, lru, _ = effective_costs(requests, capacity)

    assert ours <= 1.01 * lru


def test_a_policy_that_turns_bad_is_dropped_for_lru() -> None:
    requests = [*loop(100, 10_000), *drifting(40_000, seed=5)]
    ours, lru, adaptive = effective_costs(requests, 60)

    assert adaptive.switches
    assert ours <= 1.01 * lru


def test_large_caches_are_shadowed_by_a_sample() -> None:
    random = Random(3)  # noqa: S311  # no secret
    requests = [unit(int(20_000 ** random.random())) for _ in range(30_000)]
    adaptive = Adaptive(4_000)
    ours, lru = simulate(requests, [adaptive, make_policy("lru", 4_000)])

    assert adaptive._sampled_of > 1  # the point of the test
    assert ours.effective_cost_share <= 1.01 * lru.effective_cost_share


def test_the_same_trace_gives_the_same_result() -> None:
    requests = list(drifting(5_000, seed=1))

    assert effective_costs(requests, 40)[:2] == effective_costs(requests, 40)[:2]
