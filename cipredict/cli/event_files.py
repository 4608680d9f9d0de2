"""Event files of CI jobs, read leniently and taken in: a bad line is a complaint, the others count."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from cipredict.errors import InputError
from cipredict.events import Event, read_events


def read_event_files(paths: Sequence[Path]) -> tuple[list[Event], list[str]]:
    """Give the events of files and of the *.jsonl files in folders, and a complaint per unreadable line.

    Raises
    ------
    InputError
        A path does not exist.
    """
    events: list[Event] = []
    complaints: list[str] = []
    for file in (file for path in paths for file in _expand(path)):
        for item in read_events(file):
            if isinstance(item, Event):
                events.append(item)
            else:
                complaints.append(item)
    return events, complaints


def take_events(events: Sequence[Event], path: Path) -> int:
    """Take events into the ledger, some at a time: between them the lock is let go. Give their number.

    Those of caches are stored as such too.
    """
    from cipredict.ingest.cache_events import read_cache_events  # noqa: PLC0415
    from cipredict.store.caches import add_cache_events  # noqa: PLC0415  # duckdb is part of an extra
    from cipredict.store.database import open_store  # noqa: PLC0415  # duckdb is part of an extra
    from cipredict.store.ledger import EVENTS_PER_STEP, add_events  # noqa: PLC0415

    taken = 0
    for first in range(0, len(events), EVENTS_PER_STEP):
        with open_store(path) as door:
            taken += add_events(door, events[first : first + EVENTS_PER_STEP])
    of_caches, poor = read_cache_events(events)
    if of_caches:
        with open_store(path) as door:
            add_cache_events(door, of_caches)
    if poor:
        sys.stderr.write(f"cipredict: {poor} cache events name no key, operation or outcome, and stay raw.\n")
    return taken


def _expand(path: Path) -> list[Path]:
    if path.is_dir():
        return sorted(path.rglob("*.jsonl"))
    if path.is_file():
        return [path]
    raise InputError(f"{path} does not exist.", slug="input-missing")
