"""What job logs tell of caches, and what events do."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from cipredict.cache_records import CacheEvent
from cipredict.events import Event
from cipredict.ingest.cache_events import read_cache_events
from cipredict.ingest.cache_logs import read_cache_log
from cipredict.records import RunKey

RUN = RunKey("github", "octo/shop", "1")
NOW = datetime(2026, 10, 9, tzinfo=UTC)
UV, OLD_UV = (
    "Linux-uv-7c211433f02071597741e6ff5a8ea34789abbf43",
    "Linux-uv-0beec7b5ea3f0fdbc95d0dd47f3c5bc275da8a33",
)


def read(text: str, job: str = "build") -> list[CacheEvent]:
    return read_cache_log(text.split("\n"), run=RUN, job=job, read_at=NOW)


def told(events: list[CacheEvent]) -> list[tuple[str, str, str, int | None, float | None]]:
    return [(one.operation, one.cache, one.outcome, one.size_bytes, one.duration_s) for one in events]


def sample(samples: Path, name: str) -> list[CacheEvent]:
    return read((samples / "cache" / name).read_bytes().decode())


def test_an_older_entry_that_was_restored_is_a_prefix_although_the_log_says_hit(samples: Path) -> None:
    events = sample(samples, "github_prefix.log")

    assert [
        ("restore", "Linux-uv-*", "prefix", 61_865_984, 4.0),
        ("save", "Linux-uv-*", "saved", 63_963_136, 6.5),
    ] == told(events)
    assert (UV, OLD_UV) == (events[0].key, events[0].matched_key)
    assert datetime(2026, 10, 8, 9, 0, 10, tzinfo=UTC) == events[0].at


def test_misses_setup_actions_and_saves_that_were_not_are_told(samples: Path) -> None:
    events = sample(samples, "github_others.log")

    python = "setup-python-Linux-x64-24.04-Ubuntu-python-3.12.7-pip-*"
    assert [
        ("restore", "Linux-cargo-*", "miss", None, 1.0),
        ("restore", python, "exact", 10_485_760, 3.0),
        ("save", python, "skipped", None, 1.0),
        ("save", "Linux-cargo-*", "skipped", None, 1.0),
    ] == told(events)


def test_gitlab_asks_for_one_key_after_the_other(samples: Path) -> None:
    events = sample(samples, "gitlab_fallback.log")

    assert [
        ("restore", "deps-*-non_protected", "prefix", None, 4.0),
        ("save", "deps-*-non_protected", "saved", None, 7.0),
    ] == told(events)
    assert "deps-main-non_protected" == events[0].matched_key


def test_a_cache_that_gitlab_cannot_extract_is_a_miss(samples: Path) -> None:
    assert [
        ("restore", "node-*-protected", "miss", None, 1.0),
        ("save", "node-*-protected", "skipped", None, 1.0),
    ] == told(sample(samples, "gitlab_miss.log"))


@pytest.mark.parametrize(
    ("text", "outcome", "matched"),
    [
        pytest.param("Cache hit for: a-1\nCache restored from key: a-1", "exact", "a-1", id="exact"),
        pytest.param("Cache hit for restore-key: a-0\nCache restored from key: a-0", "exact", "a-0", id="key unknown"),
        pytest.param("  key: a-1\nCache hit for restore-key: a-0", "prefix", "a-0", id="by a restore key"),
        pytest.param("Cache hit for: a-1\nCache restored from key: a-0", "prefix", "a-0", id="before toolkit 2101"),
    ],
)
def test_the_lines_of_one_step_are_one_restore(text: str, outcome: str, matched: str) -> None:
    [event] = read(f"##[group]Run actions/cache@v4\n{text}")

    assert (outcome, matched) == (event.outcome, event.matched_key)
    assert (None, NOW) == (event.duration_s, event.at)


def test_a_log_without_caches_tells_nothing() -> None:
    assert [] == read("2026-10-08T09:00:00.0000000Z The cache is warm\nChecking cachet\n\x1b[0m")


def test_the_same_log_gives_the_same_events_and_another_job_others(samples: Path) -> None:
    text = (samples / "cache" / "github_others.log").read_text(encoding="utf-8")
    first, again, other = ({one.event_id for one in read(text, job)} for job in ("build", "build", "test"))

    assert 4 == len(first)
    assert first == again
    assert first.isdisjoint(other)


def event(**body: object) -> Event:
    run = {"provider": "github", "repository": "octo/shop", "run_id": "5", "attempt": 2}
    return Event("cache", NOW, run, {"operation": "restore", "key": "a-12345678", "outcome": "exact", **body})


def test_an_event_becomes_a_record() -> None:
    [record], poor = read_cache_events(
        [event(size_bytes=5, duration_s=1, matched_key="a-12345678"), Event("plan", NOW, {}, {})]
    )

    assert 0 == poor
    assert ("a-*", 5, 1.0, RunKey("github", "octo/shop", "5", 2)) == (
        record.cache,
        record.size_bytes,
        record.duration_s,
        record.run,
    )


@pytest.mark.parametrize("body", [{"operation": "evict"}, {"outcome": "saved"}, {"key": ""}, {"key": 1.5}])
def test_an_event_that_says_too_little_is_counted(body: dict[str, object]) -> None:
    assert ([], 1) == read_cache_events([event(**body)])


@pytest.mark.parametrize("wrong", [-1, "5", True, None, 2**70])
def test_odd_numbers_of_an_event_are_unknown(wrong: object) -> None:
    [record], _ = read_cache_events([event(size_bytes=wrong, duration_s=wrong)])

    assert (None, None) == (record.size_bytes, record.duration_s)
