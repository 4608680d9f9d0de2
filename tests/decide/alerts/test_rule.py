"""Rules as people write them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from cipredict.decide.alerts.rule import DEFAULTS, Measure, Silence, parse_rules
from cipredict.errors import SettingsError


def test_every_measure_has_defaults_and_is_a_rule_by_its_name_alone() -> None:
    rules = parse_rules({measure.value: {} for measure in Measure}, where="here")

    assert {rule.measure for rule in rules} == set(Measure) == set(DEFAULTS)
    assert all(not rule.is_beyond(rule.clear) for rule in rules)


def test_a_whole_rule() -> None:
    table = {
        "on": "cache_hits",
        "below": 0.4,
        "clear": 0.6,
        "window": 5,
        "notify": ["$CHAT"],
        "silence": ["2026-01-01/2026-01-02T12:00"],
    }
    [rule] = parse_rules({"cold": table}, where="here")

    assert (rule.name, rule.limit, rule.clear, rule.is_floor) == ("cold", 0.4, 0.6, True)
    assert rule.silences == (Silence(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, 12, tzinfo=UTC)),)
    assert (rule.is_beyond(0.3), rule.is_beyond(0.5), rule.is_clear(0.5), rule.is_clear(0.6)) == (
        True,
        False,
        False,
        True,
    )


@pytest.mark.parametrize(
    ("table", "words"),
    [
        pytest.param({"on": "weather"}, "'on' must be one of", id="measure"),
        pytest.param({"on": "queue", "abov": 3}, "unknown key 'abov'", id="key"),
        pytest.param({"on": "queue", "below": 3}, "'queue' has 'above', no 'below'", id="side"),
        pytest.param({"on": "queue", "above": 3, "clear": 4}, "'clear' must lie on the good side", id="clear"),
        pytest.param({"on": "queue", "window": 0}, "'window' must be a whole number", id="window"),
        pytest.param({"on": "queue", "above": True}, "'above' must be a number", id="bool"),
        pytest.param({"on": "queue", "notify": "$A"}, "'notify' must be a list", id="list"),
        pytest.param({"on": "queue", "silence": ["soon"]}, "'silence' must hold spans", id="silence"),
        pytest.param(3, "must be a table", id="table"),
    ],
)
def test_what_is_wrong_is_named(table: object, words: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parse_rules({"mine": table, "other": {"on": "none"}}, where="here")

    assert f"mine: {words}" in str(caught.value)
    assert "other: 'on' must be" in str(caught.value)
    assert "[alert-settings]" in str(caught.value)
