"""GitHub's lists of caches in every packing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cipredict.ingest.cache_entries import default_ref, open_pull_refs, read_dump


def test_a_page_a_list_of_pages_and_lines_are_read_alike(samples: Path) -> None:
    text = (samples / "cache" / "github_caches.json").read_text(encoding="utf-8")
    page = json.loads(text)
    one_by_one = "\n".join(json.dumps(entry) for entry in page["actions_caches"])

    expected = read_dump(text).unique()
    assert 5 == len(expected)
    for other in (f"{text}{text}", json.dumps([page, page]), one_by_one):
        assert expected == read_dump(other).unique()


def test_the_command_of_github_spells_it_another_way() -> None:
    text = (
        '[{"id": 9, "key": "k", "ref": "refs/heads/main", "sizeInBytes": 5,'
        ' "createdAt": "2026-10-01T08:00:00Z", "lastAccessedAt": "2026-10-02T08:00:00Z"}]'
    )
    [entry] = read_dump(text).unique()

    assert ("9", "k", 5, 2) == (entry.entry_id, entry.key, entry.size_bytes, entry.used_at.day)


@pytest.mark.parametrize(
    "text",
    [
        '{"id": 1}',
        '{"id": 1, "key": "k", "size_in_bytes": -1, "created_at": "2026-10-01T08:00:00Z"}',
        '{"id": 1, "key": "k", "size_in_bytes": true, "created_at": "2026-10-01T08:00:00Z"}',
        '{"id": 1, "key": "k", "size_in_bytes": 1, "created_at": null}',
        "no json",
        "7",
    ],
)
def test_what_is_no_entry_is_counted(text: str) -> None:
    read = read_dump(text)

    assert ((), 1) == (read.unique(), read.bad)


def test_the_rest_of_the_api_may_say_nothing() -> None:
    assert ("refs/heads/trunk", "", "") == (
        default_ref({"default_branch": "trunk"}),
        default_ref({}),
        default_ref(None),
    )
    assert {"refs/pull/8/merge"} == open_pull_refs([[{"number": 8}, "x"], {}])
