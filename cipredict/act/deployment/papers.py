"""What a deployment leaves on the disk: who serves, what is going on, what happened. A kill leaves it whole.

::

    <folder>/state.json       replaced as a whole
    <folder>/journal.jsonl    appended
    <folder>/lock             held by whoever deploys
    <folder>/answer.json      an approver's word, or the wish to stop
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from cipredict.act.deployment.interface import Release, Role, Server
from cipredict.errors import UsageError

try:
    import fcntl
except ImportError:  # Windows: two deployments at once are not told apart there
    fcntl = None  # type: ignore[assignment]  # asked for before use


class Phase(StrEnum):
    """How far a deployment has come."""

    STEPS = "steps"
    PROMOTING = "promoting"
    ROLLING_BACK = "rolling_back"


@dataclass(frozen=True, slots=True)
class GoingOn:
    """A deployment that has begun and not ended.

    Attributes
    ----------
    step : the one that is being taken, from 0; for those who look
    reason : why it is rolled back
    by_hand : a return to an earlier release: no analysis, no approval
    """

    deployment: str
    release: Release
    started_at: datetime
    phase: Phase = Phase.STEPS
    step: int = 0
    reason: str = ""
    is_approved: bool = False
    by_hand: bool = False


@dataclass(frozen=True, slots=True)
class State:
    """Who serves.

    Attributes
    ----------
    live : None before the first deployment
    releases : those that can be returned to, the oldest first, the live one last
    """

    live: Release | None = None
    servers: tuple[Server, ...] = ()
    releases: tuple[Release, ...] = ()
    going_on: GoingOn | None = None

    def of(self, *roles: Role) -> tuple[Server, ...]:
        """Give the servers of these roles."""
        return tuple(server for server in self.servers if server.role in roles)


class Papers:
    """Reads and writes them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def load(self) -> State:
        """Read the state; nothing was deployed where there is none."""
        path = self.folder / "state.json"
        return _state(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else State()

    def save(self, state: State) -> None:
        """Replace the state."""
        self.folder.mkdir(parents=True, exist_ok=True)
        unfinished = self.folder / ".state.json"
        unfinished.write_text(json.dumps(asdict(state), default=datetime.isoformat, indent=2), encoding="utf-8")
        unfinished.replace(self.folder / "state.json")

    def note(self, event: str, at: datetime, **facts: object) -> None:
        """Append to the journal."""
        with (self.folder / "journal.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps({"event": event, "at": at.isoformat(), **facts}) + "\n")

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
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except OSError as error:
                    message = f"Another process deploys here just now ({self.folder})."
                    raise UsageError(message, slug="deploy-going-on") from error
            yield

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
            }
        ),
    )


def _release(document: dict[str, Any]) -> Release:  # Any: JSON
    return Release(document["name"], tuple(document["command"]), document["environment"])
