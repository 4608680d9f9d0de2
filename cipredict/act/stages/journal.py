"""The account of a run: JSON lines, appended and never changed, read back to resume and taken into the store at night.

A line is with the system before the next step is taken, so a kill of the runner loses none; a machine that dies may
lose the last ones, whose stages run again. A torn last line is not there.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from cipredict.act.stages.interface import Artifact, Outcome, StageResult
from cipredict.errors import CipredictError, UsageError

try:
    import fcntl
except ImportError:  # Windows: two runs at once are not told apart there
    fcntl = None  # type: ignore[assignment]  # asked for before use


class JournalBroken(CipredictError):
    """The journal cannot be written: a run that cannot be accounted for stops."""

    exit_code = 2


@dataclass(frozen=True, slots=True)
class Account:
    """What a journal says.

    Attributes
    ----------
    cookies : of the runners that wrote it; the last one may have been killed
    finished : the last result of each stage
    damaged : lines that are no JSON, the torn last one excepted
    """

    cookies: tuple[str, ...] = ()
    finished: Mapping[str, StageResult] = field(default_factory=dict)
    is_finished: bool = False
    damaged: int = 0


class Journal:
    """Writes one run's journal; holds it against a second runner.

    Raises
    ------
    UsageError
        Another process runs this run.
    JournalBroken
        The disk does not take a line.
    """

    def __init__(self, path: Path, *, now: Callable[[], datetime]) -> None:
        self._now = now
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("ab", buffering=0)
        if fcntl:
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                self._file.close()
                message = f"The run in {path.parent} is still going on in another process."
                raise UsageError(message, slug="run-going-on") from error
        _end_torn_line(path, self._file.fileno())

    def write(self, event: str, **facts: object) -> None:
        """Append one event."""
        line = json.dumps({"event": event, "at": self._now().isoformat(), **facts}, separators=(",", ":"))
        try:
            self._file.write(line.encode() + b"\n")
        except OSError as error:
            message = f"Cannot write {self._path}: {error.strerror}; the run was stopped."
            raise JournalBroken(message, slug="run-journal") from error

    def finish_stage(self, result: StageResult) -> None:
        """Append what became of a stage."""
        self.write("stage-finished", **asdict(result))

    def close(self) -> None:
        """Let the next runner in."""
        self._file.close()


def is_going_on(path: Path) -> bool:
    """Tell whether a runner holds a journal; without locks (Windows) none does."""
    if not fcntl:
        return False
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
    return False


def read_journal(path: Path) -> Account:
    """Read what is there; a missing journal is an empty account."""
    cookies: list[str] = []
    finished: dict[str, StageResult] = {}
    is_finished, damaged = False, 0
    lines = path.read_bytes().split(b"\n") if path.exists() else []
    for line in filter(None, lines[:-1]):
        try:
            event = json.loads(line)
            if event["event"] == "run-started":
                cookies.append(event["cookie"])
                is_finished = False
            elif event["event"] == "stage-finished":
                result = _result(event)
                finished[result.stage] = result
            elif event["event"] == "run-finished":
                is_finished = True
        except (ValueError, KeyError, TypeError):
            damaged += 1
    return Account(tuple(cookies), finished, is_finished, damaged)


def _result(event: dict[str, Any]) -> StageResult:  # Any: JSON
    artifacts = tuple(Artifact(**artifact) for artifact in event.pop("artifacts"))
    event.pop("event")
    event.pop("at")
    return StageResult(**{**event, "outcome": Outcome(event["outcome"])}, artifacts=artifacts)


def _end_torn_line(path: Path, handle: int) -> None:
    """Close a line that a kill has cut, so that the next one is readable."""
    size_bytes = path.stat().st_size
    if size_bytes:
        with path.open("rb") as file:
            file.seek(size_bytes - 1)
            if file.read(1) != b"\n":
                os.write(handle, b"\n")
