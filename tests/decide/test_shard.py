"""Laws of shard plans, targets, fallbacks and notes."""

from __future__ import annotations

import random
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cipredict.decide.division import ShardOptions
from cipredict.decide.packing import Worker
from cipredict.decide.shard import MAX_SHARDS, plan_even_split, plan_for_target, plan_shards
from cipredict.errors import EXIT_USAGE, ForecastUnusable, UsageError
from cipredict.forecast.interface import Basis, DurationForecast
from cipredict.ids import case_file
from cipredict.plans.document import MadeFrom, canonical_json
from cipredict.plans.shard_plan import ShardPlan, Strategy

MADE_FROM = MadeFrom("0.1.0", forecast="0123456789ab")


def case(case_id: str, seconds: float, *, memory: int | None = None, basis: Basis = Basis.HISTORY) -> DurationForecast:
    return DurationForecast(case_id, seconds, seconds * 0.5, seconds * 2.0, basis, 5, memory)


def plan(seconds: dict[str, float], shards: int, options: ShardOptions | None = None) -> ShardPlan:
    cases = [case(case_id, value) for case_id, value in seconds.items()]
    return plan_shards(cases, shards, made_from=MADE_FROM, options=options)


def target(seconds: list[float], target_s: float, *, overhead_s: float = 0.0, most: int = 20) -> ShardPlan:
    cases = [case(f"test_{number:03}", value) for number, value in enumerate(seconds)]
    options = ShardOptions(overhead_s=overhead_s)
    return plan_for_target(cases, target_s=target_s, max_shards=most, made_from=MADE_FROM, options=options)


SUITES = st.dictionaries(
    st.builds("test_{}.py::test_{}".format, st.integers(0, 5), st.integers(0, 40)), st.floats(0, 500), max_size=40
)
OPTIONS = st.builds(
    ShardOptions,
    strategy=st.sampled_from(Strategy),
    group_of=st.sampled_from([None, case_file]),
    overhead_s=st.sampled_from([0.0, 30.0]),
)


@given(SUITES, st.integers(1, 9), OPTIONS, st.randoms(use_true_random=False))
def test_every_case_once_whatever_the_order_of_the_input(
    suite: dict[str, float], shards: int, options: ShardOptions, dice: random.Random
) -> None:
    made = plan(suite, shards, options)
    assert sorted(test for shard in made.shards for test in shard.tests) == sorted(suite)
    shuffled = list(suite.items())
    dice.shuffle(shuffled)
    again = plan(dict(shuffled), shards, options)
    assert canonical_json(again.to_document()) == canonical_json(made.to_document())


@given(SUITES, st.integers(1, 9), OPTIONS)
def test_seconds_agree_with_each_other(suite: dict[str, float], shards: int, options: ShardOptions) -> None:
    made = plan(suite, shards, options)
    assert made.makespan_s is not None
    assert made.lower_bound_s is not None
    for shard in made.shards:
        expected_s = sum(suite[test] for test in shard.tests) + (options.overhead_s if shard.tests else 0.0)
        assert shard.estimated_time == pytest.approx(expected_s)
        assert shard.low_s is not None
        assert shard.estimated_time is not None
        assert shard.high_s is not None
        assert shard.low_s <= shard.estimated_time <= shard.high_s
    assert made.lower_bound_s <= made.makespan_s
    assert made.efficiency is None or 0 <= made.efficiency <= 1 + 1e-9


@given(SUITES, st.integers(1, 9), st.sampled_from(Strategy))
def test_files_stay_whole(suite: dict[str, float], shards: int, strategy: Strategy) -> None:
    made = plan(suite, shards, ShardOptions(strategy=strategy, group_of=case_file))
    homes = {(case_file(test), shard.shard_id) for shard in made.shards for test in shard.tests}
    assert len(homes) == len({case_file(test) for test in suite})


def test_lists_stay_together_and_may_name_cases_that_are_not_there() -> None:
    options = ShardOptions(together=(("a", "c", "unknown"), ("c", "d")))
    made = plan({"a": 5.0, "b": 5.0, "c": 5.0, "d": 5.0}, 4, options)
    assert sorted(shard.tests for shard in made.shards if shard.tests) == [("a", "c", "d"), ("b",)]


def test_round_robin_deals_out_by_case_id() -> None:
    made = plan({"d": 1.0, "b": 9.0, "a": 1.0, "c": 1.0}, 2, ShardOptions(strategy=Strategy.ROUND_ROBIN))
    assert [shard.tests for shard in made.shards] == [("a", "c"), ("b", "d")]
    assert made.makespan_s == 10.0


def test_more_shards_than_cases_leave_some_empty_and_unpaid() -> None:
    made = plan({"a": 2.0, "b": 1.0}, 4, ShardOptions(overhead_s=10.0))
    assert [shard.tests for shard in made.shards] == [("a",), ("b",), (), ()]
    assert [shard.estimated_time for shard in made.shards] == [12.0, 11.0, 0.0, 0.0]
    assert "2 of 4 shards are empty: there is nothing left for them." in made.reasons


def test_no_cases_give_empty_shards() -> None:
    made = plan({}, 3, ShardOptions(overhead_s=10.0))
    assert (made.makespan_s, made.efficiency, made.floor, made.reasons[0]) == (
        0.0,
        None,
        None,
        "3 of 3 shards are empty: there is nothing left for them.",
    )


def test_repeated_ids_count_once() -> None:
    made = plan_shards([case("a", 1.0), case("a", 1.0)], 2, made_from=MADE_FROM)
    assert made.makespan_s == 1.0


def test_efficiency_counts_the_shards_that_run() -> None:
    made = plan({"a": 30.0, "b": 20.0}, 3, ShardOptions(overhead_s=10.0))
    assert made.efficiency == 50.0 / (2 * 40.0)


def test_the_interval_adds_cases_by_squares_and_the_run_as_a_whole() -> None:
    cases = [case("a", 3.0), case("b", 4.0)]  # upper bounds are 3 and 4 s later
    made = plan_shards(cases, 1, made_from=MADE_FROM, options=ShardOptions(run_spread_share=0.0))
    assert made.shards[0].high_s == 7.0 + 5.0
    assert made.shards[0].low_s == 7.0 - 2.5
    wider = plan_shards(cases, 1, made_from=MADE_FROM, options=ShardOptions(run_spread_share=1.0))
    assert wider.shards[0].high_s == pytest.approx(7.0 + (25.0 + 49.0) ** 0.5)
    assert wider.shards[0].low_s == 0.0


def test_a_fast_worker_shortens_its_shard() -> None:
    made = plan_shards([case("a", 6.0)], [Worker("slow"), Worker("fast", speed=3.0)], made_from=MADE_FROM)
    assert [(shard.worker, shard.estimated_time) for shard in made.shards] == [("slow", 0.0), ("fast", 2.0)]
    assert made.floor is not None
    assert made.floor.seconds == 2.0


def test_the_floor_is_named_where_it_binds() -> None:
    made = plan({"slow": 50.0, "b": 10.0, "c": 10.0}, 3)
    assert made.floor is not None
    assert (made.floor.name, made.floor.cases, made.floor.seconds, made.floor.is_binding) == ("slow", 1, 50.0, True)
    assert made.reasons == (
        "slow takes 50.0 s, which is the floor: more than 2 shards end no earlier. "
        "Splitting it would save 26.7 s: 3 shards could end after 23.3 s.",
    )


def test_a_group_that_is_the_floor_counts_its_cases() -> None:
    made = plan({"x.py::a": 30.0, "x.py::b": 30.0, "y.py::c": 1.0}, 3, ShardOptions(group_of=case_file))
    assert made.reasons[0].startswith("x.py (2 cases) takes 60.0 s, which is the floor")


def test_a_floor_that_does_not_bind_is_no_reason() -> None:
    made = plan({"a": 10.0, "b": 10.0, "c": 10.0, "d": 10.0}, 2)
    assert made.floor is not None
    assert not made.floor.is_binding
    assert made.reasons == ()


def test_cases_without_length_are_no_floor() -> None:
    made = plan({"a": 0.0}, 2, ShardOptions(overhead_s=30.0))
    assert made.floor is not None
    assert not made.floor.is_binding


def test_starting_for_longer_than_testing_is_a_reason_to_stop_adding_shards() -> None:
    made = plan({str(number): 10.0 for number in range(12)}, 6, ShardOptions(overhead_s=60.0))
    assert made.reasons == (
        "Stop adding shards: each of 6 starts for 60.0 s and tests for 20.0 s. With 2 the run ends after about 120.0 s "
        "instead of 80.0 s and costs 240.0 machine seconds less.",
    )


def test_predictive_says_why_it_leaves_shards_empty() -> None:
    suite = {str(number): 0.1 for number in range(12)}
    made = plan(suite, 4, ShardOptions(strategy=Strategy.PREDICTIVE, overhead_s=100.0))
    assert made.reasons == ("3 of 4 shards are empty: the others end as early without them.",)


def test_memory_that_no_worker_has_is_a_reason() -> None:
    cases = [case("a", 1.0, memory=9), case("b", 1.0, memory=8), case("c", 1.0)]
    made = plan_shards(cases, [Worker("x", memory_bytes=5)], made_from=MADE_FROM)
    assert "No worker has memory enough for a and 1 others." in made.reasons
    assert made.shards[0].peak_memory_bytes == 9


def test_the_fewest_shards_that_meet_the_target() -> None:
    assert len(target([10.0] * 30, 100.0).shards) == 3
    assert len(target([10.0] * 30, 99.0).shards) == 4
    assert len(target([10.0] * 30, 100.0, overhead_s=40.0).shards) == 5
    assert len(target([10.0] * 3, 1000.0).shards) == 1


@given(st.lists(st.floats(0.1, 50), min_size=1, max_size=9), st.floats(5, 100))
def test_no_smaller_number_meets_the_target(seconds: list[float], target_s: float) -> None:
    made = target(seconds, target_s)
    for fewer in range(1, len(made.shards)):
        end_s = plan({f"test_{number:03}": value for number, value in enumerate(seconds)}, fewer).makespan_s
        assert end_s is not None
        assert end_s > target_s


def test_a_target_below_the_longest_case_stops_where_more_shards_do_not_help() -> None:
    made = target([60.0, 30.0, 30.0, 30.0], 10.0)
    assert len(made.shards) == 3
    assert made.reasons[0] == (
        "The target of 10.0 s is not met: 3 shards end after 60.0 s. test_000 takes 60.0 s alone: split it or make it "
        "faster."
    )


def test_a_target_that_needs_more_shards_than_allowed_uses_them_all() -> None:
    made = target([10.0] * 40, 20.0, most=4)
    assert len(made.shards) == 4
    assert made.reasons[0].endswith("4 shards end after 100.0 s. At most 4 shards were allowed.")


def test_a_target_below_the_overhead_says_so() -> None:
    made = target([10.0] * 40, 20.0, overhead_s=30.0)
    assert made.reasons[0].endswith("Starting a job takes 30.0 s alone.")
    assert made.target_s == 20.0


def test_a_target_without_cases_needs_one_shard() -> None:
    assert len(target([], 10.0).shards) == 1


def test_predictive_meets_the_target_even_if_cases_take_longer() -> None:
    cases = [case(f"{number}", 10.0) for number in range(4)]
    options = ShardOptions(strategy=Strategy.PREDICTIVE)
    made = plan_for_target(cases, target_s=41.0, max_shards=9, made_from=MADE_FROM, options=options)
    assert len(made.shards) == 2  # one ends after 40 s, or 20 s later


def test_an_even_split_claims_no_time_and_says_why() -> None:
    made = plan_even_split(["c", "a", "b", "a"], 2, reason="The bundle is missing.", made_from=MADE_FROM)
    assert [shard.tests for shard in made.shards] == [("a", "c"), ("b",)]
    assert (made.fallback, made.fallback_reason, made.makespan_s) == (True, "The bundle is missing.", None)
    assert [shard.estimated_time for shard in made.shards] == [None, None]
    assert made.basis_counts() == {"fallback": 3}
    assert made.reasons == ("No forecast: The bundle is missing. Cases are dealt out evenly by number.",)


def test_an_even_split_keeps_groups_whole() -> None:
    ids = ["x.py::a", "x.py::b", "y.py::c"]
    options = ShardOptions(group_of=case_file)
    made = plan_even_split(ids, 2, reason="None.", made_from=MADE_FROM, options=options)
    assert [shard.tests for shard in made.shards] == [("x.py::a", "x.py::b"), ("y.py::c",)]


@pytest.mark.parametrize("shards", [0, -1, MAX_SHARDS + 1])
def test_an_impossible_number_of_shards_is_a_usage_error(shards: int) -> None:
    with pytest.raises(UsageError, match=f"Cannot divide into {shards} shards") as caught:
        plan({"a": 1.0}, shards)
    assert caught.value.exit_code == EXIT_USAGE


@pytest.mark.parametrize(
    "pool",
    [
        pytest.param([], id="nobody"),
        pytest.param(["a", "a"], id="twice"),
        pytest.param([Worker("a", speed=0.0)], id="without speed"),
        pytest.param([Worker("a", memory_bytes=0)], id="without memory"),
        pytest.param([Worker("a", speed=float("nan"))], id="not a number"),
    ],
)
def test_an_impossible_pool_is_a_usage_error(pool: list[str | Worker]) -> None:
    with pytest.raises(UsageError):
        plan_shards([case("a", 1.0)], pool, made_from=MADE_FROM)


@pytest.mark.parametrize("target_s", [0.0, -5.0, float("nan"), float("inf")])
def test_an_impossible_target_is_a_usage_error(target_s: float) -> None:
    with pytest.raises(UsageError, match="target"):
        target([1.0], target_s)


@pytest.mark.parametrize("overhead_s", [-1.0, float("nan")])
def test_an_impossible_overhead_is_a_usage_error(overhead_s: float) -> None:
    with pytest.raises(UsageError, match="before its first case"):
        plan({"a": 1.0}, 2, ShardOptions(overhead_s=overhead_s))


@pytest.mark.parametrize("seconds", [-1.0, float("nan"), float("inf")])
def test_a_forecast_of_nonsense_is_unusable(seconds: float) -> None:
    with pytest.raises(ForecastUnusable):
        plan({"a": 1.0, "b": seconds}, 2)


def test_planning_needs_neither_numpy_nor_rich() -> None:
    code = "import sys, cipredict.decide.shard; print(sorted({'numpy', 'rich', 'pandas'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
