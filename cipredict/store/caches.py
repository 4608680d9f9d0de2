"""Cache events into rows, and back: what jobs found in their caches, however it was learned."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import pyarrow as pa

from cipredict.cache_records import CacheEvent
from cipredict.store.columns import table_of, utc
from cipredict.store.database import Store
from cipredict.store.statements import Table, query_file, upsert

_KEY = (("provider", pa.string()), ("repository", pa.string()), ("run_id", pa.string()), ("attempt", pa.int32()))
_EVENT = pa.schema(
    [
        ("event_id", pa.string()),
        ("happened_at", pa.timestamp("us", tz="UTC")),
        *_KEY,
        ("job", pa.string()),
        ("cache", pa.string()),
        ("operation", pa.string()),
        ("key", pa.string()),
        ("matched_key", pa.string()),
        ("outcome", pa.string()),
        ("size_bytes", pa.int64()),
        ("duration_s", pa.float64()),
    ]
)


def add_cache_events(store: Store, events: Sequence[CacheEvent]) -> int:
    """Store events, and a minimal row for a run that is not known yet; known events add nothing. Give their number."""
    keys = [_key(event) for event in events if event.run is not None]
    tables = {"": table_of(_EVENT, map(_row, events)), "keys": table_of(pa.schema(_KEY), keys)}
    upsert(store.connection, ("unknown_runs", "cache_events"), tables)
    return len(events)


def load_cache_events(store: Store, as_of: datetime) -> Table:
    """Give a row per event that had happened, in the order of time, with its run, outcome, bytes and seconds."""
    return query_file(store.connection, "sql/load_cache_events.sql", {"as_of": utc(as_of)})


def load_cache_steps(store: Store, as_of: datetime) -> Table:
    """Give a row per step that looks like a cache, with its seconds and those of its post step, but no outcome."""
    return query_file(store.connection, "sql/load_cache_steps.sql", {"as_of": utc(as_of)})


def _key(event: CacheEvent) -> tuple[object, ...]:
    run = event.run
    return (None,) * 4 if run is None else (run.provider, run.repository, run.run_id, run.attempt)


def _row(event: CacheEvent) -> tuple[object, ...]:
    return (
        event.event_id,
        utc(event.at),
        *_key(event),
        event.job,
        event.cache,
        event.operation,
        event.key,
        event.matched_key,
        event.outcome,
        event.size_bytes,
        event.duration_s,
    )
