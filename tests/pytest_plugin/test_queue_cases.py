"""From batches to collected cases: whatever is collected belongs to exactly one batch, the same on every shard."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cipredict.plans.shard_queue import Batch
from cipredict.pytest_plugin.queue_cases import indexes_by_batch, read_batches

DOCUMENT: dict[str, Any] = {  # Any: JSON
    "shards": [{}, {}],
    "queue": [
        {"shard": 0, "tests": ["a"], "expected_s": 1.0, "high_s": 2.0},
        {"shard": 1, "tests": ["b", "c"], "expected_s": None, "high_s": None},
        {"shard": None, "tests": ["d"], "expected_s": 1, "high_s": 1},
    ],
}


def test_newcomers_stand_before_the_tail_a_batch_per_shard() -> None:
    new = Batch(None, ())

    assert read_batches(DOCUMENT) == [
        Batch(0, ("a",), high_s=2.0), Batch(1, ("b", "c")), new, new, Batch(None, ("d",), high_s=1.0)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("queue", "complaint"),
    [
        pytest.param([], "without --tail", id="none"),
        pytest.param({}, "'queue'", id="no-list"),
        pytest.param([{"shard": "x", "tests": [], "expected_s": 1, "high_s": 1}], r"'queue\[0\].shard'", id="no-shard"),
        pytest.param([{"shard": 1, "expected_s": 1, "high_s": 1}], r"'queue\[0\].tests'", id="no-tests"),
    ],
)
def test_what_is_no_queue_is_refused_by_the_name_of_the_field(queue: object, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        read_batches({**DOCUMENT, "queue": queue})


@given(st.lists(st.sampled_from([*"abcdefgh", "new::1", "new::2"]), max_size=30))
def test_every_collected_case_is_in_one_batch_and_ids_stay_in_one_piece(collected: list[str]) -> None:
    indexes = indexes_by_batch(read_batches(DOCUMENT), collected)

    assert sorted(index for batch in indexes for index in batch) == list(range(len(collected)))
    homes = {
        case: {at for at, batch in enumerate(indexes) if any(collected[i] == case for i in batch)} for case in collected
    }
    assert all(len(at) == 1 for at in homes.values())


@given(st.permutations(["a", "b", "c", "d", "new::1", "new::2", "new::3"]))
def test_the_batch_of_a_case_does_not_depend_on_the_order_of_collection(collected: list[str]) -> None:
    batches = read_batches(DOCUMENT)
    ordered = sorted(collected)

    def cases(ids: list[str]) -> list[set[str]]:
        return [{ids[index] for index in batch} for batch in indexes_by_batch(batches, ids)]

    assert cases(ordered) == cases(collected)
