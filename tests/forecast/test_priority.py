"""Diminishing returns: what they keep, and what they bring."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cipredict.forecast.priority import MIN_SECONDS, priorities

CASES = st.lists(st.tuples(st.floats(0, 1), st.floats(0, 100), st.booleans()), max_size=40)
Cases = list[tuple[float, float, bool]]


def given_to(cases: Cases, *, fading: float = 0.3) -> list[float]:
    p_fail, expected_s, failed_last = ([case[field] for case in cases] for field in range(3))
    return priorities(p_fail, expected_s, failed_last, fading=fading)  # type: ignore[arg-type]  # columns of one type each


@given(CASES)
def test_without_fading_a_priority_is_risk_for_time(cases: Cases) -> None:
    assert given_to(cases, fading=0.0) == [p / (seconds + MIN_SECONDS) for p, seconds, _ in cases]


@given(CASES)
def test_within_a_queue_the_order_is_that_of_risk_for_time(cases: Cases) -> None:
    faded, plain = given_to(cases), given_to(cases, fading=0.0)
    for queue in (True, False):
        places = [place for place, case in enumerate(cases) if case[2] is queue]
        by_risk = sorted(places, key=plain.__getitem__, reverse=True)
        assert by_risk == sorted(places, key=faded.__getitem__, reverse=True)


@given(CASES)
def test_the_first_of_each_queue_keeps_its_priority_and_none_gains(cases: Cases) -> None:
    faded, plain = given_to(cases), given_to(cases, fading=0.0)
    assert all(after <= before for after, before in zip(faded, plain, strict=True))
    for queue in (True, False):
        members = [place for place, case in enumerate(cases) if case[2] is queue]
        if members:
            assert max(faded[place] for place in members) == max(plain[place] for place in members)


def test_a_likely_new_failure_does_not_wait_behind_all_that_is_red() -> None:
    red, fresh = (0.5, 1.0, True), (0.3, 1.0, False)
    given = given_to([red] * 20 + [fresh])
    assert sorted(given, reverse=True).index(given[-1]) == 5


def test_equal_risks_keep_the_given_order() -> None:
    given = given_to([(0.5, 1.0, False)] * 3)
    assert given == sorted(given, reverse=True)
    assert len(set(given)) == 3


@pytest.mark.parametrize("cases", [[], [(0.0, 0.0, True)]])
def test_nothing_and_impossible_cases_are_fine(cases: Cases) -> None:
    assert given_to(cases) == [0.0] * len(cases)
