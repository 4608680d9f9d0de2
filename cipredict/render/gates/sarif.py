"""A gate plan as SARIF 2.1.0: a rule per gate, a result per gate that did not pass, placed where gates are defined."""

from __future__ import annotations

import hashlib

from cipredict.plans.gate_plan import Effect, GatePlan, JudgedGate, Outcome
from cipredict.render.gates.annotations import level_of
from cipredict.render.inert import one_line

SCHEMA_URI = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def render_sarif(plan: GatePlan, *, config: str) -> dict[str, object]:
    """Give the log. `config` is the file that defines the gates, relative to the repository's root."""
    results = [
        _result(gate, index, config=config) for index, gate in enumerate(plan.gates) if gate.outcome is not Outcome.PASS
    ]
    notifications = [
        {"level": "error" if one.status == "invalid" else "warning", "message": _text(f"{one.source}: {one.reason}")}
        for one in plan.inputs
        if one.status != "valid"
    ]
    run = {
        "tool": {
            "driver": {
                "name": "cipredict gate",
                "semanticVersion": plan.made_from.version,
                "rules": [_rule(gate) for gate in plan.gates],
            }
        },
        "invocations": [
            {
                "executionSuccessful": not plan.is_blind,
                "exitCode": plan.verdict.exit_code,
                "exitCodeDescription": plan.verdict.value,
                "toolExecutionNotifications": notifications,
            }
        ],
        "automationDetails": {"id": f"cipredict/gates/{plan.scope.value}/"},
        "results": results,
    }
    return {"$schema": SCHEMA_URI, "version": "2.1.0", "runs": [run]}


def _rule(gate: JudgedGate) -> dict[str, object]:
    return {
        "id": f"gate/{one_line(gate.name)}",
        "shortDescription": _text(f"{gate.metric} {gate.demand}"),
        "fullDescription": _text(f"Gate {gate.name}: {gate.metric} must be {gate.demand}, else {gate.action}."),
        "properties": {"action": gate.action, "metric": one_line(gate.metric)},
    }


def _result(gate: JudgedGate, index: int, *, config: str) -> dict[str, object]:
    result: dict[str, object] = {
        "ruleId": f"gate/{one_line(gate.name)}",
        "ruleIndex": index,
        "level": level_of(gate.effect),
        "kind": "fail",
        "message": _text(f"{gate.outcome}: {gate.reason}"),
        "locations": [
            {"physicalLocation": {"artifactLocation": {"uri": _uri(config)}, "region": {"startLine": 1}}},
        ],
        "partialFingerprints": {"gate/v1": fingerprint(gate)},
    }
    if gate.outcome is Outcome.EXEMPT or gate.effect is Effect.APPROVED:
        why = f"approved by {', '.join(gate.approved_by)}" if gate.approved_by else f"exception for {gate.exception}"
        result["suppressions"] = [{"kind": "external", "status": "accepted", "justification": one_line(why)}]
    return result


def fingerprint(gate: JudgedGate) -> str:
    """Tell the same gate's failure in another run."""
    return hashlib.sha256(f"{gate.name}\0{gate.metric}".encode(errors="replace")).hexdigest()


def _text(text: str) -> dict[str, str]:
    """Give a message; braces and brackets would be placeholders and links."""
    return {"text": one_line(text, longest=1000).replace("[", "(").replace("]", ")")}


def _uri(path: str) -> str:
    from urllib.parse import quote  # noqa: PLC0415  # only a report needs it

    return quote(path, safe="/")
