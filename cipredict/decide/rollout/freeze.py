"""Times in which nothing is deployed: weekends, evenings, holidays. All in UTC."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WEEKLY = re.compile(
    r"(?P<first>[a-z]{3})(?:-(?P<last>[a-z]{3}))?(?:\s+(?P<from>\d\d:\d\d)-(?P<to>\d\d:\d\d))?", re.IGNORECASE
)
_DATES = re.compile(r"(?P<first>\d{4}-\d\d-\d\d)(?:\s*(?:\.\.|to)\s*(?P<last>\d{4}-\d\d-\d\d))?")


@dataclass(frozen=True, slots=True)
class Freeze:
    """One window; days of the week (0 is Monday) between two times of day, or whole dates.

    Attributes
    ----------
    text : as it was written
    begin, end : times of day; the end is not in it, and lies on the next day where it is not later
    """

    text: str
    days: frozenset[int] = frozenset()
    begin: time = time.min
    end: time = time.max
    first: date | None = None
    last: date | None = None

    def holds(self, moment: datetime) -> bool:
        """Tell whether a moment, aware, lies in the window."""
        moment = moment.astimezone(UTC)
        if self.first and self.last:
            return self.first <= moment.date() <= self.last
        clock = moment.time()
        if self.begin < self.end:
            return moment.weekday() in self.days and self.begin <= clock and (clock < self.end or self.end == time.max)
        yesterday = (moment.weekday() - 1) % 7
        return (moment.weekday() in self.days and clock >= self.begin) or (yesterday in self.days and clock < self.end)


def parse_freeze(text: str) -> Freeze:
    """Read `fri 15:00-23:59`, `sat-sun`, `2026-12-24..2027-01-01`.

    Raises ValueError for anything else.

    >>> parse_freeze("fri-sat 22:00-06:00").holds(datetime(2026, 11, 29, 5, 0, tzinfo=UTC))  # Sunday morning
    True
    """
    text = text.strip()
    if match := _DATES.fullmatch(text):
        first = date.fromisoformat(match["first"])
        last = date.fromisoformat(match["last"] or match["first"])
        if first > last:
            raise ValueError(f"'{text}' ends before it begins")
        return Freeze(text, first=first, last=last)
    match = _WEEKLY.fullmatch(text)
    if not match or match["first"].lower() not in _DAYS or (match["last"] or "mon").lower() not in _DAYS:
        raise ValueError(f"'{text}' is no window; write `fri 15:00-23:59`, `sat-sun` or `2026-12-24..2027-01-01`")
    first_day, last_day = _DAYS.index(match["first"].lower()), _DAYS.index((match["last"] or match["first"]).lower())
    days = frozenset((first_day + n) % 7 for n in range((last_day - first_day) % 7 + 1))
    if not match["from"]:
        return Freeze(text, days)
    return Freeze(text, days, time.fromisoformat(match["from"]), _end(match["to"]))


def _end(text: str) -> time:
    """Read when a window ends; whoever writes 23:59 or 24:00 means the whole day."""
    return time.max if text in ("23:59", "24:00") else time.fromisoformat(text)


def frozen_by(freezes: tuple[Freeze, ...], moment: datetime) -> Freeze | None:
    """Give the window that a moment lies in."""
    return next((freeze for freeze in freezes if freeze.holds(moment)), None)
