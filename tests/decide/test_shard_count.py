"""How many shards are worth starting: laws of the curve, the choice, and what the plan says about it."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cipredict.decide.division import ShardOptions
from cipredict.decide.packing import Items, Worker, lower_bound_s
from cipredict.decide.shard import plan_shards, plan_worthwhile
from cipredict.decide.shard_count import SMALL_GAIN_SHARE, WORTH_SHARE, count_curve, worthwhile_count
from cipredict.errors import UsageError
from cipredict.forecast.interface import Basis, DurationForecast
from cipredict.ids import case_file
from cipredict.plans.document import MadeFrom
from cipredict.plans.shard_plan import ShardPlan

MADE_FROM = MadeFrom("0.1.0")
SECONDS = st.lists(st.floats(0.01, 500), min_size=1, max_size=40)


def items(seconds: list[float]) -> Items:
    return Items(seconds, [0.0] * len(seconds), [0] * len(seconds))


def worthwhile(seconds: dict[str, float], *, overhead_s: float, most: int = 20, by_file: bool = False) -> ShardPlan:
    cases = [DurationForecast(name, value, value, value, Basis.HISTORY, 5) for name, value in seconds.items()]
    options = ShardOptions(overhead_s=overhead_s, group_of=case_file if by_file else None)
    return plan_worthwhile(cases, max_shards=most, made_from=MADE_FROM, options=options)


@given(SECONDS, st.floats(0, 300), st.integers(1, 30))
def test_the_curve_falls_to_its_bound_and_is_billed_by_whole_minutes(
    seconds: list[float], overhead_s: float, most: int
) -> None:
    curve = count_curve(items(seconds), overhead_s=overhead_s, max_shards=most)

    assert [point.shards for point in curve] == list(range(1, min(most, len(seconds)) + 1))
    for point in curve:
        workers = [Worker(str(number)) for number in range(point.shards)]
        assert point.wall_s == pytest.approx(overhead_s + lower_bound_s(items(seconds), workers))
        assert point.billed_s % 60 == 0
        assert point.billed_s >= point.shards * overhead_s + sum(seconds) - 1e-6
    assert all(later.wall_s <= earlier.wall_s for earlier, later in pairwise(curve))


@given(SECONDS, st.floats(0, 300), st.integers(1, 30))
def test_the_choice_is_the_fewest_that_end_early_enough(seconds: list[float], overhead_s: float, most: int) -> None:
    curve = count_curve(items(seconds), overhead_s=overhead_s, max_shards=most)

    chosen, earliest_s = worthwhile_count(curve), curve[-1].wall_s

    if earliest_s >= curve[0].wall_s * (1 - SMALL_GAIN_SHARE):
        assert chosen == curve[0]
    else:
        assert chosen.wall_s <= earliest_s * (1 + WORTH_SHARE)
        assert all(point.wall_s > earliest_s * (1 + WORTH_SHARE) for point in curve[: chosen.shards - 1])


def test_a_plan_takes_as_many_shards_as_pay_and_says_what_they_cost() -> None:
    made = worthwhile({f"test_{number:02}": 60.0 for number in range(10)}, overhead_s=30.0)

    assert len(made.shards) == 10
    assert [point.shards for point in made.curve] == list(range(1, 11))
    assert made.makespan_s == made.curve[9].wall_s == 90.0
    assert made.reasons[0] == (
        "10 shards end 86% earlier than one, for 20 instead of 11 billed minutes; no more are allowed or useful."
    )


def test_shards_that_hardly_help_are_not_started() -> None:
    made = worthwhile({"long": 50.0} | {f"test_{number:02}": 10.0 for number in range(10)}, overhead_s=10.0)

    assert (len(made.shards), len(made.curve)) == (3, 11)
    assert made.reasons[0].endswith("; more would gain less than 2%.")


def test_what_is_hardly_faster_is_not_worth_it() -> None:
    made = worthwhile({f"test_{number}": 5.0 for number in range(4)}, overhead_s=300.0)

    assert len(made.shards) == 1
    assert made.reasons[0] == (
        "Not worth it: up to 4 shards would end at most 5% earlier than one, for 24 instead of 6 billed minutes."
    )


def test_no_case_needs_one_shard() -> None:
    made = worthwhile({}, overhead_s=30.0)

    assert [len(shard.tests) for shard in made.shards] == [0]


def test_a_wrong_number_is_the_users_mistake() -> None:
    with pytest.raises(UsageError, match="0 shards"):
        worthwhile({"test": 1.0}, overhead_s=0.0, most=0)


def test_a_file_that_is_the_floor_is_worth_splitting() -> None:
    seconds = {f"big.py::test_{number}": 10.0 for number in range(6)} | {"small.py::test": 30.0}
    cases = [DurationForecast(name, value, value, value, Basis.HISTORY, 5) for name, value in seconds.items()]

    made = plan_shards(cases, 3, made_from=MADE_FROM, options=ShardOptions(group_of=case_file, overhead_s=5.0))

    assert made.floor is not None
    assert (made.floor.name, made.floor.split_end_s) == ("big.py", 35.0)
    assert made.reasons[0] == (
        "big.py (6 cases) takes 60.0 s, which is the floor: more than 2 shards end no earlier. "
        "Splitting it would save 30.0 s: 3 shards could end after 35.0 s."
    )
