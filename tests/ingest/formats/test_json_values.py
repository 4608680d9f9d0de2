"""Values of a wrong kind are absent, whatever they are."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cipredict.ingest.formats.json_values import as_object, count, epoch, name, number, objects, seconds, texts

ANYTHING = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.just([1, {}]), st.just({}))


@given(value=ANYTHING)
@settings(deadline=None)
def test_no_value_raises(value: object) -> None:
    found = seconds(value, units_per_second=1e3)
    assert found is None or 0 <= found <= 366 * 24 * 3600
    moment = epoch(value)
    assert moment is None or moment.tzinfo is UTC
    assert isinstance(as_object(value), dict)
    assert list(objects(value)) == [{}] * isinstance(value, list)
    assert texts(value) == []
    assert 0 <= count(value) < 10_000
    assert not any(character < " " for character in name(value))


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        pytest.param("a [b] :: c/d", "a [b] :: c/d", id="as it is"),
        pytest.param("  a\tb\r\nc ", "a b  c", id="white space"),
        pytest.param("a\x00\x1b[31m", "a\ufffd\ufffd[31m", id="control characters"),
        pytest.param("a\x7f\u200d", "a\x7f\u200d", id="allowed in XML"),
        pytest.param("\ud800a\uffff", "\ufffda\ufffd", id="no characters"),
    ],
)
def test_a_name_is_what_xml_could_carry(raw: str, clean: str) -> None:
    assert clean == name(raw)


@pytest.mark.parametrize(
    ("value", "found"),
    [(True, None), ("1", None), (float("nan"), None), (10**400, None), (3, 3.0), (-0.5, -0.5)],
    ids=repr,
)
def test_a_number_is_finite_and_no_truth_value(value: object, found: float | None) -> None:
    assert found == number(value)


def test_a_moment_before_1980_is_unknown() -> None:
    assert (None, datetime(2026, 1, 1, tzinfo=UTC)) == (epoch(0), epoch(1767225600000, units_per_second=1e3))
