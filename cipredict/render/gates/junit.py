"""A gate plan as JUnit XML: a case per gate, so that every CI system's test page shows the gates."""

from __future__ import annotations

from xml.sax.saxutils import escape, quoteattr

from cipredict.plans.gate_plan import Effect, GatePlan, JudgedGate, Outcome
from cipredict.render.gates.annotations import level_of
from cipredict.render.inert import one_line


def render_junit(plan: GatePlan) -> str:
    """Give the document: what was not measured is an error, what an exception lets through is skipped."""
    cases = [_case(gate) for gate in plan.gates]
    cases += [_broken(one.source, one.reason) for one in plan.inputs if one.status == "invalid"]
    counts = {
        "tests": len(cases),
        "failures": sum("<failure" in case for case in cases),
        "errors": sum("<error" in case for case in cases),
        "skipped": sum("<skipped" in case for case in cases),
    }
    told = " ".join(f'{name}="{count}"' for name, count in counts.items())
    body = "".join(cases)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<testsuites name="cipredict gates" {told}>\n'
        f'  <testsuite name="gates" {told}>\n{body}  </testsuite>\n</testsuites>\n'
    )


def _case(gate: JudgedGate) -> str:
    head = f'    <testcase classname="gates" name={_quoted(gate.name)} time="0"'
    child = _child(gate)
    output = f"      <system-out>{_escaped(gate.reason)}</system-out>\n"
    return f"{head}>\n{child}{output}    </testcase>\n"


def _child(gate: JudgedGate) -> str:
    if gate.outcome is Outcome.EXEMPT or gate.effect is Effect.APPROVED:
        return f"      <skipped message={_quoted(gate.reason)}/>\n"
    if level_of(gate.effect) != "error":
        return ""
    tag = "failure" if gate.outcome is Outcome.FAIL else "error"
    return f"      <{tag} type={_quoted(gate.outcome)} message={_quoted(gate.reason)}/>\n"


def _broken(source: str, reason: str) -> str:
    return (
        f'    <testcase classname="gates.inputs" name={_quoted(source)} time="0">\n'
        f'      <error type="invalid" message={_quoted(reason)}/>\n    </testcase>\n'
    )


def _quoted(text: str) -> str:
    return quoteattr(one_line(text, longest=1000))


def _escaped(text: str) -> str:
    return escape(one_line(text, longest=1000))
