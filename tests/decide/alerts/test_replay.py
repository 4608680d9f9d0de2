"""When rules speak: on the bundled real history with incidents put into it, and on histories by chance."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cipredict.decide.alerts.replay import Alert, Kind, Point, replay
from cipredict.decide.alerts.rule import Measure, Rule, Silence, parse_rules

HISTORY = Path(__file__).parents[3] / "data" / "sqlparse-ci"
AT = datetime(2026, 1, 1, tzinfo=UTC)
FIRST, LAST = 100, 130
"""Pushes between which an incident lasts."""


def rows(name: str) -> list[dict[str, str]]:
    with (HISTORY / name).open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def pushes(value: Callable[[dict[str, str]], float]) -> list[Point]:
    """Give a point per push of the bundled history, in the order of time."""
    codes = {row["run_id"]: row["exit_code"] for row in rows("kinds.csv")}
    found = [
        Point(datetime.fromisoformat(row["started_at"]), value({**row, "exit_code": codes[row["run_id"]]}))
        for row in rows("runs.csv")
        if row["event"] == "push"
    ]
    return sorted(found)


def rule(measure: str, **table: object) -> Rule:
    [made] = parse_rules({measure: table}, where="here")
    return made


def seeded(points: Sequence[Point], change: Callable[[float], float]) -> list[Point]:
    return [Point(at, change(value) if FIRST <= k < LAST else value) for k, (at, value) in enumerate(points)]


def kinds(alerts: Sequence[Alert]) -> list[Kind]:
    return [alert.kind for alert in alerts]


INCIDENTS = [
    pytest.param("duration", {"above": 3.0}, lambda row: float(row["wall_s"]), lambda value: 12 * value, id="slow"),
    pytest.param("queue", {}, lambda _: 12.0, lambda _: 900.0, id="queue"),
    pytest.param("flaky", {}, lambda _: 0.0, lambda _: 4.0, id="flaky"),
    pytest.param("cache_hits", {}, lambda _: 1.0, lambda _: 0.0, id="cache"),
    pytest.param("misses", {}, lambda _: 0.0, lambda _: 1.0, id="misses"),
    pytest.param("rollback", {}, lambda _: 0.0, lambda _: 1.0, id="rollback"),
]


@pytest.mark.parametrize(("measure", "table", "value", "change"), INCIDENTS)
def test_a_seeded_incident_is_one_alert_and_one_recovery(
    measure: str,
    table: dict[str, object],
    value: Callable[[dict[str, str]], float],
    change: Callable[[float], float],
) -> None:
    points = pushes(value)
    quiet = list(replay(rule(measure, **table), points))
    alerts = list(replay(rule(measure, **table), seeded(points, change)))

    assert quiet == []
    assert kinds(alerts) == [Kind.RAISED, Kind.RECOVERED]
    assert points[FIRST].at <= alerts[0].at <= points[FIRST + 20].at
    assert points[LAST].at <= alerts[1].at <= points[LAST + 25].at


def test_the_real_failures_of_the_past_are_one_alert_and_a_seeded_incident_another() -> None:
    """Until 2020 every push of the history is red: the suite of old commits fails on Python 3.11."""
    points = pushes(lambda row: float(row["exit_code"] != "0"))
    quiet = list(replay(rule("failures"), points))
    alerts = list(replay(rule("failures"), seeded(points, lambda _: 1.0)))

    assert kinds(quiet) == [Kind.RAISED, Kind.RECOVERED]
    assert alerts[:2] == quiet
    assert kinds(alerts[2:]) == [Kind.RAISED, Kind.RECOVERED]


def test_the_real_durations_are_no_storm() -> None:
    """Measured on a machine whose load changed fivefold: what the default says in 190 pushes over seven years."""
    alerts = list(replay(rule("duration"), pushes(lambda row: float(row["wall_s"]))))

    assert kinds(alerts) == [Kind.RAISED, Kind.RECOVERED, Kind.RAISED, Kind.RECOVERED, Kind.RAISED]


def series(*values: float) -> list[Point]:
    return [Point(AT + timedelta(hours=k), value) for k, value in enumerate(values)]


values = st.lists(st.floats(0, 2), max_size=60)


@given(values, st.integers(1, 4), st.integers(1, 4))
def test_alerts_come_in_pairs(drawn: list[float], window: int, hold: int) -> None:
    made = rule("failures", window=window, hold=hold)
    found = kinds(list(replay(made, series(*drawn))))

    assert found[:1] in ([], [Kind.RAISED])
    assert all(before is not after for before, after in pairwise(found))


@given(values)
def test_later_points_change_no_alert(drawn: list[float]) -> None:
    made = rule("failures", window=2, hold=2)
    early = list(replay(made, series(*drawn[: len(drawn) // 2])))

    assert early == list(replay(made, series(*drawn)))[: len(early)]


def test_a_level_around_the_limit_raises_once() -> None:
    made = rule("queue", above=100, clear=70, window=1, hold=2)

    assert kinds(list(replay(made, series(*[101, 102, 99, 101, 98, 105, 80, 101] * 5)))) == [Kind.RAISED]


def test_slow_does_not_become_usual_while_the_alert_lasts() -> None:
    made = rule("duration", window=3, hold=2, baseline=10)

    assert kinds(list(replay(made, series(*[10.0] * 20, *[20.0] * 200)))) == [Kind.RAISED]
    assert kinds(list(replay(made, series(*[10.0] * 20, *[20.0] * 200, *[10.0] * 9)))) == [Kind.RAISED, Kind.RECOVERED]


def test_what_is_raised_in_a_silence_is_told_when_it_ends() -> None:
    quiet = Silence(AT + timedelta(hours=2), AT + timedelta(hours=8))
    made = Rule("q", Measure.QUEUE, 100, 70, window=1, hold=1, silences=(quiet,))
    [alert] = replay(made, series(1, 1, 1, 200, 200, 200, 200, 200, 200, 200))

    assert (alert.at, alert.told_at) == (AT + timedelta(hours=3), AT + timedelta(hours=8))


def test_what_begins_and_ends_in_a_silence_is_not_told() -> None:
    quiet = Silence(AT, AT + timedelta(hours=8))
    made = Rule("q", Measure.QUEUE, 100, 70, window=1, hold=1, silences=(quiet,))

    assert list(replay(made, series(1, 200, 200, 1, 1, 1, 1, 1, 1, 1))) == []


def test_what_lasts_is_escalated_once() -> None:
    made = rule("queue", above=100, window=1, hold=1, escalate=["$BOSS"], escalate_after_h=5)
    found = list(replay(made, series(*[200.0] * 20)))

    assert kinds(found) == [Kind.RAISED, Kind.ESCALATED]
    assert found[1].at - found[0].at == timedelta(hours=5)
