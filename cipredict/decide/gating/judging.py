"""Gates and measurements into a gate plan. It fails closed: what is not known does not pass, and says so."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import NamedTuple

from cipredict.decide.gating.definition import Action, Against, Gate, GateException, Unknown
from cipredict.decide.globs import matches
from cipredict.measures import Dimension, Evidence, Measurement, Quantity, parse_quantity
from cipredict.plans.document import MadeFrom
from cipredict.plans.gate_plan import (
    Effect,
    GateInput,
    GatePlan,
    JudgedGate,
    Outcome,
    Scope,
    Subject,
    verify_gate_plan,
    writable,
)

NOT_MEASURED = "nothing measured it"
_MOST_NAMES = 1_000
_GRAVITY = (Outcome.PASS, Outcome.WARN, Outcome.INCONCLUSIVE, Outcome.MISSING, Outcome.FAIL)
_EFFECT = {
    Action.BLOCK_DEPLOYMENT: Effect.BLOCK_DEPLOYMENT,
    Action.BLOCK: Effect.BLOCK,
    Action.WARN: Effect.WARN,
    Action.REQUIRE_APPROVAL: Effect.REQUIRE_APPROVAL,
}


@dataclass(frozen=True, slots=True)
class GateRequest:
    """All that a decision needs.

    Attributes
    ----------
    measurements, base : of the change, and of what it is compared with; a metric may be measured more than once
    today : exceptions end on it
    approvals : who approved a decision, by its digest; only those that count
    """

    gates: Sequence[Gate]
    measurements: Sequence[Measurement]
    subject: Subject
    today: date
    made_from: MadeFrom
    base: Sequence[Measurement] = ()
    scope: Scope = Scope.DEPLOYMENT
    inputs: tuple[GateInput, ...] = ()
    notes: tuple[str, ...] = ()
    approvals: Callable[[str, JudgedGate], tuple[str, ...]] = field(default=lambda _digest, _gate: ())


class _Finding(NamedTuple):
    """What one measurement says to a gate."""

    outcome: Outcome
    reason: str
    quantity: Quantity | None = None
    source: str = ""


def decide_gates(request: GateRequest) -> GatePlan:
    """Judge every gate, look for exceptions and approvals, and check the plan."""
    current, base = _by_metric(request.measurements), _by_metric(request.base)
    notes = list(request.notes)
    judged = []
    for gate in request.gates:
        finding = _worst(_findings(gate, current.get(gate.metric, []), base.get(gate.metric, [])))
        if finding.reason == NOT_MEASURED:
            finding = finding._replace(reason=NOT_MEASURED + _near(gate.metric, current))
        judged.append(_apply(gate, finding, request, notes=notes))
    plan = GatePlan(
        tuple(judged), request.subject, request.scope, request.made_from, inputs=request.inputs, notes=tuple(notes)
    )
    plan = _with_approvals(writable(plan), request)
    verify_gate_plan(plan)
    return plan


def _by_metric(measurements: Iterable[Measurement]) -> Mapping[str, list[Measurement]]:
    found: defaultdict[str, list[Measurement]] = defaultdict(list)
    for measurement in measurements:
        found[measurement.metric].append(measurement)
    return found


def _near(metric: str, measured: Iterable[str]) -> str:
    """Name the metric that somebody may have meant, of the first thousand."""
    from difflib import get_close_matches  # noqa: PLC0415  # only where something is missing

    near = get_close_matches(metric, sorted(measured)[:_MOST_NAMES], n=1, cutoff=0.85)
    return f"; did you mean {near[0]}?" if near else ""


def _findings(gate: Gate, current: Sequence[Measurement], base: Sequence[Measurement]) -> list[_Finding]:
    if not current:
        return [_Finding(Outcome.MISSING, NOT_MEASURED)]
    if gate.against_base is not Against.NOTHING and len(base) != 1:
        reason = f"the base has {len(base)} measurements of it" if base else "the base has no measurement of it"
        return [_Finding(Outcome.MISSING, reason)]
    return [_finding(gate, one, base[0] if gate.against_base is not Against.NOTHING else None) for one in current]


def _finding(gate: Gate, measured: Measurement, base: Measurement | None) -> _Finding:
    quantity, problem = _comparable(gate, measured, base)
    if measured.evidence is Evidence.INCONCLUSIVE:
        return _Finding(Outcome.INCONCLUSIVE, measured.reason or "too little data", quantity, measured.source)
    if quantity is None:
        return _Finding(Outcome.MISSING, problem, None, measured.source)
    outcome, reason = _compare(gate, quantity, measured)
    more = f"; {measured.reason}" if measured.reason else ""
    return _Finding(outcome, reason + more, quantity, measured.source)


def _compare(gate: Gate, quantity: Quantity, measured: Measurement) -> tuple[Outcome, str]:
    if all(criterion.holds(quantity) for criterion in gate.passes):
        return Outcome.PASS, f"{quantity} is {gate.demand}"
    if gate.warns and all(criterion.holds(quantity) for criterion in gate.warns):
        return Outcome.WARN, f"{quantity} is not {gate.demand}, but {' and '.join(map(str, gate.warns))}"
    if measured.evidence is Evidence.CANDIDATE:
        return Outcome.WARN, f"{quantity} is not {gate.demand}, but no second runner has confirmed it"
    return Outcome.FAIL, f"{quantity} is not {gate.demand}"


def _comparable(gate: Gate, measured: Measurement, base: Measurement | None) -> tuple[Quantity | None, str]:
    """Bring a measurement to what the thresholds are about, or say why that cannot be."""
    wanted = gate.passes[0].threshold.dimension
    own = None if gate.against_base is Against.PERCENT else wanted
    current, problem = _in_dimension(gate, measured, own)
    if current is None or base is None:
        return current, problem
    former, problem = _in_dimension(gate, base, current.dimension)
    if former is None:
        return None, f"the base's value cannot be used: {problem}"
    if gate.against_base is Against.DIFFERENCE:
        return Quantity(current.value - former.value, current.dimension), ""
    if not former.value:
        return None, "the base's value is 0, so that no percentage can be told"
    return Quantity((current.value - former.value) / abs(former.value), Dimension.SHARE), ""


def _in_dimension(gate: Gate, measured: Measurement, wanted: Dimension | None) -> tuple[Quantity | None, str]:
    quantity = measured.quantity
    if quantity is None:
        return None, measured.reason or "it could not be measured"
    if wanted is None or quantity.dimension is wanted:
        return quantity, ""
    if quantity.dimension is Dimension.NUMBER and gate.unit:
        return parse_quantity(quantity.value, bare_unit=gate.unit), ""
    hint = ": set the gate's 'unit'" if quantity.dimension is Dimension.NUMBER else ""
    return None, f"unit mismatch: {quantity} is in {quantity.dimension.value}, the threshold in {wanted.value}{hint}"


def _worst(findings: Sequence[_Finding]) -> _Finding:
    """Give the gravest finding; several measurements must all pass."""
    worst = max(findings, key=lambda finding: _GRAVITY.index(finding.outcome))
    if len(findings) == 1:
        return worst
    return worst._replace(reason=f"{worst.reason} (the worst of {len(findings)} measurements)")


def _apply(gate: Gate, finding: _Finding, request: GateRequest, *, notes: list[str]) -> JudgedGate:
    effect = _effect(gate, finding.outcome)
    outcome, reason, used = finding.outcome, finding.reason, ""
    if effect not in {Effect.NONE, Effect.WARN}:
        exception = _exception(gate, request, notes)
        if exception is not None:
            used = str(exception)
            why = f" ({exception.reason})" if exception.reason else ""
            outcome, effect, reason = Outcome.EXEMPT, Effect.WARN, f"let through by {used}{why}; {reason}"
    return JudgedGate(
        name=gate.name,
        metric=gate.metric,
        outcome=outcome,
        effect=effect,
        action=gate.action.value,
        demand=gate.demand,
        reason=reason,
        warn_demand=" and ".join(map(str, gate.warns)),
        measured=None if finding.quantity is None else str(finding.quantity),
        value=None if finding.quantity is None else finding.quantity.value,
        dimension=gate.passes[0].threshold.dimension.value,
        source=finding.source,
        exception=used,
        escalation=gate.escalation,
        approvers=gate.approvers,
        approvals_required=gate.approvals_required,
        self_approval=gate.self_approval,
    )


def _effect(gate: Gate, outcome: Outcome) -> Effect:
    if outcome in {Outcome.PASS, Outcome.WARN}:
        return Effect.NONE if outcome is Outcome.PASS else Effect.WARN
    policies = {Outcome.MISSING: gate.on_missing, Outcome.INCONCLUSIVE: gate.on_inconclusive}
    policy = policies.get(outcome, Unknown.FAIL)
    if policy is Unknown.FAIL:
        return _EFFECT[gate.action]
    return Effect.WARN if policy is Unknown.WARN else Effect.INCONCLUSIVE


def _exception(gate: Gate, request: GateRequest, notes: list[str]) -> GateException | None:
    """Give the first exception that applies and still holds; one that is over is said to be."""
    for exception in gate.exceptions:
        if not _applies(exception, request.subject):
            continue
        if not exception.is_expired(request.today):
            return exception
        notes.append(f"{gate.name}: the exception for {exception} ended on {exception.expires_on}")
    return None


def _applies(exception: GateException, subject: Subject) -> bool:
    if exception.label and exception.label not in subject.labels:
        return False
    return not exception.branch or (bool(subject.branch) and matches(subject.branch, exception.branch))


def _with_approvals(plan: GatePlan, request: GateRequest) -> GatePlan:
    digest = plan.decision_sha256
    gates = []
    for gate in plan.gates:
        users = request.approvals(digest, gate) if gate.effect is Effect.REQUIRE_APPROVAL else ()
        is_enough = bool(users) and len(users) >= gate.approvals_required
        gates.append(replace(gate, approved_by=users, effect=Effect.APPROVED if is_enough else gate.effect))
    return replace(plan, gates=tuple(gates))
