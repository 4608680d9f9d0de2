"""Quantities: units are never guessed, and what is spelled reads back."""

from __future__ import annotations

import doctest
from math import isclose

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cipredict import measures
from cipredict.measures import UNITS, Dimension, Quantity, parse_quantity


def test_examples_in_docstrings_hold() -> None:
    assert doctest.testmod(measures).failed == 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10ms", Quantity(0.01, Dimension.SECONDS)),
        (" 2 GB ", Quantity(2e9, Dimension.BYTES)),
        ("2GiB", Quantity(2147483648.0, Dimension.BYTES)),
        ("85%", Quantity(0.85, Dimension.SHARE)),
        ("-3.5dB", Quantity(-3.5, Dimension.DECIBELS)),
        ("1e3", Quantity(1000.0)),
        (3, Quantity(3.0)),
    ],
)
def test_quantities_are_read_with_their_unit(text: object, expected: Quantity) -> None:
    assert expected == parse_quantity(text)


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        ("10MS", "unknown unit"),
        ("2Mb", "unknown unit"),
        ("ms", "not a quantity"),
        ("", "not a quantity"),
        ("nan", "not a quantity"),
        ("1٣ms", "unknown unit"),
        (float("nan"), "not a finite number"),
        (float("inf"), "not a finite number"),
        (10**400, "not a finite number"),
        ("1e999", "not a finite number"),
        (True, "not a quantity"),
        (None, "not a quantity"),
    ],
)
def test_what_is_no_quantity_is_refused(value: object, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        parse_quantity(value)


@given(st.floats(min_value=-1e12, max_value=1e12), st.sampled_from(list(UNITS)))
def test_a_spelled_quantity_reads_back(number: float, unit: str) -> None:
    quantity = parse_quantity(f"{number:.4f}{unit}")
    again = parse_quantity(str(quantity))
    assert again.dimension is quantity.dimension
    assert isclose(again.value, quantity.value, rel_tol=1e-5, abs_tol=1e-15)
