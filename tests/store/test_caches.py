"""Cache events in the store: once, with their run, and nothing from the future."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

pytest.importorskip("duckdb", reason="the store extra is not installed")
pytest.importorskip("pyarrow", reason="the store extra is not installed")

from cipredict.cache_records import CacheEvent  # after the skips
from cipredict.records import JobRecord, Result, RunKey, StepRecord
from cipredict.store.caches import add_cache_events, load_cache_events, load_cache_steps
from cipredict.store.database import open_store
from cipredict.store.merge import merge_store
from cipredict.store.writer import add_jobs

pytestmark = pytest.mark.learn
AT = datetime(2026, 10, 8, 9, tzinfo=UTC)
RUN = RunKey("github", "octo/shop", "5", 2)
RESTORE = CacheEvent("e1", AT, "restore", "uv-*", "uv-2", "uv-1", "prefix", 10, 4.0, RUN, "build")
SAVE = CacheEvent("e2", AT + timedelta(minutes=1), "save", "uv-*", "uv-2", "", "saved", 12, 6.5)


def test_an_event_is_stored_once_with_its_run(tmp_path: Path) -> None:
    with open_store(tmp_path / "h.duckdb") as store:
        for _ in range(2):
            add_cache_events(store, [RESTORE, SAVE, RESTORE])
        rows = load_cache_events(store, AT + timedelta(days=1)).to_pylist()

    assert [("e1", "5", 2, "build", 4.0, None), ("e2", None, None, "", None, 6.5)] == [
        (row["event_id"], row["run_id"], row["attempt"], row["job"], row["restore_s"], row["save_s"]) for row in rows
    ]
    assert ("uv-2", "uv-1", "prefix", 10) == tuple(
        rows[0][name] for name in ("key", "matched_key", "outcome", "size_bytes")
    )


def test_what_happens_later_changes_nothing(tmp_path: Path) -> None:
    with open_store(tmp_path / "h.duckdb") as store:
        add_cache_events(store, [RESTORE])
        before = load_cache_events(store, AT).to_pylist()
        add_cache_events(store, [SAVE, replace(SAVE, event_id="e3", at=AT + timedelta(microseconds=1))])

        assert before == load_cache_events(store, AT).to_pylist()
        assert 1 == len(before)


def test_a_merge_brings_events_with_their_runs_once(tmp_path: Path) -> None:
    with open_store(tmp_path / "theirs.duckdb") as store:
        add_cache_events(store, [replace(RESTORE, event_id="e0", run=replace(RUN, run_id="4")), RESTORE, SAVE])
    with open_store(tmp_path / "ours.duckdb") as store:
        add_cache_events(store, [RESTORE])
        for _ in range(2):
            merge_store(store, tmp_path / "theirs.duckdb")
        rows = load_cache_events(store, AT + timedelta(days=1)).to_pylist()

    assert [("e0", "4"), ("e1", "5"), ("e2", None)] == [(row["event_id"], row["run_id"]) for row in rows]


def test_steps_tell_seconds_where_no_log_is_left(tmp_path: Path) -> None:
    def step(number: int, name: str, start_s: int, end_s: int, result: Result = Result.SUCCESS) -> StepRecord:
        return StepRecord(number, name, AT + timedelta(seconds=start_s), AT + timedelta(seconds=end_s), result)

    steps = (
        step(1, "Run actions/checkout@v4", 0, 1),
        step(2, "Run actions/cache@v4", 1, 5),
        step(3, "Restore Cache of cargo", 5, 6, Result.FAILURE),
        step(4, "Run actions/setup-python@v5", 6, 9),
        step(5, "Test the cacheable", 9, 50),
        step(6, "Post Run actions/cache@v4", 50, 57),
    )
    with open_store(tmp_path / "h.duckdb") as store:
        add_jobs(store, [JobRecord(RUN, "1", "build", AT, AT + timedelta(minutes=1), steps=steps)])
        rows = load_cache_steps(store, AT + timedelta(days=1)).to_pylist()
        then = load_cache_steps(store, AT + timedelta(seconds=10)).to_pylist()

    assert [("Run actions/cache@v4", 4.0, 7.0), ("Run actions/setup-python@v5", 3.0, None)] == [
        (row["step"], row["restore_s"], row["save_s"]) for row in rows
    ]
    assert [4.0, 3.0] == [row["restore_s"] for row in then]
    assert [None, None] == [row["save_s"] for row in then]
