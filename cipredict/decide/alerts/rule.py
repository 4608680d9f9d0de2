"""What a project wants to be told, `[tool.cipredict.alerts.<name>]`, checked once, with every problem listed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from cipredict.errors import SettingsError


class Measure(StrEnum):
    """What a rule looks at."""

    DURATION = "duration"
    QUEUE = "queue"
    FAILURES = "failures"
    FLAKY = "flaky"
    CACHE_HITS = "cache_hits"
    MISSES = "misses"
    ROLLBACK = "rollback"


DEFAULTS: Mapping[Measure, Mapping[str, float]] = {
    Measure.DURATION: {"above": 0.3, "window": 7},
    Measure.QUEUE: {"above": 300.0, "window": 7},
    Measure.FAILURES: {"above": 0.5, "window": 10},
    Measure.FLAKY: {"above": 1.0, "window": 10},
    Measure.CACHE_HITS: {"below": 0.5, "window": 20},
    Measure.MISSES: {"above": 0.1, "window": 20},
    Measure.ROLLBACK: {"above": 0.5, "window": 1},
}
"""Share longer than before; seconds; share of runs; flaky cases a run; share of hits; share of failing runs; share."""


@dataclass(frozen=True, slots=True)
class Silence:
    """A time in which nothing is said, aware UTC; what is still so when it ends is said then."""

    begin: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing to be told of.

    Attributes
    ----------
    limit : raised beyond it; `is_floor`: beyond means below
    clear : recovered on this side of it again; between the two nothing changes
    window : points that make a level: their median for seconds, their mean for shares and counts
    baseline : points before them, of which a duration's usual level is made
    hold : consecutive levels that it takes to raise or to recover
    branch, workflow : only runs of these; empty for all
    notify, escalate : names of apprise targets; `escalate` hears of what lasts longer than `escalate_after_h`
    """

    name: str
    measure: Measure
    limit: float
    clear: float
    window: int
    is_floor: bool = False
    baseline: int = 30
    hold: int = 3
    branch: str = ""
    workflow: str = ""
    notify: tuple[str, ...] = ()
    escalate: tuple[str, ...] = ()
    escalate_after_h: float = 24.0
    silences: tuple[Silence, ...] = ()

    def is_beyond(self, level: float) -> bool:
        """Tell whether a level is worth an alert."""
        return level < self.limit if self.is_floor else level > self.limit

    def is_clear(self, level: float) -> bool:
        """Tell whether a level is good again."""
        return level >= self.clear if self.is_floor else level <= self.clear

    def silenced_until(self, at: datetime) -> datetime | None:
        """Give the end of the silence at that time."""
        return max((one.end for one in self.silences if one.begin <= at < one.end), default=None)


_KEYS = frozenset(
    [
        "on",
        "above",
        "below",
        "clear",
        "window",
        "baseline",
        "hold",
        "branch",
        "workflow",
        "notify",
        "escalate",
        "escalate_after_h",
        "silence",
    ]
)


def parse_rules(tables: object, *, where: str) -> tuple[Rule, ...]:
    """Read all rules, in the order of their names.

    Raises
    ------
    SettingsError
        With every problem of every rule.
    """
    if not isinstance(tables, Mapping):
        raise SettingsError(f"{where} must hold a table per rule.", slug="alert-settings")
    rules, problems = [], []
    for name, table in sorted(tables.items()):
        try:
            rules.append(_rule(name, table))
        except ValueError as error:
            problems.append(f"{name}: {error}")
    if problems:
        raise SettingsError(f"{where}: {'; '.join(problems)}.", slug="alert-settings")
    return tuple(rules)


def _rule(name: str, table: object) -> Rule:
    if not isinstance(table, Mapping):
        raise ValueError("must be a table")  # noqa: TRY004  # collected with the other problems
    values = {str(key).replace("-", "_"): value for key, value in table.items()}
    if unknown := values.keys() - _KEYS:
        raise ValueError(f"unknown key '{min(unknown)}' (known: {', '.join(sorted(_KEYS))})")
    try:
        measure = Measure(values.get("on", name))
    except ValueError:
        raise ValueError(f"'on' must be one of {', '.join(Measure)}") from None
    terms = DEFAULTS[measure]
    side, other = ("below", "above") if "below" in terms else ("above", "below")
    if other in values:
        raise ValueError(f"'{measure}' has '{side}', no '{other}'")
    limit = _number(values, side, terms[side])
    clear = _number(values, "clear", (1.0 + limit) / 2 if side == "below" else limit * 0.7)
    if (clear < limit) if side == "below" else (clear > limit):
        raise ValueError(f"'clear' must lie on the good side of '{side}'")
    return Rule(
        name=name,
        measure=measure,
        limit=limit,
        clear=clear,
        window=_count(values, "window", int(terms["window"])),
        is_floor=side == "below",
        baseline=_count(values, "baseline", 30),
        hold=_count(values, "hold", 1 if measure is Measure.ROLLBACK else 3),
        branch=_text(values, "branch"),
        workflow=_text(values, "workflow"),
        notify=_texts(values, "notify"),
        escalate=_texts(values, "escalate"),
        escalate_after_h=_number(values, "escalate_after_h", 24.0),
        silences=tuple(map(_silence, _texts(values, "silence"))),
    )


def _number(values: Mapping[str, object], key: str, default: float) -> float:
    value = values.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < float("inf"):
        raise ValueError(f"'{key}' must be a number from 0 on, not {value!r}")
    return float(value)


def _count(values: Mapping[str, object], key: str, default: int) -> int:
    value = values.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError(f"'{key}' must be a whole number from 1 on, not {value!r}")
    return value


def _text(values: Mapping[str, object], key: str) -> str:
    value = values.get(key, "")
    if not isinstance(value, str):
        raise ValueError(f"'{key}' must be a string, not {value!r}")  # noqa: TRY004  # collected with the others
    return value


def _texts(values: Mapping[str, object], key: str) -> tuple[str, ...]:
    value = values.get(key, [])
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ValueError(f"'{key}' must be a list of strings, not {value!r}")
    return tuple(value)


def _silence(text: str) -> Silence:
    """Read `2026-12-24/2026-12-27T08:00`, UTC unless it says otherwise."""
    try:
        begin, end = (datetime.fromisoformat(part.strip()) for part in text.split("/"))
    except ValueError:
        raise ValueError(f"'silence' must hold spans such as 2026-12-24/2026-12-27, not '{text}'") from None
    return Silence(*(at if at.tzinfo else at.replace(tzinfo=UTC) for at in (begin, end)))
