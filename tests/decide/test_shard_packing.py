"""Laws of packing: nothing is lost, bounds hold, few items are packed as well as brute force does."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cipredict.decide.exact import MAX_ITEMS, crowded_bound_s, pack_exactly
from cipredict.decide.packing import TOLERANCE_SHARE, Items, Worker, finish_times, lower_bound_s, pack_longest_first
from cipredict.decide.parallelism import worthwhile_processes
from cipredict.decide.rebalance import closest_subset, rebalance
from cipredict.decide.strategies import pack, pack_optimally, pack_predictively
from cipredict.plans.shard_plan import Strategy

GIB = 2**30
SECONDS = st.lists(st.floats(0, 1000, allow_subnormal=False), max_size=40)
FEW_SECONDS = st.lists(st.floats(0.01, 100), min_size=1, max_size=7)
SHARDS = st.integers(1, 9)


def items(seconds: list[float], late_s: list[float] | None = None, memory: list[int] | None = None) -> Items:
    return Items(seconds, late_s or [0.0] * len(seconds), memory or [0] * len(seconds))


def equal(count: int) -> list[Worker]:
    return [Worker(str(number)) for number in range(count)]


def end_s(homes: list[int], packed: Items, workers: list[Worker]) -> float:
    return max(finish_times(homes, packed, workers))


def best_end_s(packed: Items, workers: list[Worker]) -> float:
    """The oracle: every possible packing."""
    return min(
        end_s(list(homes), packed, workers) for homes in product(range(len(workers)), repeat=len(packed.seconds))
    )


@given(SECONDS, SHARDS)
def test_longest_first_is_within_grahams_bound_of_the_lower_bound_on_the_best(
    seconds: list[float], shards: int
) -> None:
    packed, workers = items(seconds), equal(shards)
    homes = pack_longest_first(packed, workers)
    assert [0 <= home < shards for home in homes] == [True] * len(seconds)
    best_s = end_s(pack_optimally(packed, workers), packed, workers)
    assert end_s(homes, packed, workers) <= best_s * (4 / 3 - 1 / (3 * shards)) * (1 + 1e-9)


@given(SECONDS, SHARDS)
def test_no_packing_ends_before_the_lower_bounds(seconds: list[float], shards: int) -> None:
    packed, workers = items(seconds), equal(shards)
    reached_s = end_s(pack_optimally(packed, workers), packed, workers)
    assert reached_s >= lower_bound_s(packed, workers) * (1 - 1e-9)
    assert reached_s >= crowded_bound_s(seconds, shards) * (1 - 1e-9)


@given(FEW_SECONDS, st.integers(1, 3))
def test_few_items_are_packed_as_well_as_brute_force_does(seconds: list[float], shards: int) -> None:
    packed, workers = items(seconds), equal(shards)
    reached_s = end_s(pack_optimally(packed, workers), packed, workers)
    assert reached_s <= best_end_s(packed, workers) * (1 + TOLERANCE_SHARE)


def test_eight_items_on_four_workers_are_packed_as_well_as_brute_force_does() -> None:
    packed, workers = items([7.1, 6.9, 5.2, 5.1, 4.9, 4.0, 3.1, 3.0]), equal(4)
    assert end_s(pack_optimally(packed, workers), packed, workers) == pytest.approx(best_end_s(packed, workers))


def test_exact_search_beats_longest_first_where_that_is_known_to_fail() -> None:
    packed, workers = items([5.0, 5.0, 4.0, 4.0, 3.0, 3.0, 3.0]), equal(3)
    assert end_s(pack_longest_first(packed, workers), packed, workers) == 11.0
    assert end_s(pack_exactly([0] * 7, packed.seconds, workers=3), packed, workers) == 9.0


def test_exact_search_leaves_many_items_alone() -> None:
    homes = [0] * (MAX_ITEMS + 1)
    assert pack_exactly(homes, [1.0] * len(homes), workers=2) is homes


def test_exact_search_gives_up_with_the_best_seen() -> None:
    seconds = [1 + 0.37 * ((number * 7919) % 101) / 101 for number in range(MAX_ITEMS)]
    homes = pack_longest_first(items(seconds), equal(9))
    found = pack_exactly(homes, seconds, workers=9)
    assert end_s(found, items(seconds), equal(9)) <= end_s(homes, items(seconds), equal(9))


@given(
    st.lists(st.tuples(st.floats(0, 100), st.floats(0, 50), st.integers(0, 6)), max_size=30),
    st.lists(st.tuples(st.sampled_from([0.5, 1.0, 2.0]), st.integers(4, 6)), min_size=1, max_size=5),
)
def test_rebalancing_never_ends_later_and_respects_memory(
    rows: list[tuple[float, float, int]], able: list[tuple[float, int]]
) -> None:
    packed = items([row[0] for row in rows], [row[1] for row in rows], [row[2] * GIB for row in rows])
    workers = [Worker(str(at), speed, room * GIB) for at, (speed, room) in enumerate(able)]
    first = pack_longest_first(packed, workers)
    better = rebalance(first, packed, workers)
    assert end_s(better, packed, workers) <= end_s(first, packed, workers) * (1 + 1e-9)
    roomiest = max(worker.room_bytes for worker in workers)
    for home, memory in zip(better, packed.memory_bytes, strict=True):
        assert min(memory, roomiest) <= workers[home].room_bytes


@given(
    st.lists(st.tuples(st.floats(0.01, 100), st.integers(0, 6)), min_size=1, max_size=5),
    st.lists(st.tuples(st.sampled_from([0.5, 1.0, 2.0]), st.integers(4, 6)), min_size=1, max_size=3),
)
def test_the_lower_bound_holds_for_workers_that_differ(
    rows: list[tuple[float, int]], able: list[tuple[float, int]]
) -> None:
    packed = items([row[0] for row in rows], memory=[row[1] * GIB for row in rows])
    workers = [Worker(str(at), speed, room * GIB) for at, (speed, room) in enumerate(able)]
    roomiest = max(worker.room_bytes for worker in workers)
    legal_s = [
        end_s(list(homes), packed, workers)
        for homes in product(range(len(workers)), repeat=len(rows))
        if all(
            min(memory, roomiest) <= workers[home].room_bytes
            for home, memory in zip(homes, packed.memory_bytes, strict=True)
        )
    ]
    assert lower_bound_s(packed, workers) <= min(legal_s) * (1 + 1e-9)


@given(st.lists(st.floats(0, 100), max_size=10), st.floats(0, 300))
def test_the_closest_subset_is_as_close_as_units_allow(seconds: list[float], wanted_s: float) -> None:
    chosen = closest_subset(seconds, wanted_s)
    subsets = product([False, True], repeat=len(seconds))
    best_s = min(
        abs(sum(s for s, taken in zip(seconds, subset, strict=True) if taken) - wanted_s) for subset in subsets
    )
    unit_s = sum(seconds) / (1 << 15)
    assert len(set(chosen)) == len(chosen)
    assert abs(sum(seconds[at] for at in chosen) - wanted_s) <= best_s + unit_s * (len(seconds) + 2) + 1e-9


def test_items_without_length_are_spread() -> None:
    assert sorted(pack_longest_first(items([0.0] * 6), equal(3))) == [0, 0, 1, 1, 2, 2]


def test_a_fast_worker_gets_more() -> None:
    packed, workers = items([1.0] * 30), [Worker("fast", speed=2.0), Worker("slow")]
    assert pack_optimally(packed, workers).count(0) == 20


def test_hungry_items_go_where_there_is_memory_and_push_the_others_away() -> None:
    packed = items([1.0] * 8, memory=[6 * GIB] * 4 + [GIB] * 4)
    workers = [Worker("small", memory_bytes=4 * GIB), Worker("large", memory_bytes=8 * GIB)]
    assert pack_predictively(packed, workers, overhead_s=0.0) == [1, 1, 1, 1, 0, 0, 0, 0]


def test_an_item_too_large_for_every_worker_goes_to_the_roomiest() -> None:
    packed = items([1.0, 1.0], memory=[9 * GIB, 0])
    workers = [Worker("small", memory_bytes=GIB), Worker("large", memory_bytes=2 * GIB)]
    assert pack_predictively(packed, workers, overhead_s=0.0)[0] == 1


def test_predictive_spreads_doubtful_items_over_workers() -> None:
    packed = items([10.0, 10.0, 10.0, 10.0], late_s=[20.0, 20.0, 0.0, 0.0])
    homes = pack_predictively(packed, equal(2), overhead_s=0.0)
    assert homes[0] != homes[1]


def test_predictive_starts_no_worker_that_hardly_helps() -> None:
    assert set(pack_predictively(items([0.1] * 10), equal(4), overhead_s=120.0)) == {0}
    assert set(pack_predictively(items([60.0] * 10), equal(4), overhead_s=120.0)) == {0, 1, 2, 3}


def test_predictive_does_not_leave_out_the_only_worker_with_memory() -> None:
    workers = [Worker("a", memory_bytes=GIB), Worker("b", memory_bytes=4 * GIB)]
    homes = pack_predictively(items([0.1, 0.1], memory=[2 * GIB, 0]), workers, overhead_s=60.0)
    assert homes[0] == 1


@pytest.mark.parametrize("strategy", Strategy)
def test_every_strategy_places_every_item(strategy: Strategy) -> None:
    homes = pack(strategy, items([3.0, 2.0, 1.0]), equal(2), overhead_s=0.0)
    assert [home in {0, 1} for home in homes] == [True, True, True]
    assert pack(strategy, items([]), equal(2)) == []


@pytest.mark.parametrize(
    ("seconds", "memory", "room", "expected"),
    [
        pytest.param([], [], 1, 1, id="an empty shard needs one"),
        pytest.param([0.1] * 100, [0] * 100, 1, 3, id="a short shard is not worth many"),
        pytest.param([100.0, 50.0, 50.0], [0] * 3, 1, 2, id="the longest case is the floor"),
        pytest.param([30.0] * 9, [0] * 9, 1, 9, id="one for each case at most"),
        pytest.param([30.0] * 9, [2 * GIB] * 9, 5 * GIB, 2, id="the hungriest must fit at once"),
        pytest.param([30.0] * 9, [9 * GIB] * 9, 5 * GIB, 1, id="one even where that one does not fit"),
    ],
)
def test_processes_worth_starting(seconds: list[float], memory: list[int], room: int, expected: int) -> None:
    assert worthwhile_processes(seconds, memory, room_bytes=room) == expected
