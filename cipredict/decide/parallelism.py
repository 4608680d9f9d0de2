"""How many processes are worth starting inside one shard."""

from __future__ import annotations

from collections.abc import Sequence
from heapq import nlargest

PROCESS_COST_S = 1.0
"""Importing and collecting once more; a process that saves less is not worth starting."""


def worthwhile_processes(
    seconds: Sequence[float], memory_bytes: Sequence[int] = (), *, room_bytes: float = float("inf")
) -> int:
    """Give the largest number of processes of which each still helps, at least 1; cores are not counted.

    Each process more must

    * save at least PROCESS_COST_S of the shard's seconds: total/(n - 1) - total/n;
    * not be idle beside the longest item, which ends no earlier: n < total/longest + 1;
    * find memory, should the n hungriest items run at the same moment.

    >>> worthwhile_processes([30.0] * 10)
    10
    >>> worthwhile_processes([100.0, 30.0])
    2
    """
    total_s, longest_s = sum(seconds), max(seconds, default=0.0)
    processes = 1
    while (
        processes < len(seconds)
        and total_s / (processes * (processes + 1)) >= PROCESS_COST_S
        and processes * longest_s < total_s
    ):
        processes += 1
    hungriest = nlargest(processes, memory_bytes)
    while processes > 1 and sum(hungriest[:processes]) > room_bytes:
        processes -= 1
    return processes
