from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from cipredict.act.commit_range import commits_between
from cipredict.act.worktrees import resolve, worktree
from cipredict.errors import UsageError


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.email=a@b.c", "-c", "user.name=n"]
    return subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Give a repository of two commits, each with a file."""
    git(tmp_path, "init", "-q")
    for name in ("a.py", "b.py"):
        (tmp_path / name).write_text(name)
        git(tmp_path, "add", name)
        git(tmp_path, "commit", "-qm", f"Add {name}")
    return tmp_path


def test_a_tree_holds_the_commit_and_nothing_is_left(repository: Path) -> None:
    with worktree("HEAD^", cwd=repository) as place:
        assert sorted(file.name for file in place.glob("*.py")) == ["a.py"]

    assert not place.parent.exists()
    assert len(git(repository, "worktree", "list").splitlines()) == 1


def test_nothing_is_left_after_an_error_either(repository: Path) -> None:
    with pytest.raises(KeyboardInterrupt), worktree("HEAD", cwd=repository) as place:
        (place / "new.txt").write_text("x")
        raise KeyboardInterrupt

    assert not place.exists()
    assert len(git(repository, "worktree", "list").splitlines()) == 1


@pytest.mark.parametrize("ref", ["nowhere", "--help", ""])
def test_an_unknown_commit_is_one_line(repository: Path, ref: str) -> None:
    with pytest.raises(UsageError) as caught:
        resolve(ref, cwd=repository)

    assert caught.value.slug == "perf-git"


def test_commits_between_two_commits(repository: Path) -> None:
    [commit] = commits_between("HEAD^", "HEAD", cwd=repository) or []

    assert (commit.subject, commit.paths) == ("Add b.py", ("b.py",))
    assert commits_between("HEAD", "HEAD", cwd=repository) == []


def test_an_unknown_range_is_not_known(repository: Path) -> None:
    assert commits_between("nowhere", "HEAD", cwd=repository) is None
