"""Events of the kind `cache`, from event files, into records: what `cache restore` and `cache save` remembered.

Any step may write such a line: `{"kind": "cache", "at": …, "run": {…}, "body": {"operation": "restore", "key": …}}`.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC

from cipredict.cache_records import CacheEvent, stream_of
from cipredict.events import Event
from cipredict.ingest.payloads import Payload, integer_of, text_of
from cipredict.records import RunKey

KIND = "cache"
_OPERATIONS = {"restore": ("exact", "prefix", "miss"), "save": ("saved", "skipped")}
_MOST_BYTES = 2**62


def read_cache_events(events: Iterable[Event]) -> tuple[list[CacheEvent], int]:
    """Give the cache events among events, and how many of that kind say too little to be one."""
    of_caches = [event for event in events if event.kind == KIND]
    read = [found for event in of_caches if (found := _read(event)) is not None]
    return read, len(of_caches) - len(read)


def _read(event: Event) -> CacheEvent | None:
    body = event.body
    key, operation = text_of(body, "key"), text_of(body, "operation")
    outcome = text_of(body, "outcome")
    if not key or outcome not in _OPERATIONS.get(operation, ()):
        return None
    return CacheEvent(
        event_id=event.event_id,
        at=event.at if event.at.tzinfo else event.at.replace(tzinfo=UTC),
        operation=operation,
        cache=text_of(body, "cache") or stream_of(key),
        key=key,
        matched_key=text_of(body, "matched_key"),
        outcome=outcome,
        size_bytes=_bytes(body),
        duration_s=_seconds(body),
        run=_run(event.run),
        job=text_of(body, "job"),
    )


def _run(run: Payload) -> RunKey | None:
    provider, run_id = text_of(run, "provider"), text_of(run, "run_id")
    if not provider or not run_id:
        return None
    return RunKey(provider, text_of(run, "repository"), run_id, integer_of(run, "attempt") or 1)


def _bytes(body: Payload) -> int | None:
    value = body.get("size_bytes")
    is_size = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _MOST_BYTES
    return int(str(value)) if is_size else None


def _seconds(body: Payload) -> float | None:
    value = body.get("duration_s")
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value < 86_400 * 366 else None
