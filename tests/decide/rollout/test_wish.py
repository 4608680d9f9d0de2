from __future__ import annotations

from datetime import UTC, datetime

import pytest

from cipredict.decide.rollout.freeze import frozen_by, parse_freeze
from cipredict.decide.rollout.wish import parse_wish
from cipredict.errors import SettingsError
from cipredict.plans.rollout import Strategy, WhenInconclusive


def test_the_short_form_of_the_brief() -> None:
    table = {"strategy": "blue_green", "health_check": "api/health", "rollback_threshold": 5, "canary_percentage": 10}
    rollout = parse_wish(table, where="configure_deployment").rollout
    assert (Strategy.BLUE_GREEN, "/api/health", 0.05) == (
        rollout.strategy,
        rollout.health.path,
        rollout.limits.error_share,
    )
    assert [1.0] == [step.share for step in rollout.steps]


def test_the_percentage_is_where_a_canary_begins() -> None:
    rollout = parse_wish({"strategy": "canary", "canary_percentage": 10}, where="it").rollout
    assert [0.1, 0.25, 0.5, 1.0] == [step.share for step in rollout.steps]
    assert [1.0] == [step.share for step in rollout.first_steps]


def test_steps_may_be_given() -> None:
    rollout = parse_wish({"strategy": "canary", "steps": [1, 20], "bake-s": 3}, where="it").rollout
    assert [(0.01, 3.0), (0.2, 3.0), (1.0, 3.0)] == [(step.share, step.bake_s) for step in rollout.steps]


def test_the_long_form() -> None:
    table: dict[str, object] = {
        "command": ["./app", "{port}"],
        "ports": "9001-9004",
        "servers": 2,
        "approval": True,
        "approvers": ["ann"],
        "when_inconclusive": "wait",
        "health_command": ["check", "{port}"],
        "scripts": {"start": ["./up"]},
        "freeze": ["fri 15:00-23:59"],
    }
    wish = parse_wish(table, where="it")
    rollout = wish.rollout
    assert ((9001, 9002, 9003, 9004), 2, ("ann",)) == (rollout.ports, rollout.servers, rollout.approvers)
    assert (WhenInconclusive.WAIT, {"start": ("./up",)}) == (rollout.when_inconclusive, rollout.scripts)
    assert ["fri 15:00-23:59"] == [freeze.text for freeze in wish.freezes]


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("strategy", "big_bang", "is none of blue_green, canary, rolling"),
        ("canary_percentage", 0, "must be above 0"),
        ("canary_percentage", 150, "a percentage lies between 0 and 100"),
        ("rollback_threshold", -1, "a percentage lies between 0 and 100"),
        ("rollback_threshold", "5 %", "is no number"),
        ("steps", [50, 10], "must rise"),
        ("steps", [0, 10], "from above 0"),
        ("steps", 10, "write a list"),
        ("ports", "9001-9002", ""),
        ("ports", "9001", "need 2 at once, and these are 1"),
        ("ports", "9002-9001", "the smaller one first"),
        ("ports", 9001, "write a range"),
        ("bake_s", -1, "0 or more"),
        ("bake_s", float("nan"), "0 or more"),
        ("servers", 0, "1 or more"),
        ("servers", 1.5, "no number of things"),
        ("command", [], "names no program"),
        ("command", "app", "write a list of texts"),
        ("target", "apache", "is none of haproxy, nginx, command, kubernetes"),
        ("when_inconclusive", "shrug", "is none of rollback, promote, wait"),
        ("approval", "yes", "write true or false"),
        ("freeze", ["someday"], "is no window"),
        ("helth_check", "/", "unknown key"),
    ],
)
def test_a_mistake_is_named_with_its_key(key: str, value: object, words: str) -> None:
    if not words:
        parse_wish({key: value}, where="it")
        return
    with pytest.raises(SettingsError) as caught:
        parse_wish({key: value}, where="pyproject.toml: [tool.cipredict.deploy.production]")
    assert str(caught.value).startswith("pyproject.toml: [tool.cipredict.deploy.production]: " + key)
    assert words in str(caught.value)


def test_all_mistakes_are_named_at_once() -> None:
    with pytest.raises(SettingsError, match=r"strategy = .*; servers = .*; typo: unknown key"):
        parse_wish({"strategy": "x", "servers": 0, "typo": 1}, where="it")


@pytest.mark.parametrize(
    ("text", "moment", "expected"),
    [
        ("sat-sun", "2026-11-28T12:00", True),
        ("sat-sun", "2026-11-27T23:59", False),
        ("fri 15:00-23:59", "2026-11-27T15:00", True),
        ("fri 15:00-23:59", "2026-11-27T14:59", False),
        ("fri-mon", "2026-11-30T08:00", True),
        ("thu 22:00-06:00", "2026-11-27T05:59", True),
        ("thu 22:00-06:00", "2026-11-27T06:00", False),
        ("2026-12-24..2027-01-01", "2027-01-01T23:00", True),
        ("2026-12-24..2027-01-01", "2026-12-23T23:59", False),
        ("2026-12-24", "2026-12-24T00:00", True),
    ],
)
def test_windows_hold_their_moments(text: str, moment: str, expected: bool) -> None:  # noqa: FBT001  # pytest passes by name
    freeze = parse_freeze(text)
    assert (freeze if expected else None) == frozen_by((freeze,), datetime.fromisoformat(moment).replace(tzinfo=UTC))


@pytest.mark.parametrize("text", ["", "someday", "fri 25:00-26:00", "2026-13-01", "2027-01-02..2027-01-01", "sat 1-2"])
def test_what_is_no_window_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_freeze(text)
