"""Commits and tracked files of real repositories, and every way of not getting them."""

from __future__ import annotations

import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cipredict.errors import InputError
from cipredict.ingest.git import read_commits, tracked_files
from cipredict.records import Change

_IDENTITY = ("-c", "user.name=Ä B", "-c", "user.email=a@b.example", "-c", "commit.gpgsign=false")


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *_IDENTITY, *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def commit(folder: Path, files: dict[str, bytes | None], *, day: int = 1) -> str:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink() if content is None else path.write_bytes(content)
    git(folder, "add", "-A")
    moment = f"2026-01-{day:02}T00:00:00+00:00"
    environment = os.environ | {"GIT_COMMITTER_DATE": moment, "GIT_AUTHOR_DATE": moment}
    subprocess.run(
        ["git", *_IDENTITY, "commit", "-q", "--allow-empty", "-m", "one\n\n:body"],
        cwd=folder,
        check=True,
        env=environment,
    )
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture(autouse=True)
def _no_user_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))


@pytest.fixture(name="repository")
def _repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    return folder


def test_commits_come_newest_first_with_changes_and_times(repository: Path) -> None:
    first = commit(repository, {"a.py": b"1\n2\n3\n4\n", "b.py": b"x\n", "c d/ü.bin": b"\0\1"})
    second = commit(repository, {"a.py": b"1\n2\n3\n", "b.py": None, "c d/ü.bin": b"\0\2"}, day=2)
    newest, oldest = read_commits(repository, repository="shop")
    assert (second, first, "shop", "Ä B", datetime(2026, 1, 2, tzinfo=UTC)) == (
        newest.sha,
        newest.parent_sha,
        newest.repository,
        newest.author,
        newest.committed_at,
    )
    assert {
        Change("a.py", 0, 1, "M"),
        Change("b.py", 0, 1, "D"),
        Change("c d/ü.bin", None, None, "M"),
    } == set(newest.changes)
    assert ("", {"A"}) == (oldest.parent_sha, {change.status for change in oldest.changes})


def test_renames_are_followed(repository: Path) -> None:
    commit(repository, {"old.py": b"1\n2\n3\n4\n5\n6\n"})
    commit(repository, {"old.py": None, "new.py": b"1\n2\n3\n4\n5\n6\n7\n"}, day=2)
    newest = next(read_commits(repository, repository="shop"))
    assert (Change("new.py", 1, 0, "R", "old.py"),) == newest.changes


def test_a_merge_is_one_commit_with_all_that_it_brought_in(repository: Path) -> None:
    base = commit(repository, {"a.py": b"1\n"})
    git(repository, "checkout", "-q", "-b", "feature")
    commit(repository, {"b.py": b"1\n"}, day=2)
    commit(repository, {"c.py": b"1\n"}, day=3)
    git(repository, "checkout", "-q", "main")
    main = commit(repository, {"d.py": b"1\n"}, day=4)
    git(repository, "merge", "-q", "--no-edit", "feature")
    merge, *others = read_commits(repository, repository="shop")
    assert ([main, base], main) == ([other.sha for other in others], merge.parent_sha)
    assert ["b.py", "c.py"] == [change.path for change in merge.changes]


def test_an_empty_commit_changes_nothing(repository: Path) -> None:
    commit(repository, {})
    assert [()] == [found.changes for found in read_commits(repository, repository="shop")]


def test_older_commits_are_left_out(repository: Path) -> None:
    commit(repository, {"a.py": b"1"})
    young = commit(repository, {"a.py": b"2"}, day=9)
    since = datetime(2026, 1, 5, tzinfo=UTC)
    assert [young] == [found.sha for found in read_commits(repository, repository="shop", since=since)]


def test_the_oldest_commit_of_a_shallow_clone_is_left_out(repository: Path, tmp_path: Path) -> None:
    commit(repository, {"a.py": b"1"})
    commit(repository, {"a.py": b"2"}, day=2)
    head = commit(repository, {"a.py": b"3"}, day=3)
    git(tmp_path, "clone", "-q", "--depth", "2", repository.as_uri(), "clone")
    assert [head] == [found.sha for found in read_commits(tmp_path / "clone", repository="shop")]


def test_tracked_files_are_relative_to_the_folder(repository: Path) -> None:
    commit(repository, {"a.py": b"1", "sub/b.py": b"1"})
    (repository / "sub" / "untracked.py").write_text("")
    assert frozenset({"a.py", "sub/b.py"}) == tracked_files(repository)
    assert frozenset({"b.py"}) == tracked_files(repository / "sub")


def test_without_a_repository_there_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        tracked_files(tmp_path)
    assert caught.value.slug == "git-missing"
    with pytest.raises(InputError) as caught:
        tracked_files(tmp_path / "nothing")
    assert caught.value.slug == "git-missing"


@pytest.mark.parametrize("head", ["nothing", "--output=file"])
def test_an_unknown_head_is_an_error_and_never_an_option(repository: Path, head: str) -> None:
    commit(repository, {"a.py": b"1"})
    with pytest.raises(InputError) as caught:
        list(read_commits(repository, repository="shop", head=head))
    assert caught.value.slug == "git-failed"
    assert not (repository / "file").exists()


def test_git_that_hangs_is_stopped(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "git").write_text("#!/bin/sh\nexec sleep 60\n")
    (folder / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    with pytest.raises(InputError) as caught:
        tracked_files(repository, timeout_s=0.2)
    assert caught.value.slug == "git-timeout"


def test_a_reader_that_stops_early_leaves_no_process(repository: Path) -> None:
    for day in range(1, 4):
        commit(repository, {"a.py": str(day).encode()}, day=day)
    commits = read_commits(repository, repository="shop")
    next(commits)
    commits.close()  # type: ignore[attr-defined]  # it is a generator; warnings as errors would show a leak
