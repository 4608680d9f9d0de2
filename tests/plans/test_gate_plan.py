"""The gate plan as a contract: its bytes, reading it back, what an approval is about, and its verdicts."""

from __future__ import annotations

import copy
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from cipredict.errors import CipredictError, InputError
from cipredict.plans.document import MadeFrom, plan_id, write_plan
from cipredict.plans.gate_document import parse_gate_plan, read_gate_plan
from cipredict.plans.gate_plan import (
    Effect,
    GateInput,
    GatePlan,
    GateVerdict,
    JudgedGate,
    Outcome,
    Scope,
    Subject,
    verify_gate_plan,
)

GOLDEN = Path(__file__).parents[1] / "golden" / "gate_plan.json"
COVERAGE = JudgedGate(
    "test_coverage",
    "test_coverage",
    Outcome.PASS,
    Effect.NONE,
    action="block",
    demand=">= 85%",
    reason="91% is >= 85%",
    measured="91%",
    value=0.91,
    dimension="share",
    source="coverage.json",
)
LATENCY = JudgedGate(
    "latency_gate",
    "p99_latency",
    Outcome.EXEMPT,
    Effect.WARN,
    action="block_deployment",
    demand="< 10ms",
    reason="let through by label hotfix; 12ms is not < 10ms",
    measured="12ms",
    value=0.012,
    dimension="seconds",
    source="k6.json",
    exception="label hotfix",
)
REGRESSION = JudgedGate(
    "regression_gate",
    "performance_regression",
    Outcome.FAIL,
    Effect.REQUIRE_APPROVAL,
    action="require_approval",
    demand="< 5%",
    reason="7.5% is not < 5%",
    measured="7.5%",
    value=0.075,
    dimension="share",
    source="perf.json",
    escalation=("performance_team",),
    approvers=("tech_lead", "performance_engineer"),
)
APPROVED = replace(REGRESSION, effect=Effect.APPROVED, approved_by=("alice",))


def golden_plan() -> GatePlan:
    return GatePlan(
        (COVERAGE, LATENCY, REGRESSION),
        Subject("f00d" * 10, "feature/größe", "bob", ("hotfix",)),
        Scope.DEPLOYMENT,
        MadeFrom("0.1.0", commit="f00d" * 10, settings="pyproject.toml"),
        inputs=(GateInput("k6.json", "k6", "valid"), GateInput("b.json", "bandit", "suboptimal", "not whole")),
        notes=("an exception ended",),
    )


def test_a_plan_has_the_bytes_of_the_golden_file(tmp_path: Path) -> None:
    """Accept a change with `cp <the path in the message> tests/golden/`."""
    actual = tmp_path / GOLDEN.name
    write_plan(actual, golden_plan().to_document())
    assert GOLDEN.read_text(encoding="utf-8") == actual.read_text(encoding="utf-8"), actual
    assert golden_plan() == read_gate_plan(GOLDEN)


def test_approvals_leave_the_decision_as_it_was() -> None:
    approved = replace(golden_plan(), gates=(COVERAGE, LATENCY, APPROVED))
    assert golden_plan().decision_sha256 == approved.decision_sha256
    assert (GateVerdict.APPROVAL_NEEDED, GateVerdict.WARNED) == (golden_plan().verdict, approved.verdict)


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"gates": (COVERAGE, LATENCY, replace(REGRESSION, value=0.08, measured="8%"))}, id="measurement"),
        pytest.param({"gates": (COVERAGE, LATENCY, replace(REGRESSION, demand="< 6%"))}, id="definition"),
        pytest.param({"gates": (COVERAGE, LATENCY, replace(REGRESSION, approvers=("mallory",)))}, id="approvers"),
        pytest.param({"subject": Subject("beef" * 10)}, id="commit"),
        pytest.param({"scope": Scope.MERGE}, id="scope"),
        pytest.param({"inputs": ()}, id="inputs"),
    ],
)
def test_an_approval_ends_when_anything_it_is_about_changes(changed: dict[str, Any]) -> None:
    assert golden_plan().decision_sha256 != replace(golden_plan(), **changed).decision_sha256


def verdict_of(*gates: JudgedGate, inputs: tuple[GateInput, ...] = ()) -> GateVerdict:
    return replace(golden_plan(), gates=gates, inputs=inputs).verdict


def test_every_pair_of_effects_has_the_graver_verdict() -> None:
    order = [
        (Effect.NONE, GateVerdict.PASSED),
        (Effect.WARN, GateVerdict.WARNED),
        (Effect.APPROVED, GateVerdict.WARNED),
        (Effect.REQUIRE_APPROVAL, GateVerdict.APPROVAL_NEEDED),
        (Effect.INCONCLUSIVE, GateVerdict.INCONCLUSIVE),
        (Effect.BLOCK_DEPLOYMENT, GateVerdict.BLOCKED),
        (Effect.BLOCK, GateVerdict.BLOCKED),
    ]
    assert set(Effect) == {effect for effect, _ in order}
    for (at, (first, _)), (other, (second, _)) in product(enumerate(order), repeat=2):
        gates = (replace(COVERAGE, effect=first), replace(LATENCY, effect=second))
        assert order[max(at, other)][1] is verdict_of(*gates)


def test_every_verdict_has_its_exit_code() -> None:
    assert [0, 0, 3, 4, 1] == [verdict.exit_code for verdict in GateVerdict]


def test_a_file_that_cannot_be_read_is_never_green() -> None:
    broken = (GateInput("b.json", "", "invalid", "empty"),)
    assert GateVerdict.INCONCLUSIVE is verdict_of(COVERAGE, inputs=broken)
    assert GateVerdict.BLOCKED is verdict_of(replace(COVERAGE, effect=Effect.BLOCK), inputs=broken)


@pytest.mark.parametrize(
    ("gates", "check"),
    [
        pytest.param((COVERAGE, COVERAGE), "each-gate-once", id="twice"),
        pytest.param((), "each-gate-once", id="none"),
        pytest.param((replace(COVERAGE, outcome=Outcome.FAIL),), "pass-means-no-effect", id="failure without effect"),
        pytest.param((replace(COVERAGE, effect=Effect.BLOCK),), "pass-means-no-effect", id="pass with effect"),
        pytest.param((replace(APPROVED, approvals_required=2),), "approved-by-enough", id="too few approvals"),
    ],
)
def test_checks_carry_their_name(gates: tuple[JudgedGate, ...], check: str) -> None:
    with pytest.raises(CipredictError, match=check):
        verify_gate_plan(replace(golden_plan(), gates=gates))


@pytest.mark.parametrize(
    ("path", "value", "complaint"),
    [
        (("gates", 0, "effect"), "dance", r"'gates\[0\].effect'"),
        (("gates", 2, "approvers"), "lead", r"'gates\[2\].approvers'"),
        (("scope",), 7, "'scope'"),
        (("subject", "author"), None, "'subject.author'"),
        (("gates", 0, "outcome"), "fail", "pass-means-no-effect"),
        (("verdict",), "passed", "changed after it was made"),
        (("gates", 2, "value"), 0.01, "changed after it was made"),
    ],
)
def test_a_damaged_plan_is_refused(path: tuple[Any, ...], value: object, complaint: str) -> None:
    document: dict[str, Any] = copy.deepcopy(golden_plan().to_document())
    holder: Any = document
    for step in path[:-1]:
        holder = holder[step]
    holder[path[-1]] = value
    with pytest.raises(InputError, match=complaint):
        parse_gate_plan(document)


def test_a_plan_whose_digests_were_made_to_fit_is_refused() -> None:
    body: dict[str, Any] = copy.deepcopy(golden_plan().to_document())
    body["gates"][2]["value"] = 0.01
    body = {key: value for key, value in body.items() if key not in {"schema", "id"}}
    forged = {"schema": "cipredict.gate-plan/1", "id": plan_id(body), **body}
    with pytest.raises(InputError, match="changed after it was made"):
        parse_gate_plan(forged)
