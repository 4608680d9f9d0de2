from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cipredict.act.stages.artifacts import find_files, keep, put_back
from cipredict.act.stages.interface import file_name


def put(path: Path, content: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("dist", ["dist/a.whl", "dist/deep/b.whl"]),
        ("dist/*.whl", ["dist/a.whl"]),
        ("**/*.whl", ["dist/a.whl", "dist/deep/b.whl"]),
        ("nothing", []),
    ],
)
def test_globs_find_files_and_a_folder_means_all_in_it(tmp_path: Path, pattern: str, expected: list[str]) -> None:
    for name in ("dist/a.whl", "dist/deep/b.whl", "other.txt"):
        put(tmp_path / name, name)
    assert expected == [path.relative_to(tmp_path).as_posix() for path in find_files(tmp_path, [pattern])]


def test_a_link_out_of_the_tree_is_no_artifact(tmp_path: Path) -> None:
    secret = put(tmp_path / "secret", "key")
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "link").symlink_to(secret)
    assert [] == find_files(tmp_path / "tree", ["*"])


def test_what_was_kept_comes_back_as_it_was(tmp_path: Path) -> None:
    tree, blobs = tmp_path / "tree", tmp_path / "blobs"
    tool = put(tree / "bin" / "tool", "#!/bin/sh")
    tool.chmod(0o755)
    artifacts = keep(blobs, tree, ["bin"])
    tool.unlink()
    tool.parent.rmdir()
    assert put_back(blobs, tree, artifacts)
    assert ("#!/bin/sh", 0o755) == (tool.read_text(), tool.stat().st_mode & 0o777)


def test_equal_files_are_kept_once(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        put(tmp_path / "tree" / name, "same" if name < "c" else "other")
    keep(tmp_path / "blobs", tmp_path / "tree", ["*"])
    assert 2 == len(list((tmp_path / "blobs").glob("??/*")))


@pytest.mark.parametrize("damage", ["changed", "removed"])
def test_damaged_content_never_comes_back(tmp_path: Path, damage: str) -> None:
    """And nothing is changed: the stage runs again."""
    tree, blobs = tmp_path / "tree", tmp_path / "blobs"
    for name in "ab":
        put(tree / name, name)
    artifacts = keep(blobs, tree, ["*"])
    for name in "ab":
        (tree / name).unlink()
    blob = blobs / artifacts[1].sha256[:2] / artifacts[1].sha256
    blob.write_text("x") if damage == "changed" else blob.unlink()
    assert not put_back(blobs, tree, artifacts)
    assert [] == list(tree.iterdir())


@given(st.lists(st.text(min_size=1, max_size=20), unique=True, max_size=8))
def test_distinct_stages_have_distinct_files(names: list[str]) -> None:
    files = [file_name(name) for name in names]
    assert len(names) == len(set(files))
    assert not any("/" in name or "\0" in name or name in {"", ".", ".."} for name in files)
