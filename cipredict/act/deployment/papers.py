"""What a deployment leaves on the disk: who serves, what is going on, what happened. A kill leaves it whole.

::

    <folder>/state.json       replaced as a whole
    <folder>/journal.jsonl    appended
    <folder>/lock             held by whoever deploys
    <folder>/answer.json      an approver's word, or the wish to stop
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from cipredict.act.deployment.interface import Release, Role, Server
from cipredict.errors import InputError, UsageError
from cipredict.plans.document import compact_json

try:
    import fcntl
except ImportError:  # Windows: two deployments at once are not told apart there
    fcntl = None  # type: ignore[assignment]  # asked for before use


_LOCK_TRIES, _LOCK_PAUSE_S = 5, 0.05


class Phase(StrEnum):
    """How far a deployment has come."""

    STEPS = "steps"
    PROMOTING = "promoting"
    ROLLING_BACK = "rolling_back"


class Cause(StrEnum):
    """Why a release does not serve."""

    NONE = ""
    BAD = "bad"
    INCONCLUSIVE = "inconclusive"
    UNAPPROVED = "unapproved"
    STOPPED = "stopped"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class GoingOn:
    """A deployment that has begun and not ended.

    Attributes
    ----------
    step : the one that is being taken, from 0; for those who look
    reason, cause : why it is rolled back
    is_waiting : for an approval
    by_hand : a return to an earlier release: no analysis, no approval
    """

    deployment: str
    release: Release
    started_at: datetime
    phase: Phase = Phase.STEPS
    step: int = 0
    reason: str = ""
    cause: Cause = Cause.NONE
    is_waiting: bool = False
    is_approved: bool = False
    by_hand: bool = False

    @property
    def decision_sha256(self) -> str:
        """What an approval is of: this release, in this deployment."""
        decision = {"deployment": self.deployment, "release": self.release.name, "command": list(self.release.command)}
        return hashlib.sha256(compact_json(decision).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class State:
    """Who serves.

    Attributes
    ----------
    live : None before the first deployment
    releases : those that can be returned to, the oldest first, the live one last
    pinned : releases that were bad, and why; they are not deployed again under the same name
    """

    live: Release | None = None
    servers: tuple[Server, ...] = ()
    releases: tuple[Release, ...] = ()
    going_on: GoingOn | None = None
    pinned: Mapping[str, str] = field(default_factory=dict)

    def of(self, *roles: Role) -> tuple[Server, ...]:
        """Give the servers of these roles."""
        return tuple(server for server in self.servers if server.role in roles)


class Papers:
    """Reads and writes them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def load(self) -> State:
        """Read the state; nothing was deployed where there is none.

        Raises
        ------
        InputError
            It is damaged.
        """
        path = self.folder / "state.json"
        try:
            return _state(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else State()
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(f"{path} is damaged: {error}.", slug="deploy-papers") from error

    def save(self, state: State) -> None:
        """Replace the state."""
        self.folder.mkdir(parents=True, exist_ok=True)
        unfinished = self.folder / ".state.json"
        with unfinished.open("w", encoding="utf-8") as file:
            file.write(json.dumps(asdict(state), default=datetime.isoformat, indent=2))
            file.flush()
            os.fsync(file.fileno())  # a power cut after the renaming must not leave it empty
        unfinished.replace(self.folder / "state.json")

    def note(self, event: str, at: datetime, **facts: object) -> None:
        """Append to the journal."""
        with (self.folder / "journal.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps({"event": event, "at": at.isoformat(), **facts}) + "\n")

    def journal(self) -> Iterator[Mapping[str, object]]:
        """Read what happened, the oldest first; a line that a kill has cut is left out."""
        with suppress(FileNotFoundError), (self.folder / "journal.jsonl").open(encoding="utf-8") as file:
            for line in file:
                with suppress(ValueError):
                    yield json.loads(line)

    def is_locked(self) -> bool:
        """Tell whether somebody deploys just now."""
        if not fcntl or not (self.folder / "lock").exists():
            return False
        with (self.folder / "lock").open(encoding="utf-8") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except OSError:
                return True
        return False

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Keep others from deploying.

        Raises
        ------
        UsageError
            Somebody is at it.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "lock").open("w", encoding="utf-8") as file:
            if fcntl:
                self._take(file.fileno())
            try:
                yield
            finally:
                if fcntl:  # not only closed: a health check that is just being started may have inherited it
                    fcntl.flock(file, fcntl.LOCK_UN)

    def _take(self, descriptor: int) -> None:
        for _ in range(_LOCK_TRIES):
            with suppress(OSError):
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            time.sleep(_LOCK_PAUSE_S)  # somebody may only look whether it is taken
        raise UsageError(f"Another process deploys here just now ({self.folder}).", slug="deploy-going-on")

    @property
    def answer(self) -> Path:
        """Where somebody says yes or no to what is going on."""
        return self.folder / "answer.json"


def _state(document: dict[str, Any]) -> State:  # Any: JSON
    going_on = document["going_on"]
    return State(
        live=document["live"] and _release(document["live"]),
        servers=tuple(
            Server(server["port"], _release(server["release"]), Role(server["role"])) for server in document["servers"]
        ),
        releases=tuple(map(_release, document["releases"])),
        going_on=going_on
        and GoingOn(
            **{
                **going_on,
                "release": _release(going_on["release"]),
                "started_at": datetime.fromisoformat(going_on["started_at"]),
                "phase": Phase(going_on["phase"]),
                "cause": Cause(going_on.get("cause", "")),
            }
        ),
        pinned=document.get("pinned", {}),
    )


def _release(document: dict[str, Any]) -> Release:  # Any: JSON
    return Release(document["name"], tuple(document["command"]), document["environment"])
