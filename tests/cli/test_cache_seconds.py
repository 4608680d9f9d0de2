from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

pytest.importorskip("duckdb", reason="the store extra is not installed")
pytest.importorskip("pyarrow", reason="the store extra is not installed")

from cipredict.cache_records import CacheEvent  # after the skips
from cipredict.cache_stages import CacheStage
from cipredict.cli.cache_seconds import with_measured_seconds
from cipredict.records import JobRecord, Result, RunKey, StepRecord
from cipredict.store.caches import add_cache_events
from cipredict.store.database import open_store
from cipredict.store.writer import add_jobs

pytestmark = pytest.mark.learn
AT = datetime(2026, 10, 8, 9, tzinfo=UTC)
RUN = RunKey("github", "octo/shop", "5", 1)
STAGE = CacheStage("deps", key_files=("uv.lock",), paths=(".venv",))


def event(number: int, operation: str, outcome: str, duration_s: float, key: str = "deps-Linux-1") -> CacheEvent:
    return CacheEvent(f"e{number}", AT, operation, "deps-*", key, "", outcome, 10, duration_s, RUN, "build")


def test_events_of_the_stage_say_what_it_takes(tmp_path: Path) -> None:
    """By their medians; a miss restores nothing, and other caches do not count."""
    with open_store(tmp_path / "h.duckdb") as store:
        events = [event(n, "restore", "exact", seconds) for n, seconds in enumerate((3.0, 4.0, 90.0))]
        others = [event(7, "restore", "exact", 50.0, key="npm-1"), event(8, "restore", "miss", 0.1)]
        add_cache_events(store, [*events, *others, event(9, "save", "saved", 6.0)])

    stage, notes = with_measured_seconds(STAGE, tmp_path / "h.duckdb")

    assert (4.0, 6.0) == (stage.restore_s, stage.save_s)
    assert [
        "restore takes 4.0 s, the median of 3 cache events",
        "save takes 6.0 s, the median of 1 cache events",
    ] == notes


def test_steps_of_jobs_stand_in_where_nobody_kept_logs(tmp_path: Path) -> None:
    steps = tuple(
        StepRecord(number, name, AT, AT + timedelta(seconds=seconds), Result.SUCCESS)
        for number, name, seconds in ((1, "Cache deps", 5), (2, "Cache npm", 40), (3, "Post Cache deps", 8))
    )
    with open_store(tmp_path / "h.duckdb") as store:
        add_jobs(
            store, [JobRecord(RUN, "1", "build", AT, AT + timedelta(minutes=2), result=Result.SUCCESS, steps=steps)]
        )

    stage, notes = with_measured_seconds(STAGE, tmp_path / "h.duckdb")

    assert (5.0, 8.0) == (stage.restore_s, stage.save_s)
    assert "the median of 1 steps" in notes[0]


def test_what_the_settings_say_holds(tmp_path: Path) -> None:
    with open_store(tmp_path / "h.duckdb") as store:
        add_cache_events(store, [event(1, "restore", "exact", 3.0), event(2, "save", "saved", 6.0)])

    stage, notes = with_measured_seconds(replace(STAGE, restore_s=9.0), tmp_path / "h.duckdb")

    assert (9.0, 6.0, 1) == (stage.restore_s, stage.save_s, len(notes))


def test_without_a_history_nothing_is_known(tmp_path: Path) -> None:
    assert (STAGE, []) == with_measured_seconds(STAGE, tmp_path / "none.duckdb")
