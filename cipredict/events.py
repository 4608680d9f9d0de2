"""The event file: what a CI job must remember, appended as JSON lines, taken into the ledger by the nightly job.

A CI job never opens the store. It appends one line per plan or observation to `.cipredict/events/<name>.jsonl`,
which the workflow uploads or caches; `cipredict ingest events` reads them all, however often.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Event:
    """One remembered fact.

    Attributes
    ----------
    kind : `plan`, `observation`; other capabilities add theirs
    at : aware UTC
    run : provider, repository, run_id, attempt where the CI environment names them
    body : the fact itself, JSON
    """

    kind: str
    at: datetime
    run: Mapping[str, object]
    body: Mapping[str, object]

    @property
    def event_id(self) -> str:
        """12 hex digits of the content: reading a file twice adds nothing."""
        document = {"kind": self.kind, "at": self.at.isoformat(), "run": dict(self.run), "body": dict(self.body)}
        text = json.dumps(document, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:12]


def append_event(folder: Path, kind: str, at: datetime, *, run: Mapping[str, object], body: str) -> Path:
    """Append one event to the file of its kind and day; one write call, so that parallel jobs do not mix lines.

    `body` is JSON on one line: a plan of 10,000 cases has spelled itself already, to learn its id.

    Raises OSError where the folder cannot be written; a CI command warns and goes on.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{kind}-{at:%Y%m%d}.jsonl"
    head = json.dumps({"kind": kind, "at": at.isoformat(), "run": dict(run)})
    with path.open("a", encoding="utf-8") as file:
        file.write(f'{head[:-1]}, "body": {body}}}\n')
    return path


def read_events(path: Path) -> Iterator[Event | str]:
    """Give every event of a file; a line that cannot be read comes back as a complaint, the others survive."""
    with path.open(encoding="utf-8", errors="replace") as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                yield _parse_line(line, where=f"{path}:{number}")


def _parse_line(line: str, *, where: str) -> Event | str:
    try:
        document = json.loads(line)
        at = datetime.fromisoformat(document["at"])
        return Event(kind=document["kind"], at=at, run=document["run"], body=document["body"])
    except (ValueError, KeyError, TypeError) as error:
        return f"{where}: not an event ({error})"
