"""A gate plan for people: the table and the sentences under it, and the same in Markdown for the run's page."""

from __future__ import annotations

from cipredict.plans.gate_plan import Effect, GatePlan, GateVerdict, JudgedGate, Outcome
from cipredict.render.github import clip_summary, code
from cipredict.render.inert import no_command, one_line
from cipredict.render.plain import plain_table

_SENTENCES = {
    GateVerdict.PASSED: "Passed: every gate holds.",
    GateVerdict.WARNED: "Passed with warnings.",
    GateVerdict.APPROVAL_NEEDED: "Approval needed: see below who may give it.",
    GateVerdict.INCONCLUSIVE: "Inconclusive, so not passed: something that decides could not be measured.",
    GateVerdict.BLOCKED: "Blocked.",
}
_MARKS = {
    Effect.NONE: "✅",
    Effect.WARN: "⚠️",
    Effect.APPROVED: "👍",
    Effect.REQUIRE_APPROVAL: "✋",
    Effect.INCONCLUSIVE: "❔",
    Effect.BLOCK_DEPLOYMENT: "⛔",
    Effect.BLOCK: "⛔",
}
_REASON_WIDTH = 90


def render_gates(plan: GatePlan) -> str:
    """Give the table and what follows from it, for stderr."""
    columns = ("gate", "outcome", "measured", "demand", "effect")
    table = plain_table("Gates", columns, (_row(gate) for gate in plan.gates))
    return "\n".join(no_command(line) for line in [*table.splitlines(), "", *say_gates(plan)]) + "\n"


def _row(gate: JudgedGate) -> tuple[str, ...]:
    cells = (gate.name, gate.outcome, gate.measured or "-", gate.demand, gate.effect)
    return tuple(one_line(str(cell), longest=60) for cell in cells)


def say_gates(plan: GatePlan) -> list[str]:
    """Give a line per gate that did not pass, per file that is not valid, per note, and the verdict."""
    odd = [gate for gate in plan.gates if gate.outcome is not Outcome.PASS]
    lines = [f"{one_line(gate.name)}: {one_line(_reason(gate), longest=500)}" for gate in odd]
    lines += [
        f"{one_line(one.source)}: {one.status}, {one_line(one.reason)}" for one in plan.inputs if one.status != "valid"
    ]
    lines += [f"Note: {one_line(note)}" for note in plan.notes]
    exempt = sum(gate.outcome is Outcome.EXEMPT for gate in plan.gates)
    if exempt:
        lines.append(f"{exempt} of {len(plan.gates)} gates were let through by an exception.")
    return [*lines, f"{_SENTENCES[plan.verdict]} [exit code {plan.verdict.exit_code}]"]


def _reason(gate: JudgedGate) -> str:
    parts = [gate.reason]
    if gate.source:
        parts.append(f"from {gate.source}")
    if gate.effect is Effect.REQUIRE_APPROVAL:
        have = f", {len(gate.approved_by)} of {gate.approvals_required} given" if gate.approvals_required > 1 else ""
        parts.append(f"may be approved by {', '.join(gate.approvers)}{have}")
    if gate.effect is Effect.APPROVED:
        parts.append(f"approved by {', '.join(gate.approved_by)}")
    if gate.escalation:
        parts.append(f"tell {', '.join(gate.escalation)}")
    return "; ".join(parts)


def render_step_summary(plan: GatePlan) -> str:
    """Give the same in Markdown; whatever a name holds stays in its cell."""
    rows = [
        f"| {_MARKS[gate.effect]} {_cell(gate.name)} | {gate.outcome} | {_cell(gate.measured or '-')} "
        f"| {_cell(gate.demand)} | {_cell(_reason(gate))} |"
        for gate in plan.gates
    ]
    head = [
        f"### Gates: {_SENTENCES[plan.verdict]}",
        "",
        "| gate | outcome | measured | demand | why |",
        "|---|---|---|---|---|",
    ]
    odd = [one for one in plan.inputs if one.status != "valid"]
    notes = [f"- {_cell(f'{one.source}: {one.status}, {one.reason}')}" for one in odd]
    notes += [f"- {_cell(note)}" for note in plan.notes]
    return clip_summary("\n".join([*head, *rows, "", *notes, f"Decision `{plan.decision_sha256[:12]}`.", ""]))


def _cell(text: str) -> str:
    return code(one_line(text))
