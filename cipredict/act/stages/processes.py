"""Processes that leave nothing behind: a session each, and a cookie in the environment that their children inherit.

Stopping asks the process group (SIGTERM), waits, kills the group, and then kills whatever still carries the cookie,
over and over until nothing does: a daemon that forked twice and opened a session of its own is in no group that we
know, and a single look misses what is forked meanwhile. A process that wipes its environment *and* leaves its session
escapes; nobody waits for it. Without /proc (macOS) the group is all there is.
"""

from __future__ import annotations

import asyncio
import os
import signal
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

COOKIE = "CIPREDICT_STAGE_COOKIE"
_PROC = "/proc"
_SWEEPS = 200
_PAUSE_S = 0.01


class Running(NamedTuple):
    """A process, and what it and its children print; the output ends when the last of them has closed it."""

    process: Process
    output: asyncio.StreamReader
    pipe: asyncio.ReadTransport


async def start(command: Sequence[str], *, folder: Path, environment: Mapping[str, str], cookie: str) -> Running:
    """Start a command in a session of its own, with its output and errors in one pipe, and nothing to read.

    The pipe is ours: asyncio's own makes `wait` wait for everybody who holds its other end, such as a daemon left
    behind (python/cpython#119710).

    Raises OSError where it cannot be started.
    """
    read_end, write_end = os.pipe()
    output = asyncio.StreamReader()
    pipe, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(output), os.fdopen(read_end, "rb", buffering=0)
    )
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=folder,
            env={**os.environ, **environment, COOKIE: cookie},
            stdin=DEVNULL,
            stdout=write_end,
            stderr=write_end,
            start_new_session=True,
        )
    finally:
        os.close(write_end)
    return Running(process, output, pipe)


async def stop(process: Process, *, cookie: str, grace_s: float) -> None:
    """End a process and everything that it started: politely at first, for good after `grace_s`."""
    _signal_group(process.pid, signal.SIGTERM)
    with suppress(TimeoutError):
        async with asyncio.timeout(grace_s):
            await process.wait()
            while find_carriers(cookie):
                await asyncio.sleep(_PAUSE_S)
    _signal_group(process.pid, signal.SIGKILL)
    await sweep(cookie)
    await process.wait()


async def sweep(cookie: str) -> int:
    """Kill all that carries the cookie, until nothing does; give how many there were."""
    killed: set[int] = set()
    for _ in range(_SWEEPS):
        carriers = find_carriers(cookie)
        if not carriers:
            break
        for pid in carriers:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        killed |= set(carriers)
        await asyncio.sleep(_PAUSE_S)
    return len(killed)


def find_carriers(cookie: str) -> list[int]:
    """Give the processes whose cookie begins so; a dead one that nobody has waited for has no environment."""
    mark = f"{COOKIE}={cookie}".encode()
    return [pid for pid in _pids() if mark in _environment(pid)]


def _pids() -> Iterator[int]:
    with suppress(FileNotFoundError):
        own = os.getpid()
        yield from (pid for name in os.listdir(_PROC) if name.isdigit() and (pid := int(name)) != own)  # noqa: PTH208  # as names, a third of the price


def _environment(pid: int) -> bytes:
    try:
        with open(f"{_PROC}/{pid}/environ", "rb", buffering=0) as file:  # noqa: PTH123  # every stage looks at all processes: paths double the price
            return file.read()
    except OSError:  # it has ended, or is somebody else's
        return b""


def _signal_group(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)
