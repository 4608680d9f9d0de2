"""Which lines recent commits wrote, told by a real repository."""

from __future__ import annotations

import subprocess
from pathlib import Path

from cipredict.act.git_lines import recent_lines


def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=n", "-c", "user.email=e@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


def commit(folder: Path, **files: str) -> None:
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "step")


def test_lines_of_the_last_commits_files_changed_last_first(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    commit(tmp_path, old="a\nb\n", new="a\nb\nc\n", gone="a\n")
    commit(tmp_path, new="a\nX\nc\n", gone="b\n")
    (tmp_path / "gone.py").unlink()
    commit(tmp_path, old="a\nb\nY\n")
    assert [(path, set(lines)) for path, lines in recent_lines(tmp_path, commits=2).items()] == [
        ("old.py", {3}),
        ("new.py", {2}),
    ]
    assert recent_lines(tmp_path, commits=1) == {"old.py": {3}}


def test_paths_are_those_of_the_folder(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    (tmp_path / "part").mkdir()
    commit(tmp_path, top="a\n")
    (tmp_path / "part" / "inner.py").write_text("a\n", encoding="utf-8")
    commit(tmp_path, top="b\n")
    assert recent_lines(tmp_path / "part", commits=1) == {"inner.py": {1}}


def test_without_a_repository_nothing_is_recent(tmp_path: Path) -> None:
    assert recent_lines(tmp_path, commits=5) == {}
