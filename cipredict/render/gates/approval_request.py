"""What asks people for an approval, as the bodies that the platforms' APIs take; sending them is the workflow's part.

GitHub: reviewers of the pull request, or an environment with required reviewers that the next job names. GitLab: an
approval rule of the merge request.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from cipredict.plans.gate_plan import Effect, GatePlan
from cipredict.render.inert import one_line

ENVIRONMENT = "cipredict-approval"


def render_approval_request(plan: GatePlan, *, roles: Mapping[str, Collection[str]]) -> dict[str, object]:
    """Give who is asked for what, once per platform; without a waiting gate there is nobody to ask.

    `roles` tells who has a role: platforms know users only. What has a `/` is a team.
    """
    waiting = [gate for gate in plan.gates if gate.effect is Effect.REQUIRE_APPROVAL]
    approvers = sorted({one for gate in waiting for one in gate.approvers})
    people = sorted({one.removeprefix("@") for approver in approvers for one in roles.get(approver, (approver,))})
    users = [one for one in people if "/" not in one]
    teams = [one.rpartition("/")[2] for one in people if "/" in one]
    needed = max((gate.approvals_required for gate in waiting), default=0)
    text = "; ".join(f"{gate.name}: {gate.reason}" for gate in waiting)
    return {
        "schema": "cipredict.approval-request/1",
        "decision_sha256": plan.decision_sha256,
        "commit": plan.subject.commit,
        "approvals_required": needed,
        "approvers": approvers,
        "gates": [gate.name for gate in waiting],
        "text": one_line(text, longest=1000),
        "github": {
            "requested_reviewers": {"reviewers": users, "team_reviewers": teams},
            "environment": ENVIRONMENT if waiting else "",
        },
        "gitlab": {
            "approval_rule": {
                "name": f"cipredict {plan.decision_sha256[:12]}",
                "approvals_required": needed,
                "usernames": users,
            }
        },
    }
