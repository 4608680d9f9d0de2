"""Alerts in words: one message for all that the same people are to hear. Pure; alerts come as rows of plain values."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from cipredict.quantities import spell_seconds
from cipredict.render.plain import percent

_SHARES = frozenset({"failures", "cache_hits", "misses"})


class AlertRow(NamedTuple):
    """An alert: `kind` is raised, escalated or recovered; `level` and `limit` are of the measure."""

    rule: str
    measure: str
    kind: str
    at: datetime
    level: float
    limit: float


def render_title(rows: Sequence[AlertRow], project: str) -> str:
    """Give one line for all.

    >>> render_title([AlertRow("slow", "duration", "raised", datetime(2026, 1, 1), 0.5, 0.3)], "a/b")
    'a/b: slow raised'
    """
    told = ", ".join(f"{row.rule} {row.kind}" for row in rows[:3])
    return f"{project}: {told}" + (f" and {len(rows) - 3} more" if len(rows) > 3 else "")


def render_body(rows: Sequence[AlertRow]) -> str:
    """Give a line per alert."""
    return "\n".join(f"{row.kind} {row.rule}: {_say(row)} (since {row.at:%Y-%m-%d %H:%M} UTC)" for row in rows)


def _say(row: AlertRow) -> str:
    words = {
        "duration": f"runs take {row.level:+.0%} against the usual, limit {row.limit:+.0%}",
        "queue": f"runs wait {spell_seconds(row.level)}, limit {spell_seconds(row.limit)}",
        "flaky": f"{row.level:.1f} flaky cases a run, budget {row.limit:g}",
        "rollback": "the last deployment was taken back" if row.level else "the last deployment serves",
    }
    named = {"failures": "of runs fail", "cache_hits": "of caches hit", "misses": "of failing runs are missed"}
    if row.measure in _SHARES:
        return f"{percent(row.level)} {named[row.measure]}, limit {percent(row.limit)}"
    return words[row.measure]
