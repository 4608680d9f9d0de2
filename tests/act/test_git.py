"""git is asked in real repositories; every way of not knowing is a ChangeUnknown that says what to do."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from cipredict.act.git import changed_paths
from cipredict.errors import EXIT_OK, ChangeUnknown
from cipredict.records import Change

_IDENTITY = ("-c", "user.name=a", "-c", "user.email=a@b.example", "-c", "commit.gpgsign=false")


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *_IDENTITY, *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def commit(folder: Path, files: dict[str, str | bytes | None], message: str = "x") -> str:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if content is None:
            path.unlink()
        else:
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "--allow-empty", "-m", message)
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture(autouse=True)
def _no_user_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository on branch `feature`, one empty commit after `main`."""
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    commit(folder, {"a.py": "1\n2\n3\n4\n5\n6\n", "b.py": "old\n", "bin.dat": b"\0\1"})
    git(folder, "checkout", "-q", "-b", "feature")
    return folder


def test_added_deleted_modified_and_binary_files_are_told_apart_with_line_counts(repository: Path) -> None:
    commit(repository, {"a.py": "1\n2\n3\n4\n5\nsix\nseven\n", "b.py": None, "new/c.py": "x\ny\n", "bin.dat": b"\0\2"})

    expected = (
        Change("a.py", 2, 1, "M"),
        Change("b.py", 0, 1, "D"),
        Change("bin.dat", None, None, "M"),
        Change("new/c.py", 2, 0, "A"),
    )
    assert expected == changed_paths("main", cwd=repository).changes


def test_a_rename_is_one_change_that_remembers_the_old_path(repository: Path) -> None:
    git(repository, "mv", "a.py", "moved.py")
    commit(repository, {"moved.py": "1\n2\n3\n4\n5\n6\n7\n"})

    expected = (Change("moved.py", 1, 0, "R", previous_path="a.py"),)
    assert expected == changed_paths("main", cwd=repository).changes


@pytest.mark.parametrize(
    "name",
    ["with space.py", "ümläut.py", "tab\there.py", 'quote".py', ":100644 x.py", "new\nline.py", "-dash.py"],
)
def test_odd_names_come_back_as_they_are(repository: Path, name: str) -> None:
    commit(repository, {name: "x\n"})

    assert (Change(name, 1, 0, "A"),) == changed_paths("main", cwd=repository).changes


def test_what_happened_on_the_base_since_is_not_our_change(repository: Path) -> None:
    base_sha = git(repository, "rev-parse", "HEAD")
    head_sha = commit(repository, {"ours.py": "x\n"})
    git(repository, "checkout", "-q", "main")
    commit(repository, {"theirs.py": "x\n"})
    git(repository, "checkout", "-q", "feature")

    found = changed_paths("main", cwd=repository)

    assert [change.path for change in found.changes] == ["ours.py"]
    assert (base_sha, head_sha, "feature") == (found.base_sha, found.head_sha, found.branch)


def test_no_change_is_an_empty_answer_not_an_unknown_one(repository: Path) -> None:
    assert changed_paths("main", cwd=repository).changes == ()


def test_a_detached_head_has_no_branch(repository: Path) -> None:
    git(repository, "checkout", "-q", "--detach")

    assert changed_paths("main", cwd=repository).branch == ""


def test_another_head_can_be_compared_without_checking_it_out(repository: Path) -> None:
    commit(repository, {"c.py": "x\n"})
    git(repository, "checkout", "-q", "main")

    assert [change.path for change in changed_paths("main", head="feature", cwd=repository).changes] == ["c.py"]


def test_uncommitted_work_counts_only_when_asked_and_ignored_files_never(repository: Path) -> None:
    commit(repository, {".gitignore": "*.log\n"})
    (repository / "a.py").write_text("changed\n")
    (repository / "untracked.py").write_text("x\n")
    (repository / "noise.log").write_text("x\n")
    git(repository, "rm", "-q", "b.py")

    assert [change.path for change in changed_paths("main", cwd=repository).changes] == [".gitignore"]
    found = changed_paths("main", cwd=repository, uncommitted=True).changes
    expected = [(".gitignore", "A"), ("a.py", "M"), ("b.py", "D"), ("untracked.py", "A")]
    assert expected == [(change.path, change.status) for change in found]


def test_paths_stay_relative_to_the_root_in_a_subfolder_which_is_named_as_prefix(repository: Path) -> None:
    commit(repository, {"backend/c.py": "x\n", "top.py": "x\n"})
    (repository / "other.py").write_text("x\n")
    git(repository, "config", "diff.relative", "true")

    found = changed_paths("main", cwd=repository / "backend", uncommitted=True)

    assert [change.path for change in found.changes] == ["backend/c.py", "other.py", "top.py"]
    assert found.prefix == "backend/"


def test_the_users_git_settings_do_not_change_the_answer(repository: Path) -> None:
    for setting in ("diff.renames=false", "diff.noprefix=true", "color.ui=always", "diff.external=false"):
        git(repository, "config", *setting.split("="))
    git(repository, "mv", "a.py", "moved.py")
    commit(repository, {})

    expected = (Change("moved.py", 0, 0, "R", previous_path="a.py"),)
    assert expected == changed_paths("main", cwd=repository).changes


def test_a_base_that_only_the_remote_has_is_found(repository: Path, tmp_path: Path) -> None:
    commit(repository, {"c.py": "x\n"})
    git(tmp_path, "clone", "-q", "--branch", "feature", str(repository), "clone")

    assert [change.path for change in changed_paths("main", cwd=tmp_path / "clone").changes] == ["c.py"]


def assert_unknown(error: pytest.ExceptionInfo[ChangeUnknown], *, slug: str, words: str) -> None:
    assert (EXIT_OK, slug) == (error.value.exit_code, error.value.slug)
    assert words in str(error.value)


@pytest.mark.parametrize(
    ("base", "slug", "words"),
    [
        pytest.param(None, "git-no-base", "--base origin/main", id="none"),
        pytest.param("", "git-no-base", "--base origin/main", id="empty"),
        pytest.param("0" * 40, "git-no-base", "first push", id="null-commit"),
        pytest.param("nowhere", "git-unknown-base", "'nowhere'", id="unknown"),
        pytest.param("--upload-pack=x", "git-unknown-base", "fetch-depth: 0", id="looks-like-an-option"),
        pytest.param("f" * 40, "git-unknown-base", "fetch-depth: 0", id="unknown-sha"),
    ],
)
def test_a_base_that_git_does_not_know_is_named(repository: Path, base: str | None, slug: str, words: str) -> None:
    with pytest.raises(ChangeUnknown) as error:
        changed_paths(base, cwd=repository)

    assert_unknown(error, slug=slug, words=words)


def test_an_unknown_head_is_named(repository: Path) -> None:
    with pytest.raises(ChangeUnknown) as error:
        changed_paths("main", head="gone", cwd=repository)

    assert_unknown(error, slug="git-unknown-head", words="'gone'")


def test_a_repository_without_commits_has_no_head(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")

    with pytest.raises(ChangeUnknown) as error:
        changed_paths("main", cwd=tmp_path)

    assert_unknown(error, slug="git-unknown-head", words="'HEAD'")


def test_a_shallow_clone_that_lost_the_fork_point_says_how_to_fetch_it(repository: Path, tmp_path: Path) -> None:
    commit(repository, {"c.py": "x\n"})
    git(repository, "checkout", "-q", "main")
    commit(repository, {"d.py": "x\n"})
    git(tmp_path, "clone", "-q", "--depth=1", "--no-single-branch", repository.as_uri(), "clone")

    with pytest.raises(ChangeUnknown) as error:
        changed_paths("main", head="origin/feature", cwd=tmp_path / "clone")

    assert_unknown(error, slug="git-shallow", words="fetch-depth: 0")


def test_a_shallow_clone_without_the_base_says_that_it_is_shallow(repository: Path, tmp_path: Path) -> None:
    commit(repository, {"c.py": "x\n"})
    git(tmp_path, "clone", "-q", "--depth=1", repository.as_uri(), "clone")

    with pytest.raises(ChangeUnknown) as error:
        changed_paths("main", cwd=tmp_path / "clone")

    assert_unknown(error, slug="git-unknown-base", words="in this shallow clone")


def test_unrelated_histories_have_no_merge_base(repository: Path) -> None:
    git(repository, "checkout", "-q", "--orphan", "island")
    commit(repository, {}, "a history of its own")

    with pytest.raises(ChangeUnknown) as error:
        changed_paths("main", cwd=repository)

    assert_unknown(error, slug="git-unrelated", words="no common history")


def test_a_folder_outside_any_repository_is_said_to_be_one(tmp_path: Path) -> None:
    with pytest.raises(ChangeUnknown) as error:
        changed_paths("main", cwd=tmp_path)

    assert_unknown(error, slug="git-missing", words="not inside a git repository")


def test_a_missing_git_is_no_crash(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")

    with pytest.raises(ChangeUnknown) as error:
        changed_paths("main", cwd=repository)

    assert_unknown(error, slug="git-missing", words="git cannot be run")


def fake_git(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    program = folder / "bin" / "git"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")


def test_a_git_that_does_not_answer_in_time_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_git(tmp_path, "exec sleep 5", monkeypatch)

    with pytest.raises(ChangeUnknown) as error:
        changed_paths("main", cwd=tmp_path, timeout_s=0.1)

    assert_unknown(error, slug="git-timeout", words="more than 0.1 s")


def test_a_checkout_of_another_user_says_which_setting_helps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_git(tmp_path, "echo \"fatal: detected dubious ownership in repository at '/w'\" >&2; exit 128", monkeypatch)

    with pytest.raises(ChangeUnknown) as error:
        changed_paths("main", cwd=tmp_path)

    assert_unknown(error, slug="git-ownership", words="safe.directory")


def test_any_other_failure_repeats_gits_own_words(repository: Path) -> None:
    head = commit(repository, {"c.py": "x\n"})
    tree = git(repository, "rev-parse", "HEAD^{tree}")
    (repository / ".git" / "objects" / tree[:2] / tree[2:]).unlink()

    with pytest.raises(ChangeUnknown) as error:
        changed_paths("main", head=head, cwd=repository)

    assert_unknown(error, slug="git-failed", words=tree)


def test_a_history_with_missing_commits_repeats_gits_own_words(repository: Path) -> None:
    middle = commit(repository, {"c.py": "x\n"})
    commit(repository, {"d.py": "x\n"})
    (repository / ".git" / "objects" / middle[:2] / middle[2:]).unlink()

    with pytest.raises(ChangeUnknown) as error:
        changed_paths("main", cwd=repository)

    assert_unknown(error, slug="git-failed", words="merge-base")
