"""Keeps one server running, as a process of its own that outlives the deployment.

``python -m cipredict.act.deployment.supervisor FOLDER -- COMMAND...`` starts the command, starts it again when it ends
(after 1, 2, 4, … at most 30 seconds), and ends it when it gets SIGTERM itself. FOLDER holds ``status.json`` (pid of the
keeper, pid of the server, restarts, last exit code) and ``output.log``.

Only the standard library: it has to start fast and stay small.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import FrameType
from typing import NamedTuple

_SYSTEMD = Path("/run/systemd/system")
"""Is there where systemd is the first process (sd_booted(3))."""
_LONGEST_PAUSE_S = 30.0
_STEADY_S = 10.0
"""A server that ran so long was no failed start: the next pause is short again."""
_GRACE_S = 10.0
_LOG_BYTES = 16 * 1024**2


class Status(NamedTuple):
    """What a keeper says about its server; `server` is None between two starts."""

    keeper: int
    server: int | None
    restarts: int
    last_exit: int | None


def launch(folder: Path, command: tuple[str, ...], environment: dict[str, str]) -> None:
    """Start a keeper that belongs to nobody.

    Raises OSError where the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "status.json").unlink(missing_ok=True)
    keeper_command = [*scope(), sys.executable, "-m", __name__, str(folder), "--", *command]
    keeper = spawn(keeper_command, folder / "output.log", environment)
    _write(folder, Status(keeper, None, 0, None), is_first=True)  # known before it has said anything itself


def scope() -> list[str]:
    """Give what puts a process into a scope of its own, where systemd runs and lets us; nothing elsewhere.

    The servers must outlive the unit that the deployer runs in, such as that of a CI runner. `systemd-run --scope`
    becomes the command, so its process number stays the keeper's.
    """
    program = shutil.which("systemd-run") if _SYSTEMD.is_dir() else None
    if program is None:
        return []
    prefix = [program, "--scope", "--quiet", "--collect", *(() if os.geteuid() == 0 else ("--user",)), "--"]
    try:
        tried = subprocess.run([*prefix, "true"], capture_output=True, timeout=10, check=False)  # noqa: S603  # systemd itself
    except (OSError, subprocess.TimeoutExpired):
        return []
    return prefix if tried.returncode == 0 else []


def spawn(command: list[str], log: Path, environment: dict[str, str] | None = None) -> int:
    """Start a process that belongs to nobody, its output appended to a file; give its number."""
    append = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    return os.posix_spawn(
        command[0],
        command,
        {**os.environ, **(environment or {})},
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(log), append, 0o644),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,
    )


def read_status(folder: Path) -> Status | None:
    """Give what the keeper says, None where there is none, or where it and its server are dead."""
    try:
        status = Status(**json.loads((folder / "status.json").read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    return status if _is_keeper(status.keeper, folder) or _is_left_alone(status) else None


def end(folder: Path, *, within_s: float = _GRACE_S + 2) -> None:
    """Have a keeper end its server, and wait until both are gone; kill what does not listen."""
    status = read_status(folder)
    if status is None:
        return
    with contextlib.suppress(ProcessLookupError):
        os.kill(status.keeper, signal.SIGTERM)
    deadline = time.monotonic() + within_s
    while _is_keeper(status.keeper, folder) and time.monotonic() < deadline:
        time.sleep(0.02)
    if _is_keeper(status.keeper, folder):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(status.keeper, signal.SIGKILL)
    _end_left_alone(status)


def _end_left_alone(status: Status) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        deadline = time.monotonic() + _GRACE_S
        if _is_left_alone(status):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(status.keeper, number)
        while _is_left_alone(status) and time.monotonic() < deadline:
            time.sleep(0.02)


def is_process(pid: int, word: str) -> bool:
    """Tell whether a process lives and has a word in its command line: numbers of processes are given out again."""
    try:
        return word.encode() in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def _is_left_alone(status: Status) -> bool:
    """Tell whether a server lives on whose keeper was killed: it is still of the keeper's session."""
    try:
        stat = Path(f"/proc/{status.server}/stat").read_text(encoding="utf-8", errors="replace").rpartition(") ")[2]
    except OSError:
        return False
    state, _, _, session, *_ = stat.split()
    return int(session) == status.keeper and state not in "ZX"


def _is_keeper(pid: int, folder: Path) -> bool:
    """Tell whether a process is the keeper of a folder: numbers of processes are given out again."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    has_ended = stat.rpartition(b") ")[2].startswith((b"Z", b"X"))
    return not has_ended and (str(folder).encode() in words or words == [b""])  # a child that is not yet the keeper


def _write(folder: Path, status: Status, *, is_first: bool = False) -> None:
    """Replace the status; the first one replaces none, because the keeper knows more."""
    unfinished = folder / f".status.{os.getpid()}.json"
    unfinished.write_text(json.dumps(status._asdict()), encoding="utf-8")
    if is_first:
        with contextlib.suppress(FileExistsError):
            os.link(unfinished, folder / "status.json")
        unfinished.unlink()
    else:
        unfinished.replace(folder / "status.json")


class _Keeper:
    def __init__(self, folder: Path, command: list[str]) -> None:
        self._folder = folder
        self._command = command
        self._server: subprocess.Popen[bytes] | None = None
        self._restarts = 0
        self._last_exit: int | None = None
        self._ending = threading.Event()

    def run(self) -> None:
        signal.signal(signal.SIGTERM, self._end)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        pause_s = 1.0
        while not self._ending.is_set():
            begin_s = time.monotonic()
            self._serve()
            if self._ending.is_set():
                break
            pause_s = 1.0 if time.monotonic() - begin_s > _STEADY_S else min(2 * pause_s, _LONGEST_PAUSE_S)
            self._restarts += 1
            self._tell()
            self._ending.wait(pause_s / 2)
        (self._folder / "status.json").unlink(missing_ok=True)

    def _serve(self) -> None:
        self._trim_log()
        try:
            self._server = subprocess.Popen(self._command, stdin=subprocess.DEVNULL)  # noqa: S603  # as above
        except OSError as error:
            sys.stderr.write(f"cannot start {self._command[0]}: {error}\n")
            self._last_exit = 127
            return
        if self._ending.is_set():  # the signal came while it was being started
            self._server.terminate()
        self._tell()
        self._last_exit = self._server.wait()
        self._server = None

    def _end(self, _: int, __: FrameType | None) -> None:
        self._ending.set()
        server = self._server
        if server is not None:
            server.terminate()
            killer = threading.Timer(_GRACE_S, server.kill)
            killer.daemon = True  # nobody waits for it once the server has ended
            killer.start()

    def _tell(self) -> None:
        server = self._server.pid if self._server else None
        _write(self._folder, Status(os.getpid(), server, self._restarts, self._last_exit))

    def _trim_log(self) -> None:
        log = self._folder / "output.log"
        if log.exists() and log.stat().st_size > _LOG_BYTES:
            os.truncate(log, 0)


if __name__ == "__main__":
    _Keeper(Path(sys.argv[1]), sys.argv[3:]).run()
