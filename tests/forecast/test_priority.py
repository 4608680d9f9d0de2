"""Diminishing returns: what they keep, and what they bring."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cipredict.forecast.priority import MIN_SECONDS, priorities

CASES = st.lists(st.tuples(st.floats(0, 1), st.floats(0, 100), st.booleans(), st.sampled_from("ab")), max_size=40)
Cases = list[tuple[float, float, bool, str]]


def given_to(cases: Cases, *, fading: float = 0.3, file_fading: float = 0.2) -> list[float]:
    return priorities(
        [case[0] for case in cases],
        [case[1] for case in cases],
        [case[2] for case in cases],
        files=[case[3] for case in cases],
        fading=fading,
        file_fading=file_fading,
    )


def unfaded(cases: Cases) -> list[float]:
    return given_to(cases, fading=0.0, file_fading=0.0)


@given(CASES)
def test_without_fading_a_priority_is_risk_for_time(cases: Cases) -> None:
    assert unfaded(cases) == [p / (seconds + MIN_SECONDS) for p, seconds, _, _ in cases]


@given(CASES)
def test_within_a_queue_and_file_the_order_is_that_of_risk_for_time(cases: Cases) -> None:
    faded, plain = given_to(cases), unfaded(cases)
    for queue in itertools.product((True, False), "ab"):
        places = [place for place, case in enumerate(cases) if case[2:] == queue]
        by_risk = sorted(places, key=plain.__getitem__, reverse=True)
        assert by_risk == sorted(places, key=faded.__getitem__, reverse=True)


@given(CASES)
def test_the_first_of_each_queue_keeps_its_priority_and_none_gains(cases: Cases) -> None:
    faded, plain = given_to(cases), unfaded(cases)
    assert all(after <= before for after, before in zip(faded, plain, strict=True))
    for queue in (True, False):
        members = [place for place, case in enumerate(cases) if case[2] is queue]
        if members:
            assert max(faded[place] for place in members) == max(plain[place] for place in members)


def test_a_likely_new_failure_does_not_wait_behind_all_that_is_red() -> None:
    red: list[tuple[float, float, bool, str]] = [(0.5, 1.0, True, f"{number}") for number in range(20)]
    given = given_to([*red, (0.3, 1.0, False, "new")])
    assert sorted(given, reverse=True).index(given[-1]) == 5


def test_a_second_file_does_not_wait_behind_all_of_the_first() -> None:
    first: list[tuple[float, float, bool, str]] = [(0.5, 1.0, False, "a")] * 20
    given = given_to([*first, (0.3, 1.0, False, "b")])
    assert sorted(given, reverse=True).index(given[-1]) == 12
    assert given_to([*first, (0.3, 1.0, False, "b")], file_fading=0.0)[-1] == min(
        given_to([*first, (0.3, 1.0, False, "b")], file_fading=0.0)
    )


def test_equal_risks_keep_the_given_order() -> None:
    given = given_to([(0.5, 1.0, False, "a")] * 3)
    assert given == sorted(given, reverse=True)
    assert len(set(given)) == 3


@pytest.mark.parametrize("cases", [[], [(0.0, 0.0, True, "a")]])
def test_nothing_and_impossible_cases_are_fine(cases: Cases) -> None:
    assert given_to(cases) == [0.0] * len(cases)
