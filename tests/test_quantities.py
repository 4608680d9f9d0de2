"""Quantities as people type them, right and wrong."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cipredict.errors import EXIT_USAGE, UsageError
from cipredict.quantities import parse_bytes, parse_days, parse_seconds, parse_share, parse_since, spell_seconds


@pytest.mark.parametrize(
    ("text", "share"), [("30%", 0.3), ("100%", 1.0), ("0.5%", 0.005), (" 95% ", 0.95), ("99.9%", 0.999)]
)
def test_a_percentage_is_a_share(text: str, share: float) -> None:
    assert share == pytest.approx(parse_share(text, option="--target"))


@pytest.mark.parametrize(
    "text", ["", "%", "0%", "101%", "-5%", "1e1%", "nan%", "thirty%", "3 0%", "٣٠%", "30%x", "30%%"]
)
def test_a_wrong_percentage_names_option_and_value(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_share(text, option="--confidence")
    assert str(caught.value).startswith(f"--confidence: '{text}' is not a percentage above 0%")
    assert caught.value.exit_code == EXIT_USAGE


@pytest.mark.parametrize(
    ("text", "is_told"),
    [
        pytest.param("30", True, id="no sign"),
        pytest.param("30%%", True, id="two signs"),
        pytest.param("half", False, id="neither"),
    ],
)
def test_a_missing_or_doubled_sign_is_told_about_batch_files(text: str, *, is_told: bool) -> None:
    with pytest.raises(UsageError) as caught:
        parse_share(text, option="--target")
    assert is_told == ("batch file" in caught.value.hint)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("300", 300.0),
        ("0.5", 0.5),
        ("90s", 90.0),
        ("10m", 600.0),
        ("1h15m", 4500.0),
        ("1h", 3600.0),
        ("1h5s", 3605.0),
        ("1.5h", 5400.0),
        (" 2m30s ", 150.0),
    ],
)
def test_a_duration_is_seconds(text: str, seconds: float) -> None:
    assert seconds == parse_seconds(text, option="--time")


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "0",
        "0s",
        "0h0m",
        "-5",
        "5 m",
        "m",
        "5d",
        "10ms",
        "1h15",
        "5m30",
        "15m1h",
        "1:30",
        "inf",
        "nan",
        "1e3",
        "9" * 400,
    ],
)
def test_a_wrong_duration_names_option_and_value(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_seconds(text, option="--time")
    assert str(caught.value).startswith(f"--time: '{text}' is not a duration above 0, such as 90s, 10m or 1h15m.")
    assert caught.value.exit_code == EXIT_USAGE


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0, "0.0 s"), (59.94, "59.9 s"), (59.96, "1m00s"), (75.0, "1m15s"), (3599.4, "59m59s"), (3599.6, "1h00m")],
)
def test_seconds_are_written_in_the_unit_that_fits(seconds: float, text: str) -> None:
    assert text == spell_seconds(seconds)


@given(seconds=st.integers(60, 3599))
def test_what_is_written_can_be_read(seconds: int) -> None:
    assert seconds == parse_seconds(spell_seconds(seconds), option="--time")


@given(text=st.text(max_size=8))
def test_any_text_is_a_quantity_or_a_clear_refusal(text: str) -> None:
    for parse in (parse_share, parse_seconds):
        try:
            assert parse(text, option="--x") > 0
        except UsageError as error:
            assert "--x" in error.message


@pytest.mark.parametrize(("text", "days"), [("90d", 90.0), ("12w", 84.0), ("7", 7.0), (" 1.5d ", 1.5)])
def test_days_are_counted_in_days_or_weeks(text: str, days: float) -> None:
    assert days == parse_days(text, option="--since")


@pytest.mark.parametrize("text", ["", "d", "0d", "-1d", "90h", "1e3d", "40000d", "soon", "٣d"])
def test_what_is_no_number_of_days_names_option_and_value(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_days(text, option="--since")
    assert str(caught.value).startswith(f"--since: '{text}' is not a number of days above 0")


NOW = datetime(2026, 11, 1, 12, 34, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("12h", NOW - timedelta(hours=12), id="hours"),
        pytest.param(" 30d ", NOW - timedelta(days=30), id="days"),
        pytest.param("30", NOW - timedelta(days=30), id="a plain number is days"),
        pytest.param("1.5w", NOW - timedelta(hours=252), id="weeks"),
        pytest.param("36500d", NOW - timedelta(days=36_500), id="a century"),
        pytest.param("2026-01-31", datetime(2026, 1, 31, tzinfo=UTC), id="a date"),
        pytest.param("20260131", datetime(2026, 1, 31, tzinfo=UTC), id="a date in basic form"),
        pytest.param("2026-01-31T02:30+02:00", datetime(2026, 1, 31, 0, 30, tzinfo=UTC), id="a moment"),
    ],
)
def test_since_is_a_span_or_a_date(text: str, expected: datetime) -> None:
    assert parse_since(text, now=NOW) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "d",
        "0d",
        "-3d",
        "30m",
        "1h30m",
        "40000d",
        "9" * 400,
        "yesterday",
        "2026-11-02",
        "0001-01-01T00:00+09:00",
        "٣d",
    ],
)
def test_another_since_names_option_and_value(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_since(text, now=NOW)
    assert caught.value.slug == "since"
    assert str(caught.value).startswith(f"--since: '{text}' is neither")


@given(text=st.one_of(st.text(max_size=12), st.from_regex(r"[0-9.]{1,9}[hdw]?", fullmatch=True)))
def test_any_since_lies_in_the_past_or_is_refused(text: str) -> None:
    with suppress(UsageError):
        assert NOW - timedelta(days=36_525) <= parse_since(text, now=NOW) < NOW


@pytest.mark.parametrize(
    ("text", "expected"), [("10GB", 10**10), ("1.5 kB", 1500), ("2GiB", 2 << 30), ("7B", 7), (" 3TB ", 3 * 10**12)]
)
def test_sizes_are_read_with_their_units(text: str, expected: int) -> None:
    assert expected == parse_bytes(text, option="--quota")


@pytest.mark.parametrize("text", ["", "10", "0GB", "-1GB", "10gb", "GB", "1e9B", "9999999TB"])
def test_what_is_no_size_names_the_option(text: str) -> None:
    with pytest.raises(UsageError, match="--quota"):
        parse_bytes(text, option="--quota")
