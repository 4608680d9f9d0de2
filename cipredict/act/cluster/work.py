"""What happens on a worker: a stage runs for as long as its task is wanted, as a process of its own."""

from __future__ import annotations

import asyncio
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from cipredict.act.cluster.guardian import Order
from cipredict.act.stages.interface import Outcome, StageResult
from cipredict.act.stages.processes import sweep

_LOOK_S = 0.2
_guardians: dict[str, subprocess.Popen[bytes]] = {}
"""Claim → the process that guards it, on this worker."""


class StartedElsewhere(Exception):
    """The worker that had started a stage died, and the scheduler gave the stage to another one."""


def carry_out(order: Order) -> StageResult:
    """Run a stage to its end, as a task of a worker.

    Raises
    ------
    StartedElsewhere
        A worker that no longer lives had begun it; its address.
    """
    from distributed import get_worker  # noqa: PLC0415  # an extra; workers have it

    worker = get_worker()
    task = worker.get_current_task()
    claim = Path(order.claim)
    try:
        with claim.open("x", encoding="utf-8") as file:
            file.write(worker.address)
    except FileExistsError:
        raise StartedElsewhere(claim.read_text(encoding="utf-8")) from None
    except OSError as error:
        reason = f"worker {worker.address} does not see {claim.parent} ({error.strerror}): its machine must share it"
        return StageResult(order.stage.name, Outcome.FAILURE, reason)

    def is_wanted() -> bool:
        """Tell whether the scheduler has not taken the task back: it does so when the runner dies."""
        state = worker.state.tasks.get(task)
        return state is not None and state.state == "executing"

    command = [sys.executable, "-m", "cipredict.act.cluster.guardian"]
    with subprocess.Popen(  # noqa: S603  # the command is fixed
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    ) as guardian:
        _guardians[order.claim] = guardian
        try:
            return _await(guardian, order, is_wanted)
        finally:
            del _guardians[order.claim]


def stop(claim: str) -> bool:
    """End a stage: politely, and the second time at once; False where it is not running on this worker."""
    guardian = _guardians.get(claim)
    if guardian is None or guardian.stdin is None:
        return False
    if guardian.stdin.closed:
        guardian.terminate()
    guardian.stdin.close()
    return True


def _await(guardian: subprocess.Popen[bytes], order: Order, is_wanted: Callable[[], bool]) -> StageResult:
    """Hand the order over and wait; a guardian that is killed leaves its stage to us."""
    assert guardian.stdin and guardian.stdout  # noqa: S101  # pipes, as asked for
    guardian.stdin.write(pickle.dumps(order))
    guardian.stdin.flush()
    while guardian.poll() is None:
        try:
            guardian.wait(_LOOK_S)
        except subprocess.TimeoutExpired:
            if not guardian.stdin.closed and not is_wanted():
                guardian.stdin.close()
    said = guardian.stdout.read()
    if said:
        result: StageResult = pickle.loads(said)  # noqa: S301  # from our own child, through our own pipe
        return result
    asyncio.run(sweep(order.shop.cookie))
    reason = f"the process that guards it ended with {guardian.returncode}"
    return StageResult(order.stage.name, Outcome.FAILURE, reason)
