"""What somebody says to a deployment that goes on: yes, or stop. The yes is the same record as that of a gate."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from cipredict.plans.approvals import Approval, parse_approval


class Answer(NamedTuple):
    """Who says what; `is_approved` is False for a stop."""

    approval: Approval
    is_approved: bool


def read_answer(path: Path) -> Answer | None:
    """Read the answer; None where there is none, or none that can be read."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        approval = parse_approval(document["approval"])
        return Answer(approval, document["is_approved"] is True) if approval else None
    except (OSError, ValueError, TypeError, KeyError):
        return None


def write_answer(path: Path, answer: Answer) -> None:
    """Replace the answer as a whole."""
    unfinished = path.with_name(f".{path.name}")
    document = {"approval": json.loads(answer.approval.to_record()), "is_approved": answer.is_approved}
    unfinished.write_text(json.dumps(document), encoding="utf-8")
    unfinished.replace(path)


def forget_approval(path: Path) -> None:
    """Remove a yes; a wish to stop stays."""
    answer = read_answer(path)
    if answer is not None and answer.is_approved:
        path.unlink(missing_ok=True)


def refusal(approval: Approval, decision_sha256: str, approvers: Sequence[str], *, key: bytes | None) -> str:
    """Say why an approval does not count; empty where it does. Without approvers, anybody may approve."""
    if approval.decision_sha256 != decision_sha256:
        return "that approval is of another deployment"
    if key and not approval.is_signed_with(key):
        return "that approval is not signed with this deployment's key"
    if approvers and _fold(approval.user) not in map(_fold, approvers):
        return f"{approval.user} is none of the approvers {', '.join(approvers)}"
    return ""


def _fold(user: str) -> str:
    """Spell a login as servers compare it."""
    return user.strip().removeprefix("@").casefold()
