from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from cipredict.decide.caching.explain import Finding, ListedEntry, RememberedKey, explain_key, versions_of

NOW = datetime(2026, 3, 10, tzinfo=UTC)
PATHS = ("~/.cache/uv",)
OLD = RememberedKey("deps-1", ("deps-",), "deps", {"uv.lock": "a", "gone.lock": "x"}, PATHS, NOW - timedelta(days=2))
NEW = RememberedKey("deps-2", ("deps-",), "deps", {"uv.lock": "b", "new.lock": "y"}, PATHS, NOW - timedelta(days=1))
VERSION = min(versions_of(PATHS))
MAIN, PULL = "refs/heads/main", "refs/pull/7/merge"


def entry(key: str, ref: str = MAIN, *, version: str = VERSION, age: int = 1) -> ListedEntry:
    at = NOW - timedelta(days=age)
    return ListedEntry(key, ref, version, at, at, 1000)


def explained(key: str, plans: list[RememberedKey], entries: list[ListedEntry] | None = None) -> list[Finding]:
    return explain_key(key, plans, entries, ref=PULL, default_ref=MAIN, now=NOW)


def kinds(findings: list[Finding]) -> list[str]:
    return [finding.kind for finding in findings]


def test_a_changed_key_is_explained_file_by_file() -> None:
    found = [one.text for one in explained("deps-2", [OLD, NEW]) if one.kind == "key"]

    assert ["uv.lock changed", "new.lock is new", "gone.lock is gone"] == [
        text.partition(" since")[0] for text in found
    ]


def test_the_same_files_under_another_key_blame_the_other_parts() -> None:
    found = explained("deps-2", [OLD, replace(NEW, files=OLD.files)])

    assert "a dimension, an extra word or the design differs" in found[0].text


def test_another_list_of_paths_is_another_version() -> None:
    assert "version" in kinds(explained("deps-2", [OLD, replace(NEW, paths=(".venv",))]))


def test_an_unknown_key_says_that_nobody_remembers_it() -> None:
    assert ["unknown"] == kinds(explained("deps-9", [OLD]))


def test_a_key_that_nobody_used_for_a_week_expired() -> None:
    early = replace(NEW, at=NOW - timedelta(days=9))

    assert "expiry" in kinds(explained("deps-2", [early]))
    assert "expiry" in kinds(explained("deps-2", [early], []))


def test_an_entry_of_another_pull_request_is_out_of_scope() -> None:
    found = explained("deps-2", [OLD, NEW], [entry("deps-2", "refs/pull/8/merge")])

    assert "scope" == found[0].kind
    assert "refs/pull/8/merge" in found[0].text


def test_an_entry_saved_with_other_paths_is_another_version() -> None:
    assert "version" == explained("deps-2", [OLD, NEW], [entry("deps-2", version="f00")])[0].kind


def test_an_entry_that_is_there_is_said_to_be() -> None:
    assert "the entry is there" in explained("deps-2", [OLD, NEW], [entry("deps-2")])[0].text


def test_what_a_restore_key_gives_is_the_own_scope_s_newest() -> None:
    entries = [entry("deps-0", MAIN, age=0), entry("deps-1", PULL, age=5)]
    [restored] = [one for one in explained("deps-2", [OLD, NEW], entries) if one.kind == "restore"]

    assert f"deps- restores deps-1 of {PULL}" == restored.text


def test_a_missing_entry_was_evicted_or_never_saved() -> None:
    assert "eviction" in kinds(explained("deps-2", [OLD, NEW], [entry("deps-1")]))


def test_many_changes_are_cut_off_and_counted() -> None:
    crowd = replace(NEW, files={f"f{number}": "x" for number in range(30)})
    found = [one for one in explained("deps-2", [OLD, crowd]) if one.kind == "key"]

    assert "and 12 files more" == found[-1].text


@pytest.mark.parametrize("paths", [(), ("a",), ("a", "b")])
def test_versions_tell_paths_apart(paths: tuple[str, ...]) -> None:
    assert versions_of(paths).isdisjoint(versions_of((*paths, "c")))
