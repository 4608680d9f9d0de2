"""Folders beside the history: gone after a kill, never taken from a process that lives."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cipredict.store import staging
from cipredict.store.staging import staging_folder

OWNER = """
import sys, time
from pathlib import Path
from cipredict.store.staging import staging_folder

with staging_folder(Path(sys.argv[1])) as folder:
    (folder / "tables.duckdb").write_text("half")
    print(folder, flush=True)
    time.sleep(60)
"""


@contextmanager
def owner_of_a_folder(store: Path) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    command = [sys.executable, "-c", OWNER, str(store)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process, Path(process.stdout.readline().strip())
        finally:
            process.kill()


def test_a_folder_lasts_as_long_as_the_block(tmp_path: Path) -> None:
    with staging_folder(tmp_path / "new" / "h.duckdb") as folder:
        assert folder.parent == tmp_path / "new"
    assert list((tmp_path / "new").iterdir()) == []


def test_what_a_killed_process_left_is_removed_and_what_a_living_one_uses_is_not(tmp_path: Path) -> None:
    pytest.importorskip("fcntl", reason="folders cannot be locked here")
    store = tmp_path / "h.duckdb"
    with owner_of_a_folder(store) as (process, left):
        with staging_folder(store):
            assert (left / "tables.duckdb").exists()
        process.kill()
        process.wait()
        assert left.exists()
        with staging_folder(store):
            assert not left.exists()


@pytest.mark.parametrize("content", ["", "tables.duckdb"])
@pytest.mark.parametrize(("age_s", "is_kept"), [(3000, True), (4000, False)])
def test_where_nothing_can_be_locked_an_hour_tells(
    content: str, age_s: int, *, is_kept: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staging, "fcntl", None)
    with staging_folder(tmp_path / "h.duckdb") as folder:
        if content:
            (folder / content).touch()
        now = folder.stat().st_mtime
        for path in (*folder.iterdir(), folder):
            os.utime(path, (now - age_s, now - age_s))
        with staging_folder(tmp_path / "h.duckdb"):
            assert folder.exists() == is_kept


def test_a_folder_whose_owner_has_not_locked_it_yet_is_left_alone(tmp_path: Path) -> None:
    new, ours = tmp_path / ".cipredict-staged-new", tmp_path / ".import-notes"
    new.mkdir()
    ours.mkdir()
    (ours / "text").touch()
    with staging_folder(tmp_path / "h.duckdb"):
        assert new.exists()
        assert ours.exists()
