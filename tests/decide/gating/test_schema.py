"""The published JSON Schema of the vocabulary agrees with what is read."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import pytest

from cipredict.decide.gating.definition import Action, Against, Comparison, Unknown
from cipredict.decide.gating.known_metrics import KNOWN
from cipredict.decide.gating.parsing import parse_gates
from cipredict.errors import SettingsError
from cipredict.measures import UNITS

jsonschema = pytest.importorskip("jsonschema", reason="needs jsonschema, a development tool")
SCHEMA: dict[str, Any] = json.loads(
    files("cipredict.decide.gating").joinpath("gates.schema.json").read_text("utf-8")
)  # Any: JSON


def accepts(table: object) -> bool:
    return bool(jsonschema.Draft202012Validator(SCHEMA).is_valid(table))


def is_read(table: dict[str, object]) -> bool:
    try:
        parse_gates(table)
    except SettingsError:
        return False
    return True


def test_it_is_a_schema_itself() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_it_lists_every_word() -> None:
    gate = SCHEMA["$defs"]["gate"]["properties"]
    assert set(Action) == set(gate["action"]["enum"])
    assert set(Against) == set(gate["against_base"]["enum"])
    assert set(Comparison) == set(SCHEMA["$defs"]["comparison"]["enum"])
    assert set(Unknown) == set(SCHEMA["$defs"]["unknown"]["enum"])
    assert set(UNITS) - {""} == set(gate["unit"]["enum"])


@pytest.mark.parametrize("action", Action)
@pytest.mark.parametrize("comparison", Comparison)
def test_every_action_and_comparison_is_accepted(action: Action, comparison: Comparison) -> None:
    gate: dict[str, object] = {
        **{"metric": "x", "threshold": "5ms", "comparison": comparison.value, "action": action.value},
        "approvers": ["lead"],
    }
    assert accepts({"g": gate})
    assert is_read({"g": gate})


@pytest.mark.parametrize("metric", KNOWN)
def test_every_known_metric_has_an_accepted_short_form(metric: str) -> None:
    assert accepts({metric: 1})
    assert is_read({metric: 1})


@pytest.mark.parametrize(
    "gate",
    [
        {"metric": "x", "pass": ["> 0", "< 9"], "warn": "< 12"},
        {"metric": "test_coverage", "threshold": 85, "warn_threshold": "80%"},
        {"metric": "x", "pass": "< 5%", "against_base": "percent", "on_missing": "warn", "on_inconclusive": "fail"},
        {"metric": "x", "pass": "< 5", "exceptions": ["hotfix", {"branch": "r/*", "expires": "2027-01-31"}]},
        {"metric": "x", "pass": "< 5", "escalation": "team", "self_approval": True, "approvals_required": 2},
        "85%",
    ],
)
def test_what_is_read_is_accepted(gate: object) -> None:
    name = "test_coverage" if gate == "85%" else "g"
    assert (True, True) == (accepts({name: gate}), is_read({name: gate}))


@pytest.mark.parametrize(
    "gate",
    [
        {"threshold": 5},
        {"metric": "x"},
        {"metric": "test_coverage", "threshold": "85 percent"},
        {"metric": "x", "pass": "around 5"},
        {"metric": "x", "pass": "< 5", "threshold": 5},
        {"metric": "x", "pass": "< 5", "action": "explode"},
        {"metric": "x", "pass": "< 5", "action": "require_approval"},
        {"metric": "x", "pass": "< 5", "on_missing": "pass"},
        {"metric": "x", "pass": "< 5", "approvals_required": 0},
        {"metric": "x", "pass": "< 5", "unit": "furlong"},
        {"metric": "x", "pass": "< 5", "treshold": 5},
        {"metric": "x", "pass": "< 5", "exceptions": "hotfix"},
        {"metric": "x", "pass": "< 5", "exceptions": [{"reason": "x"}]},
        {"metric": "x", "pass": "< 5", "exceptions": [{"label": "x", "until": 1}]},
        {"metric": "x", "pass": "< 5", "self_approval": "yes"},
        {"metric": 7, "pass": "< 5"},
        True,
        None,
    ],
)
def test_what_is_refused_is_not_accepted(gate: object) -> None:
    assert (False, False) == (accepts({"g": gate}), is_read({"g": gate}))
