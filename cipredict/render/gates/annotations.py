"""GitHub's annotations of a gate plan: one per gate that did not pass, within the 10 per kind that GitHub shows."""

from __future__ import annotations

from collections.abc import Iterator

from cipredict.plans.gate_plan import Effect, GatePlan, GateVerdict, Outcome
from cipredict.render.inert import annotation, one_line

MOST_PER_LEVEL = 10


def render_annotations(plan: GatePlan) -> str:
    """Give workflow commands; what does not fit is counted in the last one of its level."""
    lines: list[str] = []
    for level in ("error", "warning"):
        found = list(_annotations(plan, level))
        if len(found) > MOST_PER_LEVEL:
            rest = len(found) - MOST_PER_LEVEL + 1
            found = [*found[: MOST_PER_LEVEL - 1], annotation(level, f"{rest} more: see the gate plan", title="gates")]
        lines += found
    return "".join(f"{line}\n" for line in lines)


def _annotations(plan: GatePlan, level: str) -> Iterator[str]:
    for gate in plan.gates:
        if gate.outcome is not Outcome.PASS and level_of(gate.effect) == level:
            yield annotation(level, f"{gate.outcome}: {one_line(gate.reason)}", title=f"gate {gate.name}")
    for one in plan.inputs:
        if one.status != "valid" and level == ("error" if one.status == "invalid" else "warning"):
            yield annotation(level, f"{one.source}: {one.reason}", title="gate input")


def level_of(effect: Effect) -> str:
    """Tell how loud an effect is: error, warning, or none for a gate that holds."""
    if effect in {Effect.NONE, Effect.WARN, Effect.APPROVED}:
        return "none" if effect is Effect.NONE else "warning"
    return "error"


def gate_outputs(plan: GatePlan) -> dict[str, str]:
    """Give what later jobs ask: the verdict, and whether an approval is needed to go on."""
    return {
        "verdict": plan.verdict.value,
        "exit-code": str(plan.verdict.exit_code),
        "passed": str(plan.verdict.exit_code == 0).lower(),
        "needs-approval": str(plan.verdict is GateVerdict.APPROVAL_NEEDED).lower(),
        "decision": plan.decision_sha256,
    }
