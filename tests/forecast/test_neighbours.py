"""Who speaks for a case that nobody has measured."""

from __future__ import annotations

from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cipredict.forecast.neighbours import Guess, Neighbours, weighted_median

VALUES = st.lists(st.floats(0, 1e6), min_size=1, max_size=30)


def test_alike_names_count_more() -> None:
    known = {"a.py::T::test_slow_upload": 30.0, "a.py::T::test_parse": 0.1, "a.py::T::test_print": 0.2}
    guess = Neighbours(known).guess
    assert guess("a.py::T::test_slow_download") == Guess(30.0, "class")
    assert guess("a.py::T::test_parse_more") == Guess(0.1, "class")


@pytest.mark.parametrize(
    ("case_id", "scope"),
    [
        ("a/b.py::T::f[2]", "function"),
        ("a/b.py::T::g", "class"),
        ("a/b.py::U::g", "file"),
        ("a/c.py::g", "folder"),
        ("z/c.py::g", "suite"),
    ],
)
def test_the_nearest_scope_answers(case_id: str, scope: str) -> None:
    assert Neighbours({"a/b.py::T::f[1]": 2.0}).guess(case_id) == Guess(2.0, scope)


def test_what_is_added_up_is_a_mean() -> None:
    known = {"a.py::test_x": 1.0, "a.py::test_y": 1.0, "a.py::test_z": 10.0}
    guess = Neighbours(known, adds_up=True).guess("a.py::test_new")
    assert guess is not None
    assert guess.seconds == pytest.approx(4.0)


def test_nobody_knows_nothing() -> None:
    assert Neighbours({}).guess("a.py::b") is None


@given(VALUES, st.floats(0.1, 10))
def test_equal_weights_give_the_median(values: list[float], weight: float) -> None:
    assert weighted_median((value, weight) for value in values) == pytest.approx(median(values))


@given(VALUES, st.randoms(use_true_random=False))
def test_the_answer_lies_within_and_order_does_not_matter(values: list[float], dice: object) -> None:
    pairs = [(value, 1.0 + place % 3) for place, value in enumerate(values)]
    found = weighted_median(pairs)
    dice.shuffle(pairs)  # type: ignore[attr-defined]  # hypothesis gives a random.Random
    assert min(values) <= found <= max(values)
    assert weighted_median(pairs) == found


def test_a_large_scope_is_asked_evenly_and_gives_the_same_each_time() -> None:
    known = {f"a.py::test_number_{at}": float(at) for at in range(5000)}
    first, second = (Neighbours(known).guess("a.py::test_other") for _ in range(2))
    assert first == second
    assert first is not None
    assert first.seconds == pytest.approx(2500, abs=60)


WORDS = st.lists(st.sampled_from(["Slow", "fast", "upload", "7", "8", "x"]), max_size=4).map("_".join)


@given(st.dictionaries(WORDS, st.floats(0, 100), min_size=1), st.lists(WORDS, min_size=1))
def test_what_is_remembered_of_others_changes_no_answer(seconds: dict[str, float], asked: list[str]) -> None:
    known = {f"a.py::{name}": value for name, value in seconds.items()}
    everybody = Neighbours(known)
    for name in [*asked, *asked]:
        assert everybody.guess(f"b.py::{name}") == Neighbours(known).guess(f"b.py::{name}")
