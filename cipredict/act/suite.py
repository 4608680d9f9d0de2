"""The door to a project's own tests: pytest in a copy of the project, bounded in time, its report as bytes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from math import ceil
from pathlib import Path

_OPTIONS = ("-q", "-p", "no:cacheprovider", "-o", "junit_family=xunit2")
_LOOSE = 4
"""CPU seconds that a suite may take per second of its timeout, for it may use several cores."""
_RAN = (0, 1, 2)
"""pytest's exit codes after which its report says what happened: passed, failed, stopped by errors of collection."""


@dataclass(frozen=True, slots=True)
class SuiteRun:
    """One run of the suite.

    Attributes
    ----------
    report : JUnit XML; empty where pytest did not get so far
    exit_code : of pytest; None where the run was stopped
    timed_out : it was stopped because time was up
    seconds : wall time
    last_words : the last line that pytest printed
    """

    report: bytes
    exit_code: int | None
    timed_out: bool
    seconds: float
    last_words: str

    @property
    def has_answer(self) -> bool:
        """Tell whether the report can be believed."""
        return self.exit_code in _RAN and bool(self.report)


@dataclass(slots=True)
class SuiteRunner:
    """Runs suites, several at a time if asked from several threads; `stop` ends all of them and every later one.

    Attributes
    ----------
    arguments : for pytest, such as folders
    python : the interpreter of the project
    """

    arguments: Sequence[str] = ()
    python: str = sys.executable
    _running: set[subprocess.Popen[bytes]] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _is_stopped: bool = False

    def run(self, folder: Path, *, timeout_s: float) -> SuiteRun:
        """Run the tests of the copy in `folder`; `timeout_s` bounds the whole run, with what it started."""
        with tempfile.TemporaryDirectory(prefix="cipredict-report-", ignore_cleanup_errors=True) as name:
            report, output = Path(name) / "report.xml", Path(name) / "output"
            command = [self.python, "-m", "pytest", *_OPTIONS, f"--junitxml={report}", *self.arguments]
            started = time.monotonic()
            with output.open("wb") as stream:
                exit_code, timed_out = self._wait(command, folder, stream.fileno(), timeout_s=timeout_s)
            return SuiteRun(
                report=report.read_bytes() if report.exists() else b"",
                exit_code=exit_code,
                timed_out=timed_out,
                seconds=time.monotonic() - started,
                last_words=_last_line(output),
            )

    def _wait(self, command: list[str], folder: Path, output: int, *, timeout_s: float) -> tuple[int | None, bool]:
        with self._lock:
            if self._is_stopped:
                return None, False
            process = subprocess.Popen(  # noqa: S603  # a list, no shell; the user's own pytest arguments
                command,
                cwd=folder,
                env=_environment(folder),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,  # so that what the tests started can be ended with them
            )
            self._running.add(process)
        _limit(process, timeout_s)
        try:
            return process.wait(timeout_s), False
        except subprocess.TimeoutExpired:
            return None, True
        finally:
            _end(process)
            with self._lock:
                self._running.discard(process)

    def stop(self) -> None:
        """End every running suite."""
        with self._lock:
            self._is_stopped = True
            for process in self._running:
                _end(process)


def _limit(process: subprocess.Popen[bytes], timeout_s: float) -> None:
    """Bound a suite's CPU seconds: were we killed ourselves, nobody would end the loop that a fault made of it."""
    if sys.platform == "linux":
        import resource  # noqa: PLC0415  # Unix only

        seconds = ceil(timeout_s) * _LOOSE
        with suppress(OSError, ValueError):  # it has ended already, or has a lower limit
            resource.prlimit(process.pid, resource.RLIMIT_CPU, (seconds, seconds))


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process and all that it left running, if anything."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        process.kill()
    process.wait()


def _environment(folder: Path) -> dict[str, str]:
    """Give an environment in which the copy is imported, whatever is installed; no stale byte code is kept."""
    paths = [str(folder), str(folder / "src"), os.environ.get("PYTHONPATH", "")]
    return os.environ | {
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPYCACHEPREFIX": str(folder / ".no-byte-code"),
    }


def _last_line(output: Path) -> str:
    lines = [line.strip() for line in output.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    return lines[-1] if lines else "it printed nothing"
