"""The gate plan: what every gate measured, what follows from it, and what may happen to the change.

Two digests: `id` names the plan; `decision_sha256` names what people approve. The second leaves approvals out and
holds everything else, so that an approval counts for exactly these measurements of this commit.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, is_dataclass, replace
from enum import StrEnum
from typing import TypeVar, assert_never, cast

from cipredict.errors import (
    EXIT_APPROVAL_NEEDED,
    EXIT_INCONCLUSIVE,
    EXIT_OK,
    EXIT_VERDICT_NO,
    CipredictError,
)
from cipredict.plans.document import MadeFrom, compact_json, frame_json, frame_plan

# 1  2026-11: the first.
SCHEMA = "cipredict.gate-plan/1"


class Outcome(StrEnum):
    """What a gate found."""

    PASS = "pass"  # noqa: S105  # an outcome, no password
    WARN = "warn"  # only its warn criteria hold, or a regression is not confirmed
    FAIL = "fail"
    MISSING = "missing"  # nothing usable was measured
    INCONCLUSIVE = "inconclusive"  # too little was measured
    EXEMPT = "exempt"  # it would not have passed, and an exception lets the change through


class Effect(StrEnum):
    """What follows from a gate's outcome, the mildest first."""

    NONE = "none"
    WARN = "warn"
    APPROVED = "approved"
    REQUIRE_APPROVAL = "require_approval"
    INCONCLUSIVE = "inconclusive"
    BLOCK_DEPLOYMENT = "block_deployment"
    BLOCK = "block"


class Scope(StrEnum):
    """What is decided about: `block_deployment` does not stand in the way of a merge."""

    MERGE = "merge"
    DEPLOYMENT = "deployment"


class GateVerdict(StrEnum):
    """What may happen to the change."""

    PASSED = "passed"
    WARNED = "warned"
    APPROVAL_NEEDED = "approval_needed"
    INCONCLUSIVE = "inconclusive"
    BLOCKED = "blocked"

    @property
    def exit_code(self) -> int:
        """Give the command's exit code."""
        match self:
            case GateVerdict.PASSED | GateVerdict.WARNED:
                return EXIT_OK
            case GateVerdict.APPROVAL_NEEDED:
                return EXIT_APPROVAL_NEEDED
            case GateVerdict.INCONCLUSIVE:
                return EXIT_INCONCLUSIVE
            case GateVerdict.BLOCKED:
                return EXIT_VERDICT_NO
        assert_never(self)


@dataclass(frozen=True, slots=True)
class JudgedGate:
    """One gate's finding.

    Attributes
    ----------
    demand, warn_demand : the criteria, spelled
    measured : the worst measurement, spelled; None where there is none
    value : the same in base units
    source : where it was read from
    reason : why the outcome is what it is
    exception : the one that was used, empty where none was
    approved_by : users whose approval counts
    """

    name: str
    metric: str
    outcome: Outcome
    effect: Effect
    action: str
    demand: str
    reason: str
    warn_demand: str = ""
    measured: str | None = None
    value: float | None = None
    dimension: str = ""
    source: str = ""
    exception: str = ""
    escalation: tuple[str, ...] = ()
    approvers: tuple[str, ...] = ()
    approvals_required: int = 1
    self_approval: bool = False
    approved_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Subject:
    """The change that is judged: empty text where unknown."""

    commit: str = ""
    branch: str = ""
    author: str = ""
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class GateInput:
    """A file that was named, and its verdict: valid, suboptimal or invalid, and why."""

    source: str
    kind: str
    status: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class GatePlan:
    """A whole decision.

    Attributes
    ----------
    gates : in the order of their definition
    inputs : every file that was named
    notes : what people must know beside, such as expired exceptions
    """

    gates: tuple[JudgedGate, ...]
    subject: Subject
    scope: Scope
    made_from: MadeFrom
    inputs: tuple[GateInput, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def verdict(self) -> GateVerdict:
        """Give the gravest effect's verdict.

        It is never green where nothing at all was measured, or where a file that was named could not be read: what it
        would have said is not known.
        """
        effects = {gate.effect for gate in self.gates}
        blocking = {Effect.BLOCK} if self.scope is Scope.MERGE else {Effect.BLOCK, Effect.BLOCK_DEPLOYMENT}
        if effects & blocking:
            return GateVerdict.BLOCKED
        if Effect.INCONCLUSIVE in effects or self.is_blind:
            return GateVerdict.INCONCLUSIVE
        if Effect.REQUIRE_APPROVAL in effects:
            return GateVerdict.APPROVAL_NEEDED
        return GateVerdict.PASSED if effects <= {Effect.NONE} else GateVerdict.WARNED

    @property
    def is_blind(self) -> bool:
        """Tell whether nothing was measured, or a file could not be read."""
        is_nothing_measured = all(gate.outcome is Outcome.MISSING for gate in self.gates)
        return is_nothing_measured or any(one.status == "invalid" for one in self.inputs)

    @property
    def decision_sha256(self) -> str:
        """Give the digest of all that an approval is about."""
        decided = {
            "gates": [_before_approval(gate) for gate in self.gates],
            "subject": asdict(self.subject),
            "scope": self.scope.value,
            "inputs": [asdict(one) for one in self.inputs],
        }
        return hashlib.sha256(compact_json(decided).encode()).hexdigest()

    def to_document(self) -> dict[str, object]:
        """Give the JSON document, with schema and id."""
        return frame_plan(SCHEMA, self._body())

    def to_record(self) -> str:
        """Give the same on one line, for the event file."""
        return frame_json(SCHEMA, compact_json(self._body()))

    def _body(self) -> dict[str, object]:
        return {
            "made_from": asdict(self.made_from),
            "verdict": self.verdict.value,
            "exit_code": self.verdict.exit_code,
            "scope": self.scope.value,
            "decision_sha256": self.decision_sha256,
            "subject": {**asdict(self.subject), "labels": list(self.subject.labels)},
            "counts": count_outcomes(self.gates),
            "gates": [_gate_document(gate) for gate in self.gates],
            "inputs": [asdict(one) for one in self.inputs],
            "notes": list(self.notes),
        }


def count_outcomes(gates: tuple[JudgedGate, ...]) -> dict[str, int]:
    """Count gates by outcome, those with none included."""
    counts = Counter(gate.outcome for gate in gates)
    return {outcome.value: counts[outcome] for outcome in Outcome}


def _gate_document(gate: JudgedGate) -> dict[str, object]:
    lists = ("escalation", "approvers", "approved_by")
    return {**asdict(gate), **{name: list(getattr(gate, name)) for name in lists}}


def _before_approval(gate: JudgedGate) -> Mapping[str, object]:
    effect = Effect.REQUIRE_APPROVAL if gate.effect is Effect.APPROVED else gate.effect
    return {**_gate_document(gate), "effect": effect, "approved_by": []}


_Held = TypeVar("_Held")


def writable(value: _Held) -> _Held:
    """Give the same, with texts that UTF-8 can hold: names of files and labels need not be Unicode."""
    found: object = value
    if isinstance(value, str) and not isinstance(value, StrEnum):
        found = value.encode("utf-8", "replace").decode()
    elif isinstance(value, tuple):
        found = tuple(map(writable, value))
    elif is_dataclass(value) and not isinstance(value, type):
        found = replace(value, **{field.name: writable(getattr(value, field.name)) for field in fields(value)})
    return cast(_Held, found)


def verify_gate_plan(plan: GatePlan) -> None:
    """Check a plan before anyone follows it: every gate once, and no gate that did not pass without an effect.

    Raises
    ------
    CipredictError
        A check failed: our bug.
    """
    names = [gate.name for gate in plan.gates]
    if len(names) != len(set(names)) or not names:
        raise _violation("each-gate-once")
    for gate in plan.gates:
        if (gate.outcome is Outcome.PASS) != (gate.effect is Effect.NONE):
            raise _violation("pass-means-no-effect")
        if gate.effect is Effect.APPROVED and len(gate.approved_by) < gate.approvals_required:
            raise _violation("approved-by-enough")


def _violation(check: str) -> CipredictError:
    return CipredictError(f"The gate plan breaks its own rule '{check}'.", slug="plan-check")
