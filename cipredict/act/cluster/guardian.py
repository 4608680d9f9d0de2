"""A process between a worker and the stage: it outlives the worker for as long as it takes to end what the stage began.

It reads an order from its standard input. The input ending means *stop*: the worker asked for it, or was killed.
SIGTERM means *at once*. The result goes to standard output.
"""

from __future__ import annotations

import asyncio
import os
import pickle
import signal
import sys
from dataclasses import dataclass

from cipredict.act.stages.attempts import run_commands
from cipredict.act.stages.interface import Outcome, Stage, StageResult, Workshop
from cipredict.act.stages.processes import sweep


@dataclass(frozen=True, slots=True)
class Order:
    """One stage for a worker.

    Attributes
    ----------
    claim : the file that whoever starts it creates: nobody starts it twice, whatever the scheduler does
    """

    stage: Stage
    shop: Workshop
    claim: str


async def guard(order: Order, handle: int) -> StageResult:
    """Run a stage until it ends, or until nothing is left to be read from `handle`."""
    loop = asyncio.get_running_loop()
    work = asyncio.ensure_future(run_commands(order.stage, order.shop))

    def stop_at_end() -> None:
        if not os.read(handle, 1):
            loop.remove_reader(handle)
            work.cancel()

    loop.add_reader(handle, stop_at_end)
    loop.add_signal_handler(signal.SIGTERM, work.cancel)
    try:
        return await work
    except asyncio.CancelledError:
        return StageResult(order.stage.name, Outcome.CANCELLED, "the run was cancelled")
    except OSError as error:
        reason = f"{error.filename or 'its files'}: {error.strerror}"
        return StageResult(order.stage.name, Outcome.FAILURE, reason)
    finally:
        await sweep(order.shop.cookie)


def main() -> None:
    """Read an order, carry it out, write what became of it."""
    order = pickle.load(sys.stdin.buffer)  # noqa: S301  # from the worker that started us, through its own pipe
    result = asyncio.run(guard(order, sys.stdin.fileno()))
    sys.stdout.buffer.write(pickle.dumps(result))


if __name__ == "__main__":
    main()
