"""Who holds the history file, and how long to wait for it.

DuckDB lets one process write and keeps every other out meanwhile. The wait is bounded, and its end names the holder.
Whoever waits does so in the doorway, and only one fits in: an ingest that lets the file go after each chunk and wants
it back at once lines up behind those who wait, who else would hardly ever meet the file free.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TypeVar

import duckdb

from cipredict.errors import StoreLocked

try:
    import fcntl
except ImportError:  # Windows has no such lock: there nobody lines up
    fcntl = None  # type: ignore[assignment]  # asked for before use

_HOLDER = re.compile(r"Conflicting lock is held in (?P<program>.*?)\s*\(PID (?P<pid>\d+)\)")
_LOCKED = "Could not set lock on file"
_FIRST_PAUSE_S = 0.02
_LONGEST_PAUSE_S = 0.1
_MAX_COMMAND = 160

Opened = TypeVar("Opened")


class Holder(NamedTuple):
    """The process that holds the file; `pid` is None where the system does not tell."""

    pid: int | None
    command: str

    def __str__(self) -> str:
        if self.pid is None:
            return "another process"
        return f"process {self.pid} ({self.command})"


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait for the lock, and by which clock.

    Attributes
    ----------
    wait_s : give up after this many seconds; 0 tries once
    clock : monotonic seconds
    sleep : waits that many seconds
    """

    wait_s: float
    clock: Callable[[], float]
    sleep: Callable[[float], None]


def is_locked(error: duckdb.Error) -> bool:
    """Tell whether opening failed because another process holds the file."""
    return isinstance(error, duckdb.IOException) and _LOCKED in str(error)


def parse_holder(message: str, *, processes: Path = Path("/proc")) -> Holder:
    """Read the holder out of DuckDB's message, and its command line out of `processes` where there is one."""
    match = _HOLDER.search(message)
    if match is None:
        return Holder(None, "")
    pid = int(match["pid"])
    return Holder(pid, _read_command(processes / str(pid) / "cmdline") or match["program"])


def _read_command(path: Path) -> str:
    try:
        words = path.read_bytes().split(b"\0")
    except OSError:  # gone, another user's, or no /proc here
        return ""
    return " ".join(os.fsdecode(word) for word in words if word)[:_MAX_COMMAND]


def wait_for(open_once: Callable[[], Opened], path: Path, patience: Patience) -> Opened:
    """Call `open_once` until it gets the lock; pauses grow from 20 ms to a tenth of a second.

    Raises
    ------
    StoreLocked
        Somebody else held the file all the time.
    """
    started = patience.clock()
    with _doorway(path.parent, patience):
        return _knock(open_once, path, patience, started=started)


@contextmanager
def _doorway(folder: Path, patience: Patience) -> Iterator[None]:
    """Be the only one who waits for the file; give up lining up when patience ends, or where nothing can be locked.

    Locks the folder: closing a descriptor of the file itself would drop DuckDB's lock on it (fcntl(2)).
    """
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:  # no folder, or a system that opens none: `open_once` will say what is wrong
        yield
        return
    try:
        _line_up(descriptor, patience)
        yield
    finally:
        os.close(descriptor)  # lets the next one in


def _line_up(descriptor: int, patience: Patience) -> None:
    """Wait with equal pauses, so that those in the line have equal chances."""
    started = patience.clock()
    while fcntl is not None:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waited_s = patience.clock() - started
        except OSError:  # a file system without such locks
            return
        else:
            return
        if waited_s >= patience.wait_s:
            return
        patience.sleep(min(_FIRST_PAUSE_S, patience.wait_s - waited_s))


def _knock(open_once: Callable[[], Opened], path: Path, patience: Patience, *, started: float) -> Opened:
    pause_s = _FIRST_PAUSE_S
    while True:
        try:
            return open_once()
        except duckdb.IOException as error:
            waited_s = patience.clock() - started
            if not is_locked(error):
                raise
            if waited_s >= patience.wait_s:
                raise _locked(path, parse_holder(str(error)), waited_s) from error
        patience.sleep(min(pause_s, patience.wait_s - waited_s))
        pause_s = min(pause_s * 1.6, _LONGEST_PAUSE_S)


def _locked(path: Path, holder: Holder, waited_s: float) -> StoreLocked:
    return StoreLocked(
        f"The history {path} is held by {holder}; gave up after {waited_s:.1f} s.",
        hint="Run this again when that has finished; CI jobs need only the published forecast.",
        slug="store-locked",
    )
