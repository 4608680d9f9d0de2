"""Quantities as people type them, right and wrong."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cipredict.errors import EXIT_USAGE, UsageError
from cipredict.quantities import parse_days, parse_seconds, parse_share, spell_seconds


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
