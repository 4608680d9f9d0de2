"""Whose turn it is: own, tail, then what others that have started left."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cipredict.plans.shard_queue import Batch, claim_order, tail_of

BATCHES = [
    Batch(0, ("a",), None, 3.0),
    Batch(0, ("b",), None, 1.0),
    Batch(1, ("c",), None, 2.0),
    Batch(2, ("d",), None, 9.0),
    Batch(None, ("f", "e"), None, 2.0),
    Batch(None, ("g",), None),
]


def test_own_then_tail_then_the_longest_of_others() -> None:
    assert list(claim_order(BATCHES, range(6), 0, started={0, 1, 2})) == [0, 1, 4, 5, 3, 2]


def test_the_list_of_who_has_not_started_stays() -> None:
    assert list(claim_order(BATCHES, range(6), 1, started={1})) == [2, 4, 5]


def test_the_tail_is_named_in_order() -> None:
    assert tail_of(BATCHES) == ["f", "e", "g"]


@given(st.sets(st.integers(0, 5)), st.integers(0, 3), st.sets(st.integers(0, 2)))
def test_only_what_is_pending_is_offered_and_each_once(pending: set[int], shard: int, started: set[int]) -> None:
    order = claim_order(BATCHES, pending, shard, started=started)

    assert len(set(order)) == len(order)
    assert set(order) == {at for at in pending if BATCHES[at].shard in {None, shard, *started}}
