"""Who may approve: roles, logins however they are spelled, and never the author unless that is allowed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from cipredict.decide.gating.approving import count_approvals, parse_roles, refusal
from cipredict.errors import SettingsError
from cipredict.plans.approvals import Approval
from cipredict.plans.document import MadeFrom
from cipredict.plans.gate_plan import Effect, GatePlan, JudgedGate, Outcome, Scope, Subject

ROLES = parse_roles({"lead": ["Alice", "@bob"]})
WAITING = JudgedGate(
    "g",
    "m",
    Outcome.FAIL,
    Effect.REQUIRE_APPROVAL,
    "require_approval",
    "< 5",
    "7 is not < 5",
    approvers=("lead", "carol"),
)


def plan_of(*gates: JudgedGate, author: str = "eve") -> GatePlan:
    return GatePlan(gates, Subject(author=author), Scope.DEPLOYMENT, MadeFrom("1"))


@pytest.mark.parametrize(
    ("user", "author", "reason"),
    [
        ("alice", "eve", ""),
        ("@ALICE", "eve", ""),
        ("Bob", "eve", ""),
        ("carol", "eve", ""),
        ("lead", "eve", "lead is none of them"),
        ("mallory", "eve", "mallory is none of them"),
        ("", "eve", "is none of them"),
        ("alice", "alice", "made the change"),
        ("alice", "@Alice", "made the change"),
        ("alice", "", "does not say who made the change"),
    ],
)
def test_who_may_approve(user: str, author: str, reason: str) -> None:
    told = refusal(plan_of(WAITING, author=author), user, ROLES)
    assert reason in told
    assert (reason == "") == (told == "")


def test_one_gate_that_counts_it_is_enough() -> None:
    other = replace(WAITING, name="h", approvers=("dave",))
    assert "" == refusal(plan_of(WAITING, other), "dave", ROLES)
    assert refusal(plan_of(WAITING, other), "mallory", ROLES).count("none of them") == 2


def test_where_nothing_waits_nobody_approves() -> None:
    passed = replace(WAITING, outcome=Outcome.PASS, effect=Effect.NONE)
    assert "waits for an approval" in refusal(plan_of(passed), "alice", ROLES)


def test_self_approval_where_it_is_allowed() -> None:
    assert "" == refusal(plan_of(replace(WAITING, self_approval=True), author="alice"), "alice", ROLES)


def test_approvals_are_counted_by_person() -> None:
    at = datetime(2026, 11, 25, tzinfo=UTC)
    approvals = [Approval("d", user, "", at) for user in ("alice", "@Alice", "bob", "eve", "mallory")]
    assert ("alice", "bob") == count_approvals(WAITING, approvals, author="eve", roles=ROLES)


@pytest.mark.parametrize("users", ["alice", [1], [""], {"a": 1}])
def test_a_role_is_a_list_of_users(users: object) -> None:
    with pytest.raises(SettingsError, match="'lead' must be a list of users"):
        parse_roles({"lead": users})
