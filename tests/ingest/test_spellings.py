"""Seconds and timestamps in the spellings that real reports use."""

from __future__ import annotations

import doctest
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cipredict.ingest import spellings
from cipredict.ingest.spellings import LONGEST_CASE_S, parse_seconds, parse_timestamp


def test_examples_in_docstrings_hold() -> None:
    assert doctest.testmod(spellings).failed == 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("0.", 0.0, id="dot at the end"),
        pytest.param("1,234.5", 1234.5, id="grouped"),
        pytest.param("1,234", 1234.0, id="grouped without a fraction"),
        pytest.param("1,234,567.25", 1234567.25, id="grouped twice"),
        pytest.param("0,25", 0.25, id="decimal comma"),
        pytest.param("1e-3", 0.001, id="exponent"),
        pytest.param("-0.5", None, id="negative"),
        pytest.param("nan", None, id="not a number"),
        pytest.param("inf", None, id="infinite"),
        pytest.param("31536001", None, id="above a year"),
        pytest.param("", None, id="empty"),
        pytest.param("2 s", None, id="unit"),
    ],
)
def test_seconds(text: str, expected: float | None) -> None:
    assert expected == parse_seconds(text)


@given(st.text())
def test_any_text_gives_plausible_seconds_or_none(text: str) -> None:
    seconds = parse_seconds(text)
    assert seconds is None or 0 <= seconds <= LONGEST_CASE_S


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("2026-11-23T21:37:31.246762+00:00", datetime(2026, 11, 23, 21, 37, 31, 246762, UTC), id="pytest"),
        pytest.param("2024-01-03T12:40:13", datetime(2024, 1, 3, 12, 40, 13, tzinfo=UTC), id="no zone"),
        pytest.param("2024-01-03T 12:40:13", datetime(2024, 1, 3, 12, 40, 13, tzinfo=UTC), id="a space after T"),
        pytest.param("2024-01-03T12:40:13Z", datetime(2024, 1, 3, 12, 40, 13, tzinfo=UTC), id="Z"),
        pytest.param("2024-01-03 12:40:13 UTC", datetime(2024, 1, 3, 12, 40, 13, tzinfo=UTC), id="UTC"),
        pytest.param("2025-06-16T16:31:58+09:00", datetime(2025, 6, 16, 7, 31, 58, tzinfo=UTC), id="offset"),
        pytest.param("2024-01-03", datetime(2024, 1, 3, tzinfo=UTC), id="date only"),
        pytest.param("Sat, 03 Dec 2022 23:10:07 GMT", datetime(2022, 12, 3, 23, 10, 7, tzinfo=UTC), id="RFC 1123"),
        pytest.param("0001-01-01T00:00:00Z", None, id="year 1"),
        pytest.param("0001-01-01T00:00:00+09:00", None, id="before year 1"),
        pytest.param("1970-01-01T00:00:00", None, id="1970"),
        pytest.param("yesterday", None, id="words"),
        pytest.param("", None, id="empty"),
    ],
)
def test_timestamps(text: str, expected: datetime | None) -> None:
    assert expected == parse_timestamp(text)


@given(st.text())
def test_any_text_gives_an_aware_time_or_none(text: str) -> None:
    moment = parse_timestamp(text)
    assert moment is None or moment.tzinfo is UTC


@given(st.datetimes(min_value=datetime(1980, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001  # hypothesis wants it naive
def test_iso_times_survive(moment: datetime) -> None:
    assert moment == parse_timestamp(moment.isoformat())
