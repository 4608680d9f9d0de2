"""`cache restore` and `cache save`: a folder as a cache, and the event that tells the nightly job what came of it.

They run in CI jobs: whatever goes wrong is said, and is a miss or nothing saved, but never a failed job.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from cipredict.act.caches.archive import Unsafe
from cipredict.act.caches.directory import DirectoryCache, Restored, Saved
from cipredict.cache_records import CacheOutcome, stream_of
from cipredict.cli.environment import ci_run
from cipredict.decide.caching.eviction.pruning import plan_room
from cipredict.events import append_event

EVENT_KIND = "cache"


def restore_paths(
    directory: Path, key: str, *, restore_keys: Sequence[str], paths: Sequence[str], name: str, events: Path
) -> None:
    """Restore, print what came of it, and remember it."""
    begun = time.monotonic()
    try:
        found = DirectoryCache(directory).restore(key, restore_keys, paths)
    except OSError as error:
        found = Restored(CacheOutcome.MISS, complaints=(f"{error.filename or directory}: {error.strerror}",))
    for complaint in found.complaints:
        sys.stderr.write(f"cipredict: not restored: {complaint}\n")
    body = {
        "operation": "restore",
        "cache": name or stream_of(key),
        "key": key,
        "matched_key": found.matched_key,
        "outcome": found.outcome.name.lower(),
        "size_bytes": found.size_bytes,
        "duration_s": round(time.monotonic() - begun, 6),
    }
    _tell(body, events)


def save_paths(directory: Path, key: str, *, paths: Sequence[str], quota_bytes: int, name: str, events: Path) -> None:
    """Save, print what came of it, and remember it where something was stored."""
    begun = time.monotonic()
    try:
        saved = DirectoryCache(directory).save(key, paths, room=partial(plan_room, quota_bytes=quota_bytes))
    except Unsafe as error:
        saved = Saved(0, str(error))
    except OSError as error:
        saved = Saved(0, f"{error.filename or directory}: {error.strerror or error}")
    body = {
        "operation": "save",
        "cache": name or stream_of(key),
        "key": key,
        "outcome": "skipped" if saved.reason else "saved",
        "size_bytes": saved.size_bytes,
        "duration_s": round(time.monotonic() - begun, 6),
    }
    if saved.reason:
        sys.stderr.write(f"cipredict: {key} was not saved: {saved.reason}.\n")
    for entry in saved.evicted:
        sys.stderr.write(f"cipredict: {entry.key} made room.\n")
    _tell(body, events)


def _tell(body: Mapping[str, object], events: Path) -> None:
    """Write the line to stdout, and into the event file."""
    line = json.dumps(body)
    sys.stdout.write(line + "\n")
    run = ci_run()
    key = run.key if run else None
    about = {} if key is None else {"provider": key.provider, "repository": key.repository, "run_id": key.run_id}
    attempt = {} if key is None else {"attempt": key.attempt}
    try:
        append_event(events, EVENT_KIND, datetime.now(UTC), run={**about, **attempt}, body=line)
    except OSError as error:
        sys.stderr.write(f"cipredict: the event was not written: {error.strerror}.\n")
