"""Reading a gate plan back: every problem of a document is found before it is refused."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from cipredict.errors import CipredictError, InputError
from cipredict.plans.document import plan_id, read_plan
from cipredict.plans.fields import Fields, parse_made_from
from cipredict.plans.gate_plan import (
    SCHEMA,
    Effect,
    GateInput,
    GatePlan,
    JudgedGate,
    Outcome,
    Scope,
    Subject,
    verify_gate_plan,
)


def read_gate_plan(path: Path) -> GatePlan:
    """Read a plan file; raises InputError where it cannot be read or is not a whole gate plan."""
    return parse_gate_plan(read_plan(path, schemas=(SCHEMA,)), where=str(path))


def parse_gate_plan(document: Mapping[str, object], *, where: str = "The document") -> GatePlan:
    """Build a plan from its document; one that was changed by hand is refused, since people approve by its digest.

    Raises
    ------
    InputError
        Naming every field that is missing or of the wrong kind, or the check that fails.
    """
    problems: list[str] = []
    plan = _parse_plan(Fields(document, problems, ""))
    if not problems:
        problems.extend(_broken_rules(plan, document))
    if problems:
        more = f" and {len(problems) - 5} more" if len(problems) > 5 else ""
        raise InputError(f"{where} is not a whole gate plan: {'; '.join(problems[:5])}{more}.", slug="plan-unreadable")
    return plan


def _broken_rules(plan: GatePlan, document: Mapping[str, object]) -> list[str]:
    try:
        verify_gate_plan(plan)
    except CipredictError as error:
        return [error.message]
    body = {key: value for key, value in document.items() if key not in {"schema", "id"}}
    is_whole = plan_id(body) == document.get("id") and plan.to_document() == dict(document)
    return [] if is_whole else ["its id is not that of its content, so it was changed after it was made"]


def _parse_plan(fields: Fields) -> GatePlan:
    subject = fields.inner("subject")
    return GatePlan(
        gates=tuple(_parse_gate(one) for one in fields.inner_list("gates")),
        subject=Subject(
            commit=subject.text("commit"),
            branch=subject.text("branch"),
            author=subject.text("author"),
            labels=subject.texts("labels"),
        ),
        scope=fields.word("scope", Scope, Scope.DEPLOYMENT),
        made_from=parse_made_from(fields.inner("made_from")),
        inputs=tuple(
            GateInput(one.text("source"), one.text("kind"), one.text("status"), one.text("reason"))
            for one in fields.inner_list("inputs")
        ),
        notes=fields.texts("notes"),
    )


def _parse_gate(fields: Fields) -> JudgedGate:
    return JudgedGate(
        name=fields.text("name"),
        metric=fields.text("metric"),
        outcome=fields.word("outcome", Outcome, Outcome.FAIL),
        effect=fields.word("effect", Effect, Effect.BLOCK),
        action=fields.text("action"),
        demand=fields.text("demand"),
        reason=fields.text("reason"),
        warn_demand=fields.text("warn_demand"),
        measured=fields.text_or_none("measured"),
        value=fields.number_or_none("value"),
        dimension=fields.text("dimension"),
        source=fields.text("source"),
        exception=fields.text("exception"),
        escalation=fields.texts("escalation"),
        approvers=fields.texts("approvers"),
        approvals_required=fields.count("approvals_required"),
        self_approval=fields.truth("self_approval"),
        approved_by=fields.texts("approved_by"),
    )
