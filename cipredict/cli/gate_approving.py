"""`cipredict gate approve`: a yes to one plan, signed and appended to the event file that the next `gate` reads."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from cipredict.cli.gate_config import read_gate_config
from cipredict.cli.gating import KEY_VARIABLE, read_key
from cipredict.cli.inputs import read_text
from cipredict.cli.outputs import run_key
from cipredict.decide.gating.approving import refusal
from cipredict.errors import InputError, UsageError
from cipredict.events import append_event
from cipredict.plans.approvals import EVENT_KIND, Approval
from cipredict.plans.gate_document import read_gate_plan
from cipredict.plans.gate_plan import GatePlan
from cipredict.render.inert import one_line

if TYPE_CHECKING:
    from cipredict.settings import Settings


@dataclass(frozen=True, slots=True)
class ApprovingOptions:
    """The command's options, as typed."""

    plan: Path
    users: tuple[str, ...]
    reason: str
    reviews: str | None
    config: Path
    config_from: str | None


def approve(options: ApprovingOptions, settings: Settings) -> None:
    """Record the approvals; who may not approve is refused, and nothing is recorded then.

    Raises
    ------
    UsageError
        No key, no user, no reason, or somebody who may not.
    """
    key = read_key()
    if key is None:
        message = f"{KEY_VARIABLE} is not set, so that the approval could not be signed."
        raise UsageError(
            message, slug="approval-key", hint="Make one with `openssl rand -hex 32`, keep it as a secret."
        )
    plan = read_gate_plan(options.plan)
    users, reason = _who(options, plan)
    roles = read_gate_config(options.config, commit=options.config_from).roles
    refused = {user: why for user in users if (why := refusal(plan, user, roles))}
    if refused and (options.reviews is None or len(refused) == len(users)):  # others may review, too
        raise UsageError(f"Not approved: {one_line('; '.join(refused.values()))}.", slug="approval-refused")
    for user in sorted(set(users) - refused.keys()):
        _record(Approval(plan.decision_sha256, user, reason, datetime.now(UTC)).signed(key), settings.events)
        sys.stderr.write(f"{one_line(user)} approved decision {plan.decision_sha256[:12]}: {one_line(reason)}\n")
    sys.stderr.write("Run `cipredict gate` again, with the same files, for its verdict.\n")


def _who(options: ApprovingOptions, plan: GatePlan) -> tuple[Sequence[str], str]:
    if options.reviews is not None:
        users = read_reviews(options.reviews, commit=plan.subject.commit)
        return users, options.reason or "review of the pull request"
    if not options.users or not options.reason.strip():
        raise UsageError("Say who approves and why: --as USER --reason TEXT.", slug="approval-incomplete")
    return options.users, options.reason


def read_reviews(path: str, *, commit: str) -> list[str]:
    """Give who approved this commit, from GitHub's list of reviews or GitLab's approvals; the latest word counts.

    Raises
    ------
    InputError
        Not such a file, or nobody approved.
    """
    try:
        document = json.loads(read_text(path, what="reviews"))
        users = _gitlab_users(document) if isinstance(document, dict) else _github_users(document, commit)
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} holds no reviews ({error!r}).", slug="approval-reviews") from error
    if not users:
        raise InputError(f"{path}: nobody approved commit {commit[:12] or '?'}.", slug="approval-reviews")
    return users


def _github_users(reviews: Sequence[Mapping[str, object]], commit: str) -> list[str]:
    """Give who approved; a comment leaves an earlier review standing, another commit's review is stale."""
    latest: dict[str, bool] = {}
    for review in reviews:
        user, state = review["user"], review["state"]
        if isinstance(user, dict) and state in {"APPROVED", "CHANGES_REQUESTED", "DISMISSED"}:
            latest[str(user["login"])] = state == "APPROVED" and bool(commit) and review["commit_id"] == commit
    return sorted(user for user, is_approved in latest.items() if is_approved)


def _gitlab_users(approvals: Mapping[str, object]) -> list[str]:
    """Give who approved the merge request; GitLab itself takes approvals back on a push, where so configured."""
    approved_by = approvals["approved_by"]
    if not isinstance(approved_by, list):
        raise TypeError("'approved_by' is not a list")
    return sorted(str(one["user"]["username"]) for one in approved_by)


def _record(approval: Approval, folder: Path) -> None:
    try:
        append_event(folder, EVENT_KIND, approval.at, run=run_key(), body=approval.to_record())
    except OSError as error:
        raise InputError(f"Cannot write {folder}: {error.strerror}.", slug="output-unwritable") from error
