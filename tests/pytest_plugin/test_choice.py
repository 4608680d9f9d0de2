"""The laws of choosing: shards are disjoint and complete, what no plan names runs, skipping takes the exact word."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cipredict.pytest_plugin.choice import (
    Choice,
    Selection,
    Shard,
    Sharding,
    arrange,
    choose,
    describe,
    parse_shard,
    read_selection,
    read_sharding,
)

case_ids = st.lists(
    st.sampled_from([f"t/test_{f}.py::test_{n}[{p}]" for f in "ab" for n in "cde" for p in ("x", "::")])
)
counts = st.integers(1, 6)


def selection(*skipped: str, order: tuple[str, ...] = ()) -> Selection:
    return Selection("s", frozenset(skipped), {case: rank for rank, case in enumerate(order)}, is_fallback=False)


@st.composite
def choices(draw: st.DrawFn) -> Choice:
    """Any plans, about any cases, for any number of shards."""
    count = draw(counts)
    shards = {case: draw(st.integers(1, count)) for case in draw(case_ids)}
    return Choice(
        draw(st.none() | st.builds(lambda skipped: selection(*skipped), case_ids)),
        draw(st.none() | st.just(Sharding("d", shards, count))),
    )


def everywhere(collected: list[str], choice: Choice, *, count: int) -> Counter[str]:
    shards = (Shard(number, count) for number in range(1, count + 1))
    return Counter(
        case for shard in shards for case in choose(collected, Choice(choice.selection, choice.sharding, shard))
    )


@given(case_ids, choices(), counts)
def test_every_case_that_is_not_skipped_by_name_runs_in_exactly_one_shard(
    collected: list[str], choice: Choice, count: int
) -> None:
    skipped = choice.selection.skipped if choice.selection else frozenset()

    assert everywhere(collected, choice, count=count) == Counter(set(collected) - skipped)


@given(case_ids, choices(), counts)
def test_the_order_of_collection_does_not_move_a_case(collected: list[str], choice: Choice, count: int) -> None:
    here = Choice(choice.selection, choice.sharding, Shard(1, count))

    assert choose(collected, here) == choose(collected[::-1], here)


@given(case_ids, counts)
def test_without_a_shard_plan_the_shares_differ_by_one_case_at_most(collected: list[str], count: int) -> None:
    sizes = [len(choose(collected, Choice(shard=Shard(number, count)))) for number in range(1, count + 1)]

    assert max(sizes) - min(sizes) <= 1


def test_an_even_share_keeps_neighbours_together() -> None:
    collected = ["b.py::1", "a.py::1", "b.py::2", "a.py::2"]

    assert choose(collected, Choice(shard=Shard(1, 2))) == {"a.py::1", "a.py::2"}


def test_unknown_cases_that_need_a_gpu_go_where_one_is() -> None:
    plan = Sharding("d", {"known": 1}, 4, gpu=(3, 4))
    new = [f"new{number}" for number in range(20)]
    shards = [
        choose(["known", *new], Choice(None, plan, Shard(at, 4)), needs_gpu={"known", *new}) for at in (1, 2, 3, 4)
    ]
    assert [{"known"}, set()] == shards[:2]
    assert set(new) == shards[2] | shards[3]
    assert shards[2] and shards[3] and not shards[2] & shards[3]


def test_a_shard_plan_places_what_it_knows() -> None:
    plan = Sharding("d", {"a": 1, "b": 2, "c": 2}, 2)

    assert choose(["c", "b", "a"], Choice(None, plan, Shard(2, 2))) == {"b", "c"}


def test_a_plan_for_more_shards_than_jobs_is_dealt_out_to_the_jobs() -> None:
    plan = Sharding("d", {"a": 1, "b": 2, "c": 3}, 3)

    assert choose(["a", "b", "c"], Choice(None, plan, Shard(1, 2))) == {"a", "c"}
    assert choose(["a", "b", "c"], Choice(None, plan, Shard(4, 4))) == frozenset()


@given(case_ids, st.permutations(["t/test_a.py::test_c[x]", "t/test_b.py::test_e[::]"]))
def test_ordering_only_moves_cases(collected: list[str], order: list[str]) -> None:
    choice = Choice(selection(order=tuple(order)), keeps_order=False)

    assert sorted(arrange(collected, choice)) == list(range(len(collected)))


def test_the_plan_orders_what_it_knows_after_what_it_does_not() -> None:
    choice = Choice(selection(order=("c", "a", "b")), keeps_order=False)

    assert arrange(["a", "new1", "b", "new2", "c"], choice) == [1, 3, 4, 0, 2]


@pytest.mark.parametrize(
    "choice",
    [
        pytest.param(Choice(selection(order=("b", "a"))), id="not-asked"),
        pytest.param(Choice(None, Sharding("d", {"b": 1, "a": 1}, 1), keeps_order=False), id="shard-plan"),
    ],
)
def test_collection_order_stays(choice: Choice) -> None:
    assert arrange(["a", "b"], choice) == [0, 1]


@pytest.mark.parametrize("text", ["", "1", "0/2", "5/4", "1/0", "-1/2", "1/2/3", "a/b", "1.0/2", "²/3", "1/"])
def test_a_shard_that_cannot_be_meant_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="such as 1/4"):
        parse_shard(text)


def test_a_shard_reads_back() -> None:
    assert parse_shard(str(Shard(3, 16))) == Shard(3, 16)


def case(case_id: str, decision: str = "run", **more: object) -> dict[str, object]:
    return {"id": case_id, "decision": decision, **more}


def test_a_selection_plan_gives_skips_and_ranks_by_position() -> None:
    cases = [case("a", "skip", position=7), case("b", position=0), case("c", "skip", position=3)]

    found = read_selection({"id": "p", "cases": cases})

    assert found == Selection("p", frozenset({"a", "c"}), {"b": 0, "c": 1, "a": 2}, is_fallback=False)


def test_without_positions_the_order_of_the_file_counts() -> None:
    assert read_selection({"cases": [case("b"), case("a")]}).ranks == {"b": 0, "a": 1}


@pytest.mark.parametrize("decision", ["SKIP", "", "exclude", "run"])
def test_only_the_exact_word_skips(decision: str) -> None:
    assert read_selection({"cases": [case("a", decision)]}).skipped == frozenset()


@pytest.mark.parametrize("word", ["fallback", "observe", "order_only"])
def test_a_plan_that_runs_everything_skips_nothing(word: str) -> None:
    assert read_selection({"cases": [case("a", "skip")], word: True}).skipped == frozenset()


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"cases": {}},
        {"cases": ["a"]},
        {"cases": [{"decision": "skip"}]},
        {"cases": [{"id": 3, "decision": "run"}]},
        {"cases": None},
    ],
)
def test_a_malformed_selection_plan_is_refused_whole(document: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="is not"):
        read_selection(document)


def test_a_shard_plan_gives_every_id_its_shard_counted_from_one() -> None:
    document = {"id": "d", "shards": [{"shard_id": 0, "tests": ["a"]}, {"shard_id": 1, "tests": ["b", "c"]}]}

    assert read_sharding(document) == Sharding("d", {"a": 1, "b": 2, "c": 2}, 2)


@pytest.mark.parametrize(
    "document", [{}, {"shards": []}, {"shards": [1]}, {"shards": [{}]}, {"shards": [{"tests": [1]}]}]
)
def test_a_malformed_shard_plan_is_refused_whole(document: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"is not|is empty"):
        read_sharding(document)


def test_the_header_names_plans_effect_and_shard() -> None:
    fallback = Selection("f", frozenset(), {"a": 0}, is_fallback=True)

    assert describe(Choice()) == "no plan"
    assert describe(Choice(fallback)) == "selection plan f (fallback, skips nothing of 1 cases)"
    expected = "selection plan s (skips 1 of 2 cases), shard plan d (3 shards), shard 1/3"
    assert expected == describe(Choice(selection("b", order=("a", "b")), Sharding("d", {}, 3), Shard(1, 3)))
