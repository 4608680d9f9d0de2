"""A gate plan as GitLab's code-quality report: an issue per gate that did not pass."""

from __future__ import annotations

from cipredict.plans.gate_plan import Effect, GatePlan, Outcome
from cipredict.render.gates.sarif import fingerprint
from cipredict.render.inert import one_line

_SEVERITIES = {
    Effect.NONE: "info",
    Effect.WARN: "minor",
    Effect.APPROVED: "minor",
    Effect.REQUIRE_APPROVAL: "major",
    Effect.INCONCLUSIVE: "critical",
    Effect.BLOCK_DEPLOYMENT: "critical",
    Effect.BLOCK: "blocker",
}


def render_code_quality(plan: GatePlan, *, config: str) -> list[dict[str, object]]:
    """Give the report. `config` is the file that defines the gates, relative to the repository's root."""
    return [
        {
            "description": one_line(f"Gate {gate.name}: {gate.outcome}, {gate.reason}"),
            "check_name": f"gate/{one_line(gate.name)}",
            "fingerprint": fingerprint(gate),
            "severity": _SEVERITIES[gate.effect],
            "location": {"path": config.removeprefix("./"), "lines": {"begin": 1}},
        }
        for gate in plan.gates
        if gate.outcome is not Outcome.PASS
    ]
