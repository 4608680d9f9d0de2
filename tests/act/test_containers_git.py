"""What a build context holds and held, from real repositories."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from cipredict.act.containers_git import read_context, read_history
from cipredict.errors import ChangeUnknown


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=n", "-c", "user.email=e@example.org", "-c", "commit.gpgsign=false")
    done = subprocess.run(["git", *identity, *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout


def commit(folder: Path, files: dict[str, str | None]) -> None:
    for name, text in files.items():
        path = folder / name
        if text is None:
            path.unlink()
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    git(folder, "add", "-A")
    git(folder, "commit", "--allow-empty", "-qm", "c")


@pytest.fixture(name="repository")
def _repository(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q", "-b", "main")
    commit(tmp_path, {"a": "1", "app/b": "1", "app/c d é\n": "1"})
    commit(tmp_path, {"app/b": "2"})
    commit(tmp_path, {"a": "2"})
    commit(tmp_path, {"app/c d é\n": None, "app/e": "1"})
    return tmp_path


def test_commits_hold_blob_ids_and_what_they_removed(repository: Path) -> None:
    history = read_history(repository, commits=2)

    blob = git(repository, "rev-parse", "HEAD:a").strip()
    assert history.base["app/b"].startswith("100644 ")
    assert [sorted(one.changes) for one in history.commits] == [["a"], ["app/c d é\n", "app/e"]]
    assert history.commits[0].changes["a"] == f"100644 {blob}"
    assert history.commits[1].changes["app/c d é\n"] is None


def test_paths_are_relative_to_the_context_and_other_commits_count_too(repository: Path) -> None:
    history = read_history(repository / "app", commits=300)

    assert sorted(history.base) == ["b", "c d é\n"]
    assert [sorted(one.changes) for one in history.commits] == [["b"], [], ["c d é\n", "e"]]


def test_the_last_tree_is_the_base_and_all_changes(repository: Path) -> None:
    history = read_history(repository, commits=300)
    tree = dict(history.base)
    for one in history.commits:
        for path, identity in one.changes.items():
            if identity is None:
                del tree[path]
            else:
                tree[path] = identity

    head = git(repository, "ls-tree", "-r", "-z", "HEAD").split("\0")[:-1]
    assert tree == {line.partition("\t")[2]: " ".join(line.split("\t")[0].split(" ")[::2]) for line in head}


def test_a_merge_is_one_commit_with_all_that_it_brought(repository: Path) -> None:
    git(repository, "checkout", "-qb", "side", "HEAD~1")
    commit(repository, {"s1": "1"})
    commit(repository, {"s2": "1"})
    git(repository, "checkout", "-q", "main")
    git(repository, "merge", "-q", "--no-ff", "-m", "m", "side")

    assert sorted(read_history(repository, commits=1).commits[0].changes) == ["s1", "s2"]


def test_a_shallow_clone_ends_where_it_was_cut(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    clone = tmp_path_factory.mktemp("clone")
    git(clone, "clone", "-q", "--depth", "2", f"file://{repository}", "x")

    history = read_history(clone / "x", commits=300)
    assert (len(history.commits), sorted(history.base)) == (1, ["a", "app/b", "app/c d é\n"])


def test_no_history_is_asked_for_or_there_is_none(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    assert read_history(repository, commits=0).commits == ()
    with pytest.raises(ChangeUnknown):
        read_history(tmp_path_factory.mktemp("empty"), commits=3)


def test_a_context_holds_tracked_files_with_their_text(repository: Path) -> None:
    (repository / "untracked").write_text("x", encoding="utf-8")
    (repository / "binary").write_bytes(b"a\0b")
    (repository / "lnk").symlink_to("a")
    git(repository, "add", "binary", "lnk")
    context = read_context(repository)

    assert "untracked" not in context.files
    assert (context.files["a"].size_bytes, context.files["lnk"].is_link) == (1, True)
    assert [context.read(name) for name in ("a", "binary", "lnk", "gone")] == ["2", None, None, None]
    assert context.has_folder("app")
    assert not context.has_folder("ap")


def test_without_git_a_context_is_all_that_lies_there(tmp_path: Path) -> None:
    (tmp_path / "x" / "y").mkdir(parents=True)
    (tmp_path / "x" / "y" / "z").write_text("1", encoding="utf-8")

    assert list(read_context(tmp_path).files) == ["x/y/z"]
