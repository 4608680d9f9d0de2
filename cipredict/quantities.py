"""Quantities as people type them: `30%`, `1h15m`, `90s`, `300`, `12w`, `10GB`, a date. A wrong one names the option."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from math import isfinite

from cipredict.errors import UsageError

_NUMBER = r"(\d+(?:\.\d+)?)"
_SHARE = re.compile(rf"{_NUMBER}%", re.ASCII)
_SECONDS = re.compile(_NUMBER, re.ASCII)
_DURATION = re.compile(rf"(?:{_NUMBER}h)?(?:{_NUMBER}m)?(?:{_NUMBER}s)?", re.ASCII)
_DAYS = re.compile(rf"{_NUMBER}([dw]?)", re.ASCII)
_AGO = re.compile(rf"{_NUMBER}([hdw]?)", re.ASCII)
_HOURS = {"h": 1, "d": 24, "": 24, "w": 168}
_MOST_DAYS = 36_525
_BYTES = re.compile(rf"{_NUMBER}\s*([kMGT]?)(i?)B", re.ASCII)
_UNITS = ("", "k", "M", "G", "T")
_LONGEST_S = 365 * 86_400
"""Nobody means more than a year; it also keeps infinity out of plans."""


def parse_share(text: str, *, option: str) -> float:
    """Give a percentage as a share, 0 < share ≤ 1. The sign is required, since `1` could mean 1 % or all.

    Raises
    ------
    UsageError
        Not such a percentage; names `option`.

    >>> parse_share("30%", option="--target")
    0.3
    """
    match = _SHARE.fullmatch(text.strip())
    share = float(match[1]) / 100 if match else 0.0
    if 0 < share <= 1:
        return share
    is_batch_file = text.strip().endswith("%%") or _SECONDS.fullmatch(text.strip())
    raise UsageError(
        f"{option}: '{text}' is not a percentage above 0% and up to 100%, such as 30%.",
        slug="percent",
        hint="Write one percent sign, and two in a Windows batch file." if is_batch_file else "",
    )


def parse_seconds(text: str, *, option: str) -> float:
    """Give a duration in seconds, above 0 and up to a year. A number without a unit is seconds, and stands alone.

    Raises
    ------
    UsageError
        Not such a duration; names `option`.

    >>> parse_seconds("1h15m", option="--time"), parse_seconds("300", option="--time")
    (4500.0, 300.0)
    """
    stripped = text.strip()
    if _SECONDS.fullmatch(stripped):
        total = float(stripped)
    else:
        match = _DURATION.fullmatch(stripped)
        hours, minutes, seconds = (float(part or 0) for part in match.groups()) if match else (0.0, 0.0, 0.0)
        total = hours * 3600 + minutes * 60 + seconds
    if not isfinite(total) or not 0 < total <= _LONGEST_S:
        raise UsageError(f"{option}: '{text}' is not a duration above 0, such as 90s, 10m or 1h15m.", slug="duration")
    return total


def parse_bytes(text: str, *, option: str) -> int:
    """Give a number of bytes above 0, from `10GB`, `500MB`, `2GiB` or `1000B`; the unit is required.

    Raises
    ------
    UsageError
        Not such a size; names `option`.

    >>> parse_bytes("10GB", option="--quota"), parse_bytes("1.5kiB", option="--quota")
    (10000000000, 1536)
    """
    match = _BYTES.fullmatch(text.strip())
    size = round(float(match[1]) * (1024 if match[3] else 1000) ** _UNITS.index(match[2])) if match else 0
    if not 0 < size < 10**18:
        raise UsageError(f"{option}: '{text}' is not a size above 0, such as 10GB, 500MB or 2GiB.", slug="bytes")
    return size


def parse_days(text: str, *, option: str) -> float:
    """Give a number of days above 0, from `90d`, `12w` or a plain number of days; at most a century.

    Raises
    ------
    UsageError
        Not such a number; names `option`.

    >>> parse_days("90d", option="--since"), parse_days("2w", option="--since")
    (90.0, 14.0)
    """
    match = _DAYS.fullmatch(text.strip())
    days = float(match[1]) * (7 if match[2] == "w" else 1) if match else 0.0
    if not 0 < days <= _MOST_DAYS:
        raise UsageError(f"{option}: '{text}' is not a number of days above 0, such as 90d or 12w.", slug="days")
    return days


def parse_since(text: str, *, now: datetime, option: str = "--since") -> datetime:
    """Give the moment so long before `now`, from `12h`, `30d`, `8w` or a number of days, or the beginning of a date.

    A date may have a time; without a zone it is UTC. At most a century ago.

    Raises
    ------
    UsageError
        Neither, or not in the past; names `option`.

    >>> now = datetime(2026, 3, 1, tzinfo=UTC)
    >>> for text in ("12h", "2w", "2026-01-31"):
    ...     print(parse_since(text, now=now))
    2026-02-28 12:00:00+00:00
    2026-02-15 00:00:00+00:00
    2026-01-31 00:00:00+00:00
    """
    try:
        since = _moment(text.strip(), now)
        if timedelta(0) < now - since <= timedelta(days=_MOST_DAYS):
            return since
    except (ValueError, OverflowError):  # said below
        pass
    message = f"{option}: '{text}' is neither a time span such as 12h, 30d or 8w, nor a past date such as 2026-01-31."
    raise UsageError(message, slug="since")


def _moment(text: str, now: datetime) -> datetime:
    if (match := _AGO.fullmatch(text)) and float(match[1]) <= _MOST_DAYS * 24:
        return now - timedelta(hours=float(match[1]) * _HOURS[match[2]])
    moment = datetime.fromisoformat(text)
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def spell_bytes(size: float) -> str:
    """Write bytes for people.

    >>> spell_bytes(532), spell_bytes(1_250_000), spell_bytes(10_000_000_000)
    ('532 B', '1.2 MB', '10.0 GB')
    """
    for unit in ("B", "kB", "MB", "GB"):
        if size < 999.95:
            return f"{size:.0f} B" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


def spell_seconds(seconds: float) -> str:
    """Write seconds for people.

    >>> spell_seconds(0.25), spell_seconds(75), spell_seconds(4500)
    ('0.2 s', '1m15s', '1h15m')
    """
    if round(seconds, 1) < 60:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02}s"
    return f"{whole // 3600}h{whole % 3600 // 60:02}m"
