"""Who may approve a gate, and which approvals of a decision count."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from cipredict.errors import SettingsError
from cipredict.plans.approvals import Approval
from cipredict.plans.gate_plan import Effect, GatePlan, JudgedGate

Roles = Mapping[str, frozenset[str]]


def parse_roles(table: Mapping[str, object], *, source: str = "approvers") -> dict[str, frozenset[str]]:
    """Read `[tool.cipredict.approvers]`: role → the users who have it.

    Raises
    ------
    SettingsError
        A role that is no list of users.
    """
    roles = {}
    for role, users in table.items():
        if not isinstance(users, list) or not all(isinstance(user, str) and user for user in users):
            message = f"{source} [tool.cipredict.approvers]: '{role}' must be a list of users, not {users!r}."
            raise SettingsError(message, slug="gate-definition")
        roles[role] = frozenset(map(_fold, users))
    return roles


def refusal(plan: GatePlan, user: str, roles: Roles) -> str:
    """Say why a user's approval of a plan would count for none of its gates; empty where it counts."""
    waiting = [gate for gate in plan.gates if gate.effect is Effect.REQUIRE_APPROVAL]
    if not waiting:
        return "no gate of this plan waits for an approval"
    reasons = {_refusal(gate, user, author=plan.subject.author, roles=roles) for gate in waiting}
    return "" if "" in reasons else "; ".join(sorted(reasons))


def count_approvals(gate: JudgedGate, approvals: Iterable[Approval], *, author: str, roles: Roles) -> tuple[str, ...]:
    """Give the distinct users whose approval counts for a gate, sorted."""
    users = {_fold(approval.user) for approval in approvals}
    return tuple(sorted(user for user in users if not _refusal(gate, user, author=author, roles=roles)))


def _refusal(gate: JudgedGate, user: str, *, author: str, roles: Roles) -> str:
    allowed = {member for approver in gate.approvers for member in roles.get(approver, {_fold(approver)})}
    if _fold(user) not in allowed:
        return f"{gate.name} may be approved by {', '.join(gate.approvers)} only, and {user} is none of them"
    if gate.self_approval:
        return ""
    if not author:
        return f"the plan does not say who made the change, and {gate.name} may not be approved by its author"
    return (
        f"{user} made the change, and {gate.name} may not be approved by its author"
        if _fold(user) == _fold(author)
        else ""
    )


def _fold(user: str) -> str:
    """Spell a login as servers compare it: without `@`, whatever the case."""
    return user.strip().removeprefix("@").casefold()
