"""`cipredict deploy promote` and `abort` while another process deploys: what is said to it, and what came of it."""

from __future__ import annotations

import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from cipredict.act.deployment.answer import Answer, refusal, write_answer
from cipredict.act.deployment.papers import Papers, State
from cipredict.errors import EXIT_OK, EXIT_VERDICT_NO, UsageError
from cipredict.events import append_event
from cipredict.plans.approvals import EVENT_KIND, LEAST_KEY_BYTES, Approval
from cipredict.plans.rollout import Rollout

KEY_VARIABLE = "CIPREDICT_APPROVAL_KEY"
_PAUSE_S = 0.1


def read_key() -> bytes | None:
    """Read the key that approvals are signed with, as gates do; None where none is set.

    Raises
    ------
    UsageError
        It is too short.
    """
    key = os.environ.get(KEY_VARIABLE, "").encode()
    if key and len(key) < LEAST_KEY_BYTES:
        raise UsageError(f"{KEY_VARIABLE} has less than {LEAST_KEY_BYTES} bytes.", slug="approval-key")
    return key or None


def approve(papers: Papers, rollout: Rollout, by: str, reason: str, events: Path) -> None:
    """Say yes to a deployment that waits for it; the same record goes into the event file.

    Raises
    ------
    UsageError
        Nothing waits, or whoever says so may not.
    """
    going_on = papers.load().going_on
    if going_on is None or not going_on.is_waiting:
        raise UsageError("The deployment that is going on does not wait for an approval.", slug="deploy-not-waiting")
    user = by or os.environ.get("USER", "")
    if not user:
        raise UsageError("Who approves? Say it with --as.", slug="approval-incomplete")
    key = read_key()
    approval = Approval(going_on.decision_sha256, user, reason, datetime.now(UTC))
    approval = approval.signed(key) if key else approval
    problem = refusal(approval, going_on.decision_sha256, rollout.approvers, key=key)
    if problem:
        raise UsageError(f"Not approved: {problem}.", slug="approval-refused")
    append_event(events, EVENT_KIND, approval.at, run={}, body=approval.to_record())
    write_answer(papers.answer, Answer(approval, is_approved=True))
    sys.stderr.write(f"{user} approved {going_on.release.name}\n")


def stop(papers: Papers, by: str) -> int:
    """Tell the deployer to take its release back, and wait until it has ended: exit 0 if the release does not serve."""
    state = papers.load()
    approval = Approval(_decision(state), by or os.environ.get("USER", ""), "stop", datetime.now(UTC))
    write_answer(papers.answer, Answer(approval, is_approved=False))
    while papers.is_locked():
        time.sleep(_PAUSE_S)
    after = papers.load()
    name = state.going_on.release.name if state.going_on else ""
    if after.going_on is not None or (after.live and after.live.name == name):
        sys.stderr.write(f"{name} was not taken back: `cipredict deploy status` says who serves\n")
        return EXIT_VERDICT_NO
    sys.stderr.write(f"{name} was taken back\n")
    return EXIT_OK


def _decision(state: State) -> str:
    return state.going_on.decision_sha256 if state.going_on else ""
