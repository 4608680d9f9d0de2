"""Cutting a division into batches: nothing lost, groups whole, the tail small; the replay that forecasts its end."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cipredict.decide.division import ShardOptions
from cipredict.decide.queue_batches import MIN_BATCH_S
from cipredict.decide.queue_replay import replay_queue
from cipredict.decide.shard import plan_even_split, plan_shards
from cipredict.forecast.interface import Basis, DurationForecast
from cipredict.ids import case_file
from cipredict.plans.document import MadeFrom
from cipredict.plans.shard_queue import Batch, claim_order

SECONDS = st.lists(st.floats(0, 100), min_size=1, max_size=40)
SHARES = st.sampled_from([0.1, 0.15, 0.2, 1.0])


def cases_of(seconds: Sequence[float]) -> list[DurationForecast]:
    return [
        DurationForecast(f"t{at % 5}.py::test_{at}", one, 0.0, one, Basis.HISTORY, 1) for at, one in enumerate(seconds)
    ]


def queue(seconds: Sequence[float], shards: int, share: float, *, by_file: bool = False) -> tuple[Batch, ...]:
    options = ShardOptions(tail_share=share, group_of=case_file if by_file else None)
    return plan_shards(cases_of(seconds), shards, made_from=MadeFrom("0"), options=options).queue


@given(SECONDS, st.integers(1, 5), SHARES, st.booleans())
def test_every_case_is_in_one_batch_and_files_stay_whole(
    seconds: list[float],
    shards: int,
    share: float,
    by_file: bool,  # noqa: FBT001  # hypothesis gives it by position
) -> None:
    batches = queue(seconds, shards, share, by_file=by_file)

    planned = [case for batch in batches for case in batch.tests]
    assert sorted(planned) == sorted(case.case_id for case in cases_of(seconds))
    if by_file:
        homes = [{at for at, batch in enumerate(batches) if any(case_file(c) == f for c in batch.tests)} for f in FILES]
        assert max(map(len, homes)) == 1


FILES = [f"t{number}.py" for number in range(5)]


@given(SECONDS, st.integers(1, 5), SHARES)
def test_the_tail_is_worth_no_more_than_its_share_and_holds_the_smallest(
    seconds: list[float], shards: int, share: float
) -> None:
    batches = queue(seconds, shards, share)

    expected = {case.case_id: case.expected_s for case in cases_of(seconds)}
    tail = [expected[case] for batch in batches if batch.shard is None for case in batch.tests]
    rest = [expected[case] for batch in batches if batch.shard is not None for case in batch.tests]
    assert sum(tail) <= share * sum(seconds) * (1 + 1e-6)
    assert max(tail, default=0.0) <= min(rest, default=float("inf"))  # here none takes longer than expected


def test_what_may_take_long_is_not_left_for_last() -> None:
    cases = cases_of([5.0, 1.0, 1.0, 1.0, 1.0, 1.0])
    cases[3] = DurationForecast("t3.py::test_3", 1.0, 0.0, 30.0, Basis.FALLBACK, 0)

    batches = plan_shards(cases, 1, made_from=MadeFrom("0"), options=ShardOptions(tail_share=0.3)).queue

    assert batches[0] == Batch(0, ("t3.py::test_3",), 1.0, 30.0)


def test_batches_are_large_first_and_never_too_small_to_ask_for() -> None:
    batches = queue([0.01] * 2000, 2, 0.5)
    tail = [batch.expected_s or 0.0 for batch in batches if batch.shard is None]

    assert all(first >= second for first, second in pairwise(tail))
    assert len(tail) > 3
    assert min(tail[:-1]) >= MIN_BATCH_S * (1 - 1e-9)


def test_without_a_tail_there_is_no_queue() -> None:
    assert plan_shards(cases_of([1.0, 2.0]), 2, made_from=MadeFrom("0")).queue == ()


def test_a_plan_without_a_forecast_has_a_queue_that_claims_no_seconds() -> None:
    plan = plan_even_split(
        (case.case_id for case in cases_of([0.0] * 20)),
        2,
        reason="None.",
        made_from=MadeFrom("0"),
        options=ShardOptions(tail_share=0.2),
    )

    assert len(plan.tail) == 4
    assert {(batch.expected_s, batch.high_s) for batch in plan.queue} == {(None, None)}
    assert "4 of 20 cases wait in the queue" in plan.reasons[-1]


def test_the_plan_says_when_its_shards_end_with_and_without_the_queue() -> None:
    plan = plan_shards(
        cases_of([4.0, 3.0, 2.0, 1.0]), 2, made_from=MadeFrom("0"), options=ShardOptions(tail_share=0.15, overhead_s=7)
    )

    assert plan.tail == ["t3.py::test_3"]
    assert plan.reasons[0] == (
        "1 of 4 cases wait in the queue for idle shards, 10.0% of the load. If all take what is expected, the last "
        "shard ends after 12.0 s, and after 12.0 s where the queue cannot be reached."
    )


BATCHES = st.lists(
    st.builds(Batch, st.sampled_from([None, 0, 1, 2]), st.just(()), st.none(), st.integers(0, 5).map(float)),
    max_size=12,
)


def replay_step_by_step(batches: Sequence[Batch], seconds: Sequence[float], shards: int) -> list[float]:
    """Ask `claim_order`, which the runtime asks, at every claim."""
    pending, ends_s, heap = set(range(len(batches))), [0.0] * shards, [(0.0, shard) for shard in range(shards)]
    while heap:
        now_s, shard = heapq.heappop(heap)
        order = claim_order(batches, pending, shard, started=range(shards))
        if order:
            pending.remove(order[0])
            ends_s[shard] = now_s + seconds[order[0]]
            heapq.heappush(heap, (ends_s[shard], shard))
    return ends_s


@given(BATCHES, st.lists(st.floats(0, 10), min_size=12, max_size=12))
def test_the_replay_claims_as_the_runtime_does(batches: list[Batch], seconds: list[float]) -> None:
    assert replay_step_by_step(batches, seconds, 3) == replay_queue(batches, seconds, shards=3)


@given(BATCHES, st.lists(st.floats(0, 10), min_size=12, max_size=12), st.booleans())
def test_the_replay_runs_everything(
    batches: list[Batch],
    seconds: list[float],
    helps: bool,  # noqa: FBT001  # hypothesis gives it by position
) -> None:
    ends_s = replay_queue(batches, seconds, shards=3, helps=helps)

    assert sum(ends_s) == pytest.approx(sum(seconds[: len(batches)]))
