"""Gate definitions: the brief's own, the short form, and one clear line for each mistake."""

from __future__ import annotations

import tomllib
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cipredict.decide.gating.definition import Action, Against, Comparison, Criterion, Gate, GateException, Unknown
from cipredict.decide.gating.known_metrics import KNOWN
from cipredict.decide.gating.parsing import parse_gates
from cipredict.errors import SettingsError
from cipredict.measures import Dimension, Quantity

BRIEF = {
    "latency_gate": {
        "metric": "p99_latency",
        "threshold": "10ms",
        "comparison": "less_than",
        "action": "block_deployment",
        "exceptions": ["hotfix", "security"],
    },
    "throughput_gate": {
        "metric": "requests_per_second",
        "threshold": "1000",
        "comparison": "greater_than",
        "action": "warn",
        "escalation": "performance_team",
    },
    "memory_gate": {
        "metric": "peak_memory_usage",
        "threshold": "2GB",
        "comparison": "less_than",
        "action": "block_deployment",
    },
    "regression_gate": {
        "metric": "performance_regression",
        "threshold": "5%",
        "comparison": "less_than",
        "action": "require_approval",
        "approvers": ["tech_lead", "performance_engineer"],
    },
}


def only(definition: object, name: str = "g") -> Gate:
    [gate] = parse_gates({name: definition})
    return gate


def test_the_four_gates_of_the_brief() -> None:
    latency, throughput, memory, regression = parse_gates(BRIEF)

    assert latency.passes == (Criterion(Comparison.LESS_THAN, Quantity(0.01, Dimension.SECONDS)),)
    assert latency.action is Action.BLOCK_DEPLOYMENT
    assert latency.exceptions == (GateException(label="hotfix"), GateException(label="security"))
    assert throughput.passes == (Criterion(Comparison.GREATER_THAN, Quantity(1000.0)),)
    assert (throughput.escalation, throughput.on_missing) == (("performance_team",), Unknown.WARN)
    assert memory.passes == (Criterion(Comparison.LESS_THAN, Quantity(2e9, Dimension.BYTES)),)
    assert regression.passes == (Criterion(Comparison.LESS_THAN, Quantity(0.05, Dimension.SHARE)),)
    assert (regression.approvers, regression.on_missing) == (("tech_lead", "performance_engineer"), Unknown.FAIL)


def test_the_short_form_takes_the_known_direction_and_blocks() -> None:
    short = {
        "test_coverage": 85,
        "audio_quality_score": 3.0,
        "performance_regression": 5,
        "security_vulnerabilities": 0,
    }
    gates = parse_gates(short)

    assert [f"{gate.name} {gate.demand}" for gate in gates] == [
        "test_coverage >= 85%",
        "audio_quality_score >= 3",
        "performance_regression <= 5%",
        "security_vulnerabilities <= 0",
    ]
    assert {gate.action for gate in gates} == {Action.BLOCK}
    assert {gate.on_missing for gate in gates} == {Unknown.FAIL}


@pytest.mark.parametrize("metric", KNOWN)
def test_every_known_metric_has_a_short_form(metric: str) -> None:
    assert only(1, metric).passes[0].comparison is KNOWN[metric].comparison


def test_pass_and_warn_criteria_in_one_gate() -> None:
    gate = only({"metric": "x", "pass": ["> 0ms", "< 10ms"], "warn": "< 12ms"})
    assert (gate.demand, [str(one) for one in gate.warns]) == ("> 0s and < 10ms", ["< 12ms"])
    tiers = only({"metric": "test_coverage", "threshold": "85%", "warn_threshold": 80})
    assert (tiers.demand, [str(one) for one in tiers.warns]) == (">= 85%", [">= 80%"])


def test_an_exception_may_end_at_a_time_of_its_last_day() -> None:
    table = tomllib.loads('metric = "x"\npass = "< 1"\nexceptions = [{label = "a", expires = 2027-01-31T12:00:00Z}]')
    assert date(2027, 1, 31) == only(table).exceptions[0].expires_on


def test_a_toml_table_with_every_key() -> None:
    gates = tomllib.loads("""
        [gates.drop]
        metric = "test_coverage"
        pass = ">= -1%"
        against-base = "difference"
        action = "require_approval"
        approvers = ["lead"]
        approvals_required = 2
        self_approval = true
        on_missing = "inconclusive"
        on_inconclusive = "fail"
        escalation = ["qa", "#alerts"]
        exceptions = ["hotfix", {branch = "release/*", expires = 2027-01-31, reason = "frozen"}]
    """)["gates"]
    gate = parse_gates(gates)[0]

    assert gate.against_base is Against.DIFFERENCE
    assert (gate.approvals_required, gate.self_approval) == (2, True)
    assert (gate.on_missing, gate.on_inconclusive) == (Unknown.INCONCLUSIVE, Unknown.FAIL)
    assert gate.exceptions[1] == GateException(branch="release/*", expires_on=date(2027, 1, 31), reason="frozen")


@pytest.mark.parametrize(
    ("name", "definition", "complaint"),
    [
        ("speed", 5, "the direction of this metric is not known"),
        ("g", {"threshold": 5}, "'metric' is missing"),
        ("g", {"metric": "x"}, "'threshold' .* or 'pass' is missing"),
        ("g", {"metric": "x", "threshold": 5}, "'comparison' is missing"),
        ("g", {"metric": "test_coverage", "threshold": "85 percent"}, "not a quantity|unknown unit"),
        ("g", {"metric": "test_coverage", "threshold": "10ms"}, "measured in share, but its threshold is in seconds"),
        ("g", {"metric": "x", "pass": "< 10ms", "warn": "< 2GB"}, "mix units"),
        ("g", {"metric": "x", "pass": "around 5"}, "not a criterion"),
        ("g", {"metric": "x", "pass": "< 5", "threshold": 5}, "not both"),
        ("g", {"metric": "x", "pass": "< 5", "action": "explode"}, "'explode' is none of block_deployment"),
        ("g", {"metric": "x", "pass": "< 5", "action": "require_approval"}, "nobody could approve"),
        ("g", {"metric": "x", "pass": "< 5", "on_missing": "pass"}, "'pass' is none of fail"),
        ("g", {"metric": "x", "pass": "< 5", "approvals_required": 0}, "at least 1"),
        ("g", {"metric": "x", "pass": "< 5", "unit": "furlong"}, "'furlong' is unknown"),
        ("g", {"metric": "x", "pass": "< 5", "treshold": 5}, "unknown key 'treshold'"),
        ("g", {"metric": "x", "pass": "< 5", "exceptions": "hotfix"}, "must be a list"),
        ("g", {"metric": "x", "pass": "< 5", "exceptions": [{"reason": "x"}]}, "neither a label nor"),
        ("g", {"metric": "x", "pass": "< 5", "exceptions": [{"label": "x", "until": 1}]}, "unknown key 'until'"),
        ("g", {"metric": "x", "pass": "< 5", "exceptions": [{"label": "x", "expires": "soon"}]}, "no date"),
        ("g", {"metric": "x", "pass": "< 5", "self_approval": "yes"}, "true or false"),
        ("g", {"metric": "x", "pass": "< 5ms", "against_base": "percent"}, "in percent is measured in share"),
        ("::error::", {"metric": "x", "pass": "< 5"}, "a name is letters"),
        ("g", {"metric": 7, "pass": "< 5"}, "'metric' must be a text"),
        ("test_coverage", float("nan"), "not a finite number"),
    ],
)
def test_a_mistake_is_named_in_one_line(name: str, definition: object, complaint: str) -> None:
    with pytest.raises(SettingsError, match=complaint) as raised:
        parse_gates({name: definition})
    assert (raised.value.slug, "\n" in str(raised.value)) == ("gate-definition", False)


_VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.dates()
_KEYS = st.sampled_from(
    ["metric", "threshold", "pass", "warn", "unit", "action", "exceptions", "approvers", "comparison", "on_missing"]
)


@given(st.dictionaries(st.text(max_size=5), _VALUES | st.dictionaries(_KEYS, _VALUES | st.lists(_VALUES)), max_size=3))
def test_no_table_is_worse_than_a_mistake_of_the_user(table: dict[str, object]) -> None:
    try:
        gates = parse_gates(table)
    except SettingsError as error:
        assert error.slug == "gate-definition"
    else:
        assert len(gates) == len(table)


def test_all_mistakes_of_all_gates_are_named_at_once() -> None:
    with pytest.raises(SettingsError, match=r"'a': .*'b': .*unknown key"):
        parse_gates({"a": 1, "b": {"metric": "x", "pass": "< 1", "odd": 2}})
