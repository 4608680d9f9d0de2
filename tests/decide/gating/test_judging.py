"""Enforcement: every action, comparison and outcome, enumerated; and the rules that no enumeration shows."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cipredict.decide.gating.definition import Action, Against, Comparison, Criterion, Gate, GateException, Unknown
from cipredict.decide.gating.judging import GateRequest, decide_gates
from cipredict.measures import Dimension, Evidence, Measurement, Quantity
from cipredict.plans.document import MadeFrom
from cipredict.plans.gate_plan import Effect, GatePlan, GateVerdict, JudgedGate, Outcome, Scope, Subject

TODAY = date(2026, 11, 25)
THRESHOLD = 10.0
EXPECTED_TO_HOLD = {
    Comparison.LESS_THAN: (True, False, False),
    Comparison.LESS_THAN_OR_EQUAL: (True, True, False),
    Comparison.GREATER_THAN: (False, False, True),
    Comparison.GREATER_THAN_OR_EQUAL: (False, True, True),
    Comparison.EQUAL: (False, True, False),
    Comparison.NOT_EQUAL: (True, False, True),
}
"""Whether it holds below, at and above the threshold: written by hand, not computed with the code under test."""
EFFECT_OF_FAILURE = {
    Action.BLOCK_DEPLOYMENT: (Effect.BLOCK_DEPLOYMENT, 1),
    Action.BLOCK: (Effect.BLOCK, 1),
    Action.WARN: (Effect.WARN, 0),
    Action.REQUIRE_APPROVAL: (Effect.REQUIRE_APPROVAL, 3),
}


def make_gate(
    comparison: Comparison = Comparison.LESS_THAN, action: Action = Action.BLOCK, *, name: str = "g", **more: object
) -> Gate:
    criterion = Criterion(comparison, Quantity(THRESHOLD))
    gate = Gate(name, "m", (criterion,), action, approvers=("lead",))
    return replace(gate, **more)  # type: ignore[arg-type]  # fields of a Gate


def decide(*gates: Gate, measured: object = (), **more: object) -> GatePlan:
    values = measured if isinstance(measured, tuple) else (measured,)
    measurements = [
        one if isinstance(one, Measurement) else Measurement("m", Quantity(float(one)), "f.json") for one in values
    ]
    request = GateRequest(gates, measurements, Subject(), TODAY, MadeFrom("1"))
    return decide_gates(replace(request, **more))  # type: ignore[arg-type]  # fields of a GateRequest


def only(plan: GatePlan) -> JudgedGate:
    [gate] = plan.gates
    return gate


@pytest.mark.parametrize(("action", "comparison"), list(product(Action, Comparison)))
def test_every_action_enforces_every_comparison(action: Action, comparison: Comparison) -> None:
    for value, holds in zip((9.0, 10.0, 11.0), EXPECTED_TO_HOLD[comparison], strict=True):
        plan = decide(make_gate(comparison, action), measured=value)
        outcome, (effect, code) = Outcome.FAIL, EFFECT_OF_FAILURE[action]
        if holds:
            outcome, effect, code = Outcome.PASS, Effect.NONE, 0
        assert (outcome, effect, code) == (only(plan).outcome, only(plan).effect, plan.verdict.exit_code)


@pytest.mark.parametrize(("action", "policy"), list(product(Action, Unknown)))
@pytest.mark.parametrize("outcome", [Outcome.MISSING, Outcome.INCONCLUSIVE])
def test_every_policy_is_followed_where_nothing_is_known(action: Action, policy: Unknown, outcome: Outcome) -> None:
    gate = make_gate(action=action, on_missing=policy, on_inconclusive=policy)
    steady = make_gate(name="steady")
    odd = Measurement("m", None) if outcome is Outcome.MISSING else Measurement("m", None, "", Evidence.INCONCLUSIVE)
    plan = decide(replace(gate, metric="odd"), steady, measured=(replace(odd, metric="odd"), 1.0))
    expected = {
        Unknown.FAIL: EFFECT_OF_FAILURE[action],
        Unknown.INCONCLUSIVE: (Effect.INCONCLUSIVE, 4),
        Unknown.WARN: (Effect.WARN, 0),
    }[policy]

    assert (outcome, *expected) == (plan.gates[0].outcome, plan.gates[0].effect, plan.verdict.exit_code)


@pytest.mark.parametrize("policy", Unknown)
@pytest.mark.parametrize("action", Action)
def test_nothing_measured_is_never_green(action: Action, policy: Unknown) -> None:
    assert decide(make_gate(action=action, on_missing=policy)).verdict.exit_code != 0


@pytest.mark.parametrize("action", Action)
def test_an_exception_lets_every_action_through_visibly(action: Action) -> None:
    gate = make_gate(action=action, exceptions=(GateException(label="hotfix", reason="fire"),))
    plan = decide(gate, measured=11.0, subject=Subject(labels=("hotfix",)))
    expected = Outcome.FAIL if action is Action.WARN else Outcome.EXEMPT  # a warning needs no exception

    assert (expected, Effect.WARN, 0) == (only(plan).outcome, only(plan).effect, plan.verdict.exit_code)
    assert (action is Action.WARN) == (only(plan).exception == "")


def test_an_exception_is_counted_only_where_it_was_needed() -> None:
    gate = make_gate(exceptions=(GateException(label="hotfix"),))
    plan = decide(gate, measured=9.0, subject=Subject(labels=("hotfix",)))
    assert (Outcome.PASS, "") == (only(plan).outcome, only(plan).exception)


@pytest.mark.parametrize(
    ("exception", "subject", "applies"),
    [
        (GateException(label="hotfix"), Subject(labels=("other",)), False),
        (GateException(label="hotfix"), Subject(labels=("Hotfix",)), False),
        (GateException(branch="release/*"), Subject(branch="release/1"), True),
        (GateException(branch="release/*"), Subject(branch="main"), False),
        (GateException(branch="*"), Subject(), False),
        (GateException(label="a", branch="b"), Subject(labels=("a",)), False),
        (GateException(label="a", branch="b"), Subject(labels=("a",), branch="b"), True),
        (GateException(label="a", expires_on=date(2026, 11, 26)), Subject(labels=("a",)), True),
        (GateException(label="a", expires_on=date(2026, 11, 25)), Subject(labels=("a",)), False),
    ],
)
def test_when_an_exception_applies(exception: GateException, subject: Subject, applies: bool) -> None:  # noqa: FBT001
    plan = decide(make_gate(exceptions=(exception,)), measured=11.0, subject=subject)
    assert (only(plan).outcome is Outcome.EXEMPT) == applies


def test_an_expired_exception_is_said_in_one_line() -> None:
    gate = make_gate(exceptions=(GateException(label="a", expires_on=date(2026, 1, 1)),))
    plan = decide(gate, measured=11.0, subject=Subject(labels=("a",)))
    assert (plan.verdict, plan.notes) == (
        GateVerdict.BLOCKED,
        ("g: the exception for label a ended on 2026-01-01",),
    )


def test_warn_criteria_soften_a_failure() -> None:
    gate = make_gate(warns=(Criterion(Comparison.LESS_THAN, Quantity(12.0)),))
    assert [Outcome.PASS, Outcome.WARN, Outcome.FAIL] == [
        only(decide(gate, measured=value)).outcome for value in (9, 11, 12)
    ]


def test_an_unconfirmed_regression_warns_and_a_confirmed_one_blocks() -> None:
    candidate = Measurement("m", Quantity(11.0), evidence=Evidence.CANDIDATE)
    assert only(decide(make_gate(), measured=candidate)).effect is Effect.WARN
    assert only(decide(make_gate(), measured=replace(candidate, evidence=Evidence.CONFIRMED))).effect is Effect.BLOCK


def test_of_several_measurements_the_worst_counts() -> None:
    judged = only(decide(make_gate(), measured=(9.0, 11.0, 1.0)))
    assert (Outcome.FAIL, 11.0) == (judged.outcome, judged.value)
    assert "the worst of 3" in judged.reason
    broken = Measurement("m", None, reason="not a finite number")
    assert only(decide(make_gate(), measured=(9.0, broken))).outcome is Outcome.MISSING


@pytest.mark.parametrize(
    ("unit", "outcome"),
    [pytest.param("", Outcome.MISSING, id="bare number"), pytest.param("ms", Outcome.PASS, id="unit set")],
)
def test_a_number_without_its_unit_is_never_guessed(unit: str, outcome: Outcome) -> None:
    gate = make_gate(unit=unit, passes=(Criterion(Comparison.LESS_THAN, Quantity(0.01, Dimension.SECONDS)),))
    judged = only(decide(gate, measured=8.0))
    assert outcome is judged.outcome
    assert ("unit mismatch: 8 is in number, the threshold in seconds" in judged.reason) == (unit == "")


@pytest.mark.parametrize(
    ("against", "threshold", "values", "outcome"),
    [
        (Against.DIFFERENCE, Quantity(-0.01, Dimension.SHARE), (0.795, 0.80), Outcome.PASS),
        (Against.DIFFERENCE, Quantity(-0.01, Dimension.SHARE), (0.78, 0.80), Outcome.FAIL),
        (Against.PERCENT, Quantity(-0.05, Dimension.SHARE), (0.77, 0.80), Outcome.PASS),
        (Against.PERCENT, Quantity(-0.05, Dimension.SHARE), (0.75, 0.80), Outcome.FAIL),
        (Against.PERCENT, Quantity(-0.05, Dimension.SHARE), (0.75, 0.0), Outcome.MISSING),
        (Against.DIFFERENCE, Quantity(-0.01, Dimension.SHARE), (0.75, None), Outcome.MISSING),
    ],
)
def test_a_value_is_compared_with_the_base(
    against: Against, threshold: Quantity, values: tuple[float, float | None], outcome: Outcome
) -> None:
    head, base = (value if value is None else Quantity(value, Dimension.SHARE) for value in values)
    gate = make_gate(against_base=against, passes=(Criterion(Comparison.GREATER_THAN_OR_EQUAL, threshold),))
    plan = decide(gate, measured=Measurement("m", head), base=[Measurement("m", base)])
    assert outcome is only(plan).outcome


def test_without_a_base_nothing_can_be_compared_with_it() -> None:
    judged = only(decide(make_gate(against_base=Against.DIFFERENCE), measured=1.0))
    assert (Outcome.MISSING, "the base has no measurement of it") == (judged.outcome, judged.reason)


def test_a_deployment_gate_does_not_stop_a_merge() -> None:
    gates = (make_gate(action=Action.BLOCK_DEPLOYMENT),)
    assert GateVerdict.WARNED is decide(*gates, measured=11.0, scope=Scope.MERGE).verdict
    assert GateVerdict.BLOCKED is decide(*gates, measured=11.0).verdict


def test_the_gravest_verdict_wins() -> None:
    gates = [make_gate(action=action, name=action) for action in Action]
    assert decide(*gates, measured=11.0).verdict is GateVerdict.BLOCKED
    approval = [gate for gate in gates if gate.action in {Action.WARN, Action.REQUIRE_APPROVAL}]
    assert decide(*approval, measured=11.0).verdict is GateVerdict.APPROVAL_NEEDED
    assert decide(
        *approval, make_gate(metric="other", on_missing=Unknown.INCONCLUSIVE, name="o"), measured=11.0
    ).verdict is (GateVerdict.INCONCLUSIVE)


@pytest.mark.parametrize("users", [(), ("lead",), ("a", "lead")])
def test_enough_approvals_let_a_gate_through(users: tuple[str, ...]) -> None:
    gate = make_gate(action=Action.REQUIRE_APPROVAL, approvals_required=2)
    asked: list[str] = []

    def approvals(digest: str, _gate: JudgedGate) -> tuple[str, ...]:
        asked.append(digest)
        return users

    plan = decide(gate, measured=11.0, approvals=approvals)
    assert (3 if len(users) < 2 else 0) == plan.verdict.exit_code
    assert [plan.decision_sha256] == asked


@given(st.floats(min_value=-1e6, max_value=1e6), st.sampled_from(list(Comparison)))
def test_what_holds_and_its_opposite_never_agree(value: float, comparison: Comparison) -> None:
    opposite = {
        Comparison.LESS_THAN: Comparison.GREATER_THAN_OR_EQUAL,
        Comparison.GREATER_THAN: Comparison.LESS_THAN_OR_EQUAL,
        Comparison.EQUAL: Comparison.NOT_EQUAL,
    }
    other = {**opposite, **{b: a for a, b in opposite.items()}}[comparison]
    assert comparison.holds(value, THRESHOLD) != other.holds(value, THRESHOLD)


def test_a_difference_by_rounding_is_none() -> None:
    assert Comparison.GREATER_THAN_OR_EQUAL.holds(0.1 + 0.2, 0.30000000000000004)
    assert not Comparison.GREATER_THAN.holds(0.1 + 0.2, 0.3)


@pytest.mark.parametrize(
    ("measured", "reason"),
    [
        ("benchmark:test_parse.p99", "nothing measured it; did you mean benchmark:test_parse.p99?"),
        ("loudness", "nothing measured it"),
    ],
)
def test_a_name_that_was_misspelt_is_told(measured: str, reason: str) -> None:
    gate = replace(make_gate(), metric="benchmark:tests_parse.p99")
    judged = only(decide(gate, measured=Measurement(measured, Quantity(1.0))))
    assert (Outcome.MISSING, reason) == (judged.outcome, judged.reason)
