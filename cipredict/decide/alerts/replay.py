r"""A rule over points in time: when it raises, escalates and recovers.

The whole history is replayed at every check, so there is no state to lose: equal points give equal alerts. What was
delivered already is remembered by whoever delivers.

::

    level      ____/^^^^^^^^\\____        beyond the limit `hold` times: raised; clear `hold` times: recovered
    baseline   ----             ----     stands still while the alert lasts, so that slow does not become usual
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from statistics import fmean, median
from typing import NamedTuple

from cipredict.decide.alerts.rule import Measure, Rule


class Point(NamedTuple):
    """One observation: a run, a plan, a deployment, a look into a cache."""

    at: datetime
    value: float


class Kind(StrEnum):
    """What an alert says."""

    RAISED = "raised"
    ESCALATED = "escalated"
    RECOVERED = "recovered"


class Alert(NamedTuple):
    """One thing to say: `at` when it became so, `told_at` when it may be said, which a silence delays."""

    rule: Rule
    kind: Kind
    at: datetime
    level: float
    told_at: datetime

    @property
    def alert_id(self) -> str:
        """Names it for whoever remembers what was delivered."""
        return f"{self.rule.name} {self.kind} {self.at.isoformat()}"


_IN_SECONDS = frozenset({Measure.DURATION, Measure.QUEUE})


def replay(rule: Rule, points: Iterable[Point]) -> Iterator[Alert]:
    """Give the alerts of a rule, in the order of time; points come in that order."""
    watch = _Watch(rule)
    for point in points:
        yield from watch.see(point)


@dataclass(slots=True)
class _Watch:
    """A rule in the middle of a history."""

    rule: Rule
    usual: list[float] = field(default_factory=list)
    recent: list[float] = field(default_factory=list)
    streak: int = 0
    raised_at: datetime | None = None
    is_told: bool = False
    is_escalated: bool = False

    def see(self, point: Point) -> Iterator[Alert]:
        """Take one point in; give what is to be said because of it."""
        self._take(point.value)
        level = self._level()
        if level is None:
            return
        if self.raised_at is None:
            yield from self._maybe_raise(point.at, level)
        else:
            yield from self._while_raised(point.at, level)

    def _take(self, value: float) -> None:
        self.recent.append(value)
        if len(self.recent) > self.rule.window:
            oldest = self.recent.pop(0)
            if self.raised_at is None and not self.streak:
                self.usual = [*self.usual, oldest][-self.rule.baseline :]

    def _level(self) -> float | None:
        """Give the level of the last points, None before there are enough of them."""
        if len(self.recent) < self.rule.window:
            return None
        level = median(self.recent) if self.rule.measure in _IN_SECONDS else fmean(self.recent)
        if self.rule.measure is not Measure.DURATION:
            return level
        if len(self.usual) < min(self.rule.baseline, 10) or not (usual := median(self.usual)):
            return None
        return level / usual - 1

    def _maybe_raise(self, at: datetime, level: float) -> Iterator[Alert]:
        self.streak = self.streak + 1 if self.rule.is_beyond(level) else 0
        if self.streak >= self.rule.hold:
            self.raised_at, self.streak, self.is_told, self.is_escalated = at, 0, False, False
            yield from self._tell(at, level)

    def _while_raised(self, at: datetime, level: float) -> Iterator[Alert]:
        yield from self._tell(at, level)
        self.streak = self.streak + 1 if self.rule.is_clear(level) else 0
        if self.streak >= self.rule.hold:
            was_told = self.is_told
            self.raised_at, self.streak = None, 0
            if was_told:  # what nobody heard of needs no all-clear
                told_at = self.rule.silenced_until(at) or at
                yield Alert(self.rule, Kind.RECOVERED, at, level, told_at)

    def _tell(self, at: datetime, level: float) -> Iterator[Alert]:
        """Give what is due of a raised alert, unless there is silence."""
        if self.raised_at is None or self.rule.silenced_until(at):
            return
        if not self.is_told:
            self.is_told = True
            yield Alert(self.rule, Kind.RAISED, self.raised_at, level, at)
        elif self.rule.escalate and not self.is_escalated and self._lasts(at):
            self.is_escalated = True
            yield Alert(self.rule, Kind.ESCALATED, at, level, at)

    def _lasts(self, at: datetime) -> bool:
        return self.raised_at is not None and at - self.raised_at >= timedelta(hours=self.rule.escalate_after_h)
