"""Runs a benchmark command in a working tree: pinned to a processor, within a time limit, leaving no process behind."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from cipredict.errors import UsageError

_LAST_LINES = 3


def run_command(command: Sequence[str] | str, *, cwd: Path, timeout_s: float, processor: int | None = None) -> None:
    """Run a command, a text through the shell; its output goes nowhere unless it fails.

    Raises
    ------
    UsageError
        It cannot be started, failed, or did not end in time.
    """
    name = command if isinstance(command, str) else " ".join(command)
    with _pinned(processor):
        try:
            process = subprocess.Popen(  # noqa: S603  # the user's own command, as they wrote it
                command,
                cwd=cwd,
                shell=isinstance(command, str),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            raise UsageError(f"`{name}` cannot be started: {error.strerror}.", slug="perf-command") from error
    try:
        output, _ = process.communicate(timeout=max(0.1, timeout_s))
    except subprocess.TimeoutExpired as error:
        raise UsageError(f"`{name}` did not end within {timeout_s:.0f} s.", slug="perf-command") from error
    finally:
        _end_group(process)
    if process.returncode:
        told = " / ".join(output.decode(errors="replace").strip().splitlines()[-_LAST_LINES:])
        raise UsageError(f"`{name}` failed with {process.returncode}: {told or 'no output'}", slug="perf-command")


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """End whatever the command left running."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if process.stdout is not None:
        process.stdout.close()


def last_processor() -> int | None:
    """Give the processor to pin to: the last one, since the first serves most interrupts; None where it cannot be."""
    return max(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None


@contextmanager
def _pinned(processor: int | None) -> Iterator[None]:
    """Let what starts inside the block run on one processor only."""
    if processor is None or not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    with suppress(OSError):
        os.sched_setaffinity(0, {processor})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
