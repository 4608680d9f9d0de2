"""Somebody's word on a stage, as a file in the run's folder: no service has to run for it."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from cipredict.act.stages.interface import Approval, Outcome, StageResult
from cipredict.errors import UsageError

_PAUSE_S = 0.2


class Decision(NamedTuple):
    """Who said what about a stage, and why."""

    by: str
    is_approved: bool
    reason: str = ""


def answer(path: Path, decision: Decision) -> None:
    """Write an approver's answer; the first one counts.

    Raises
    ------
    UsageError
        The stage has its answer.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("x", encoding="utf-8") as file:
            json.dump(decision._asdict(), file)
    except FileExistsError as error:
        raise UsageError(f"{path.stem} was decided before; see {path}.", slug="approval-decided") from error


async def wait_for_answer(stage: str, approval: Approval, path: Path) -> StageResult:
    """Wait for an answer of somebody who may give it; silence is a no."""
    clock = asyncio.get_running_loop().time
    begin_s = clock()
    try:
        async with asyncio.timeout(approval.within_s):
            while (decision := _read(path)) is None:
                await asyncio.sleep(_PAUSE_S)
    except TimeoutError:
        reason = f"nobody decided within {approval.within_s:g} s"
        return StageResult(stage, Outcome.DENIED, reason, duration_s=clock() - begin_s)
    may = not approval.approvers or decision.by in approval.approvers
    why = f": {decision.reason}" if decision.reason else ""
    if not may:
        outcome, said = Outcome.DENIED, f"{decision.by} is none of {', '.join(approval.approvers)}"
    elif decision.is_approved:
        outcome, said = Outcome.SUCCESS, f"approved by {decision.by}{why}"
    else:
        outcome, said = Outcome.DENIED, f"denied by {decision.by}{why}"
    return StageResult(stage, outcome, said, duration_s=clock() - begin_s)


def _read(path: Path) -> Decision | None:
    """Give the answer; None while there is none, or while it is being written."""
    with suppress(FileNotFoundError, ValueError, TypeError):
        return Decision(**json.loads(path.read_text(encoding="utf-8")))
    return None
