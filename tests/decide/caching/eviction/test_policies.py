"""Laws of every policy on arbitrary traces, and what each of them is about."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cipredict.cache_records import NEVER, CacheOutcome, CacheRequest
from cipredict.decide.caching.eviction.bounds import Belady
from cipredict.decide.caching.eviction.interface import Cache, Policy
from cipredict.decide.caching.eviction.policies import NAMES, choose_policies, make_policy
from cipredict.decide.caching.eviction.simulation import simulate
from cipredict.errors import UsageError

SIZES = (1, 2, 3, 5, 8, 40)


def next_uses(requests: Sequence[CacheRequest]) -> list[int]:
    """The oracle of the oracle: look ahead from every request."""
    keys = [request.key for request in requests]
    return [
        next((later for later in range(at + 1, len(keys)) if keys[later] == key), NEVER) for at, key in enumerate(keys)
    ]


def sized(key: int) -> CacheRequest:
    """A key of one of four streams; its size and cost never change."""
    return CacheRequest(key, SIZES[key % len(SIZES)], f"stream {key % 4}", 1.0 + key % 3, 0.25, "deps")


def unit(key: int) -> CacheRequest:
    return CacheRequest(key, 1, key)


def make(name: str, capacity: int, requests: Sequence[CacheRequest]) -> Policy:
    return make_policy(name, capacity, next_uses(requests).__getitem__)


def outcomes(policy: Policy, requests: Sequence[CacheRequest]) -> list[CacheOutcome]:
    return [policy.access(request) for request in requests]


def misses(policy: Policy, requests: Sequence[CacheRequest]) -> int:
    return sum(outcome is not CacheOutcome.EXACT for outcome in outcomes(policy, requests))


keys = st.lists(st.integers(0, 14), max_size=120)


@pytest.mark.parametrize("name", NAMES)
@given(keys=keys, capacity=st.integers(1, 60))
@settings(max_examples=60, deadline=None)
def test_no_policy_ever_holds_more_than_its_capacity(name: str, keys: list[int], capacity: int) -> None:
    requests = [sized(key) for key in keys]
    policy = make(name, capacity, requests)

    for request in requests:
        policy.access(request)
        assert policy.used_bytes <= capacity


@pytest.mark.parametrize("name", [name for name in NAMES if name != "adaptive"])
@given(keys=keys, capacity=st.integers(1, 60))
@settings(max_examples=40, deadline=None)
def test_what_is_counted_is_what_is_there(name: str, keys: list[int], capacity: int) -> None:
    requests = [sized(key) for key in keys]
    policy = make(name, capacity, requests)
    outcomes(policy, requests)

    assert isinstance(policy, Cache)
    assert policy.used_bytes == sum(entry.size_bytes for entry in policy.entries.values())
    assert policy.versions == {
        stream: sum(entry.stream == stream for entry in policy.entries.values())
        for stream in {entry.stream for entry in policy.entries.values()}
    }


@pytest.mark.parametrize("name", NAMES)
@given(keys=keys, capacity=st.integers(1, 12))
@settings(max_examples=60, deadline=None)
def test_belady_misses_no_more_than_any_policy_where_sizes_are_equal(name: str, keys: list[int], capacity: int) -> None:
    requests = [unit(key) for key in keys]

    assert misses(make("belady", capacity, requests), requests) <= misses(make(name, capacity, requests), requests)


@pytest.mark.parametrize("name", NAMES)
def test_whatever_fits_stays(name: str) -> None:
    """Every second round of keys that fit together is exact, but for versions that a policy puts out on purpose."""
    requests = [unit(key) for key in (1, 2, 3, 1, 2, 3)]

    assert [0, 0, 0, 2, 2, 2] == outcomes(make(name, 100, requests), requests)


@pytest.mark.parametrize("name", NAMES)
def test_an_entry_larger_than_the_cache_is_never_admitted(name: str) -> None:
    requests = [unit(1), CacheRequest(2, 11, 2), CacheRequest(2, 11, 2), unit(1)]
    policy = make(name, 10, requests)

    assert [0, 0, 0, 2] == outcomes(policy, requests)


@given(keys=keys, capacity=st.integers(1, 60))
@settings(max_examples=60, deadline=None)
def test_superseded_first_is_lru_where_nothing_has_versions(keys: list[int], capacity: int) -> None:
    requests = [sized(key)._replace(stream=key) for key in keys]

    assert outcomes(make("lru", capacity, requests), requests) == outcomes(
        make("superseded-first", capacity, requests), requests
    )


@given(keys=keys, capacity=st.integers(1, 60))
@settings(max_examples=60, deadline=None)
def test_lru_agrees_with_a_list_in_order_of_use(keys: list[int], capacity: int) -> None:
    requests = [sized(key) for key in keys]
    in_order: list[CacheRequest] = []
    expected = []
    for request in requests:
        expected.append(request in in_order)
        if request in in_order:
            in_order.remove(request)
        elif request.size_bytes > capacity:
            continue
        in_order.append(request)
        while sum(entry.size_bytes for entry in in_order) > capacity:
            in_order.pop(0)

    found = outcomes(make("lru", capacity, requests), requests)

    assert expected == [outcome is CacheOutcome.EXACT for outcome in found]


def version(stream: str, number: int, size_bytes: int = 10) -> CacheRequest:
    return CacheRequest(f"{stream}{number}", size_bytes, f"stream {stream}", 100.0, 0.05)


def test_superseded_first_gives_up_the_old_version_although_it_was_used_last() -> None:
    requests = [version("b", 1), version("a", 1), version("a", 2), version("a", 2), version("c", 1)]
    policy = make("superseded-first", 30, requests)
    outcomes(policy, requests)

    assert isinstance(policy, Cache)
    assert {"b1", "a2", "c1"} == set(policy.entries)


def test_a_version_that_is_asked_for_again_is_the_current_one() -> None:
    requests = [version("a", 1), version("a", 2), version("a", 1), version("b", 1)]
    policy = make("superseded-first", 20, requests)
    outcomes(policy, requests)

    assert isinstance(policy, Cache)
    assert {"a1", "b1"} == set(policy.entries)


def test_keep_one_holds_one_version_and_its_prefix_is_found_first() -> None:
    requests = [version("a", 1), version("a", 2), version("a", 1)]
    policy = make("keep-one-per-stream", 1000, requests)

    assert [CacheOutcome.MISS, CacheOutcome.PREFIX, CacheOutcome.PREFIX] == outcomes(policy, requests)
    assert 10 == policy.used_bytes


def test_gdsf_keeps_what_costs_more_per_byte() -> None:
    dear, cheap = CacheRequest("dear", 10, "dear", 90.0), CacheRequest("cheap", 10, "cheap", 1.0)
    requests = [dear, cheap, CacheRequest("new", 10, "new", 5.0), dear, cheap]

    assert [0, 0, 0, 2, 0] == outcomes(make("gdsf", 20, requests), requests)


def test_lfu_keeps_what_was_used_more_often() -> None:
    assert [0, 2, 0, 0, 2, 0] == outcomes(make("lfu", 2, []), [unit(key) for key in (1, 1, 2, 3, 1, 2)])


def test_sieve_spares_what_was_used_since_its_hand_passed() -> None:
    assert [0, 0, 2, 0, 2, 0] == outcomes(make("sieve", 2, []), [unit(key) for key in (1, 2, 1, 3, 1, 2)])


def test_a_scan_does_not_wash_out_what_s3_fifo_and_arc_hold() -> None:
    often = [unit(key) for _ in range(4) for key in range(5)]
    scan = [unit(1000 + key) for key in range(200)]
    requests = [*often, *scan, *often[:5]]

    for name in ("s3-fifo", "arc"):
        assert [2] * 5 == outcomes(make(name, 10, requests), requests)[-5:], name
    assert [0] * 5 == outcomes(make("lru", 10, requests), requests)[-5:]


def test_belady_does_not_store_what_comes_again_later_than_everything_else() -> None:
    requests = [unit(key) for key in (1, 2, 3, 1, 2, 3)]

    assert [0, 0, 0, 2, 2, 0] == outcomes(make("belady", 2, requests), requests)


def test_belady_forgets_outdated_positions() -> None:
    requests = [unit(key % 3) for key in range(5000)]
    policy = make_policy("belady", 2, [at + 3 for at in range(5000)].__getitem__)
    outcomes(policy, requests)

    assert isinstance(policy, Belady)
    assert len(policy._furthest._heap) < 3000  # what memory depends on


def test_shares_add_up_and_prefixes_cost_what_is_left() -> None:
    requests = [version("a", 1), version("a", 2), version("a", 2), version("b", 1)]
    [result] = simulate(requests, [make("lru", 1000, requests)])

    assert (4, 0.25, 0.25, 0.5) == (result.requests, result.exact_share, result.prefix_share, result.miss_share)
    assert 0.75 == result.cost_share == result.byte_miss_share
    assert (100 + 5 + 100) / 400 == result.effective_cost_share
    assert 30 == result.most_used_bytes


def test_an_empty_trace_is_no_division_by_zero() -> None:
    [result] = simulate([], [make("lru", 1000, [])])

    assert (0, 0.0, 0.0) == (result.requests, result.miss_share, result.effective_cost_share)


def test_names_are_chosen_in_the_order_of_the_table() -> None:
    assert ("lru", "belady") == choose_policies("belady, lru")
    assert choose_policies("all") == NAMES


@pytest.mark.parametrize("text", ["clock", "", "lru,clock"])
def test_an_unknown_policy_is_refused_by_name(text: str) -> None:
    with pytest.raises(UsageError, match="choose all, or some of lru, fifo") as refused:
        choose_policies(text)
    assert refused.value.slug == "cache-policy"


def test_a_bound_without_the_future_is_a_bug_of_ours() -> None:
    with pytest.raises(ValueError, match="belady needs the future"):
        make_policy("belady", 10)
