"""Paths of a change are relative to the folder that pytest runs in."""

from __future__ import annotations

from cipredict.act.git import ChangeSet
from cipredict.records import Change


def test_paths_lose_the_folder_and_others_keep_theirs() -> None:
    changes = (Change("backend/a.py", previous_path="backend/b.py", status="R"), Change("docs/x.md"))
    found = ChangeSet(changes, head_sha="1", base_sha="0", prefix="backend/")

    assert found.in_folder() == (Change("a.py", previous_path="b.py", status="R"), Change("docs/x.md"))
