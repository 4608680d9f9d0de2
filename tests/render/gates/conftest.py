"""Plans whose names, reasons and files hold whatever somebody could commit."""

from __future__ import annotations

from cipredict.plans.document import MadeFrom
from cipredict.plans.gate_plan import Effect, GateInput, GatePlan, JudgedGate, Outcome, Scope, Subject, writable

EFFECTS = {
    Outcome.PASS: Effect.NONE,
    Outcome.WARN: Effect.WARN,
    Outcome.FAIL: Effect.BLOCK,
    Outcome.MISSING: Effect.BLOCK_DEPLOYMENT,
    Outcome.INCONCLUSIVE: Effect.INCONCLUSIVE,
    Outcome.EXEMPT: Effect.WARN,
}
HOSTILE = (
    "::error file=x::owned",
    "a\n::set-output name=x::y",
    "##[error]owned",
    "##vso[task.setvariable variable=a]b",
    "\x1b]0;title\x07\x1b[2J",
    "section_start:1:x\r\x1b[0K",
    "| `x` | <script>alert(1)</script> ![](http://e.example/i.png)",
    "]]> <!-- & \" ' %0A::warning::x",
    "\u202egnp.exe\u2066",
    "\ud800",
    "\x00\ufffe",
    "[link](javascript:alert(1)) {0}",
)


def plan_with(text: str = "gate", *, size: int = 1) -> GatePlan:
    """A plan of `size` gates for every outcome, every text of which is `text`."""
    gates = [
        JudgedGate(
            f"{text} {outcome} {number}",
            text,
            outcome,
            effect,
            action=text,
            demand=text,
            reason=text,
            measured=text,
            value=1.0,
            source=text,
            exception=text,
            escalation=(text,),
            approvers=(text,),
        )
        for outcome, effect in EFFECTS.items()
        for number in range(size)
    ]
    waiting = JudgedGate("waiting", "m", Outcome.FAIL, Effect.REQUIRE_APPROVAL, "require_approval", text, text)
    inputs = (GateInput(text, text, "invalid", text), GateInput(text, text, "suboptimal", text))
    subject = Subject(text, text, text, (text,))
    plan = GatePlan((*gates, waiting), subject, Scope.MERGE, MadeFrom("1"), inputs=inputs, notes=(text,))
    return writable(plan)
