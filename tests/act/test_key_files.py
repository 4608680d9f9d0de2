"""Key files of a working tree get the ids that git gives, and whatever cannot be read is one line."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from cipredict.act.git_objects import GitObjects, TreeDigests, mainline, parse_tree
from cipredict.act.key_files import GONE, key_files_at, read_key_files
from cipredict.errors import ChangeUnknown

_IDENTITY = ("-c", "user.name=a", "-c", "user.email=a@b.example", "-c", "protocol.file.allow=always")


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *_IDENTITY, *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def write(folder: Path, **files: str) -> None:
    for name, content in files.items():
        path = folder / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")


def commit(folder: Path, **files: str) -> str:
    write(folder, **files)
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "--allow-empty", "-m", "x")
    return git(folder, "rev-parse", "HEAD")


def is_lock(path: str) -> bool:
    return path.endswith(".lock")


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    folder = tmp_path / "checkout"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    return folder


def test_a_clean_file_has_the_id_of_the_index(checkout: Path) -> None:
    commit(checkout, uv_lock="a", web__x_lock="b", README_md="c")

    found = read_key_files(checkout, is_lock)

    assert {
        "uv.lock": git(checkout, "rev-parse", "HEAD:uv.lock"),
        "web/x.lock": git(checkout, "rev-parse", "HEAD:web/x.lock"),
    } == found.ids
    assert found.has_git
    assert found.is_whole


def test_tracked_changed_and_new_files_of_one_content_have_one_id(checkout: Path) -> None:
    commit(checkout, a_lock="same", b_lock="other")
    write(checkout, b_lock="same", c_lock="same")

    assert 1 == len(set(read_key_files(checkout, is_lock).ids.values()))
    assert 3 == len(read_key_files(checkout, is_lock).ids)


def test_a_folder_without_git_gives_the_same_ids(checkout: Path, tmp_path: Path) -> None:
    commit(checkout, uv_lock="a", web__x_lock="b")
    plain = tmp_path / "plain"
    write(plain, uv_lock="a", web__x_lock="b")

    found = read_key_files(plain, is_lock)

    assert read_key_files(checkout, is_lock).ids == found.ids
    assert not found.has_git


def test_ignored_files_count_only_where_their_path_is_spelled_out(checkout: Path) -> None:
    commit(checkout, _gitignore="gen.lock\n", uv_lock="a")
    write(checkout, gen_lock="b")

    assert ["uv.lock"] == list(read_key_files(checkout, is_lock, patterns=["**/*.lock"]).ids)
    assert ["gen.lock", "uv.lock"] == list(read_key_files(checkout, is_lock, patterns=["gen.lock"]).ids)


def test_a_deleted_file_is_no_key_file(checkout: Path) -> None:
    commit(checkout, a_lock="a", b_lock="b")
    (checkout / "a.lock").unlink()

    assert ["b.lock"] == list(read_key_files(checkout, is_lock).ids)


def test_a_link_is_followed_to_its_file(checkout: Path) -> None:
    write(checkout, real_txt="content")
    (checkout / "link.lock").symlink_to("real.txt")
    commit(checkout, b_lock="content")

    ids = read_key_files(checkout, is_lock).ids

    assert ids["link.lock"] == ids["b.lock"]


@pytest.mark.parametrize(
    ("target", "why"),
    [pytest.param("loop.lock", "a loop of links", id="loop"), pytest.param("nowhere", "vanished", id="dangling")],
)
def test_a_link_that_leads_nowhere_is_one_line(checkout: Path, target: str, why: str) -> None:
    (checkout / "loop.lock").symlink_to(target)
    commit(checkout, b_lock="b")

    found = read_key_files(checkout, is_lock)

    assert GONE == found.ids["loop.lock"]
    assert not found.is_whole
    [line] = found.complaints
    assert "loop.lock" in line
    assert why in line


def test_a_file_that_vanishes_while_it_is_hashed_is_one_line(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commit(checkout, a_lock="a")
    write(checkout, a_lock="changed")

    def vanishing(path: Path) -> bool:
        path.unlink()
        return True

    monkeypatch.setattr(os.path, "lexists", vanishing)

    found = read_key_files(checkout, is_lock)

    assert {"a.lock": GONE} == found.ids
    assert "vanished" in found.complaints[0]


def test_a_file_that_grows_while_it_is_hashed_is_one_line(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(checkout, a_lock="content")
    real = os.fstat

    def smaller(number: int) -> os.stat_result:
        facts = list(real(number))
        facts[6] = 1
        return os.stat_result(facts)

    monkeypatch.setattr(os, "fstat", smaller)

    assert "changed while it was read" in read_key_files(checkout, is_lock).complaints[0]


def test_a_submodule_counts_by_its_commit_and_is_said(checkout: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "-q")
    sha = commit(other, uv_lock="x")
    git(checkout, "submodule", "--quiet", "add", str(other), "vendored")
    commit(checkout, uv_lock="a")

    found = read_key_files(checkout, is_lock, patterns=["**/uv.lock"])

    assert sha == found.ids["vendored"]
    assert ["vendored is a submodule: its commit is in the key instead of its files."] == list(found.complaints)


def test_the_files_of_a_commit_have_the_ids_of_the_working_tree(checkout: Path) -> None:
    sha = commit(checkout, uv_lock="a", web__x_lock="b")
    commit(checkout, uv_lock="c")

    assert {"uv.lock", "web/x.lock"} == set(key_files_at(checkout, sha, is_lock))
    assert read_key_files(checkout, is_lock).ids == key_files_at(checkout, "HEAD", is_lock)


def test_an_unknown_commit_is_not_known(checkout: Path) -> None:
    commit(checkout, uv_lock="a")

    with pytest.raises(ChangeUnknown):
        key_files_at(checkout, "nowhere", is_lock)


def test_digests_change_exactly_when_a_role_s_files_do(checkout: Path) -> None:
    commit(checkout, uv_lock="a", src__a_py="1")
    commit(checkout, src__a_py="2")
    commit(checkout, uv_lock="b")
    commit(checkout, docs__a_md="x")
    past = mainline(checkout, commits=10)
    with GitObjects(checkout) as objects:
        digests = TreeDigests(
            objects, {"lock": is_lock, "all": lambda _: True, "none": lambda _: False}, frozenset({"lock"})
        )
        found = [digests.read(commit.tree) for commit in past]

    locks = [roles["lock"].digest for roles in found]
    assert [True, False, True] == [locks[at] == locks[at + 1] for at in range(3)]
    assert 4 == len({roles["all"].digest for roles in found})
    assert {""} == {roles["none"].digest for roles in found}
    assert (("uv.lock", git(checkout, "rev-parse", "HEAD:uv.lock")),) == found[-1]["lock"].blobs


def test_the_same_files_elsewhere_are_other_files(checkout: Path) -> None:
    commit(checkout, a__x_lock="1")
    git(checkout, "mv", "a", "b")
    commit(checkout)
    past = mainline(checkout, commits=10)
    with GitObjects(checkout) as objects:
        digests = TreeDigests(objects, {"lock": is_lock})

        assert 2 == len({digests.read(commit.tree)["lock"].digest for commit in past})


def test_the_mainline_follows_first_parents_oldest_first(checkout: Path) -> None:
    first = commit(checkout, a_lock="1")
    git(checkout, "checkout", "-q", "-b", "side")
    commit(checkout, b_lock="1")
    git(checkout, "checkout", "-q", "main")
    second = commit(checkout, c_lock="1")
    git(checkout, "merge", "-q", "--no-ff", "-m", "m", "side")

    past = mainline(checkout, commits=10)

    assert [first, second] == [commit.sha for commit in past[:2]]
    assert [0, 1, 2] == [commit.parents for commit in past]
    assert 1 == len(mainline(checkout, commits=1))


def test_submodules_are_met_and_not_entered(checkout: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "-q")
    commit(other, uv_lock="x")
    git(checkout, "submodule", "--quiet", "add", str(other), "vendored")
    commit(checkout, uv_lock="a")
    [last] = mainline(checkout, commits=1)
    with GitObjects(checkout) as objects:
        digests = TreeDigests(objects, {"lock": is_lock}, frozenset({"lock"}))

        assert ["uv.lock"] == [path for path, _ in digests.read(last.tree)["lock"].blobs]
        assert {"vendored"} == digests.submodules


def test_an_object_that_the_clone_does_not_hold_is_one_line(checkout: Path) -> None:
    commit(checkout, a_lock="1")
    with GitObjects(checkout) as objects, pytest.raises(ChangeUnknown, match="does not hold") as caught:
        objects.read("0" * 40)

    assert "git-object-missing" == caught.value.slug


def test_an_object_door_that_was_not_opened_says_so(checkout: Path) -> None:
    with pytest.raises(ChangeUnknown):
        GitObjects(checkout).read("HEAD")


def test_a_repository_without_commits_has_no_mainline(checkout: Path) -> None:
    with pytest.raises(ChangeUnknown):
        mainline(checkout, commits=1)


def test_trees_of_both_object_formats_are_read() -> None:
    entry = b"100644 a b\0" + b"\x01" * 20 + b"40000 c\0" + b"\x02" * 20

    assert [("100644", "a b", "01" * 20), ("40000", "c", "02" * 20)] == list(parse_tree(entry, oid_bytes=20))
    assert [("100644", "x", "03" * 32)] == list(parse_tree(b"100644 x\0" + b"\x03" * 32, oid_bytes=32))
