"""Quantities as people type them: `30%`, `10m`, `1h15m`, `90s`, `300`. A wrong one names the option."""

from __future__ import annotations

import re

from cipredict.errors import UsageError

_SHARE = re.compile(r"(\d+(?:\.\d+)?)%")
_DURATION = re.compile(r"(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s?)?")


def parse_share(text: str, *, option: str) -> float:
    """Give a percentage as a share, 0 < share ≤ 1.

    >>> parse_share("30%", option="--target")
    0.3
    """
    match = _SHARE.fullmatch(text.strip())
    share = float(match[1]) / 100 if match else 0.0
    if not 0 < share <= 1:
        raise UsageError(f"{option}: '{text}' is not a percentage above 0% and up to 100%, such as 30%.", slug="percent")
    return share


def parse_seconds(text: str, *, option: str) -> float:
    """Give a duration in seconds, above 0.

    >>> parse_seconds("1h15m", option="--time"), parse_seconds("300", option="--time")
    (4500.0, 300.0)
    """
    stripped = text.strip()
    match = _DURATION.fullmatch(stripped) if stripped else None
    hours, minutes, seconds = (float(part or 0) for part in match.groups()) if match else (0.0, 0.0, 0.0)
    total = hours * 3600 + minutes * 60 + seconds
    if total <= 0:
        raise UsageError(f"{option}: '{text}' is not a duration above 0, such as 90s, 10m or 1h15m.", slug="duration")
    return total


def spell_seconds(seconds: float) -> str:
    """Write seconds for people.

    >>> spell_seconds(0.25), spell_seconds(75), spell_seconds(4500)
    ('0.2 s', '1m15s', '1h15m')
    """
    if seconds < 60:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02}s"
    return f"{whole // 3600}h{whole % 3600 // 60:02}m"
