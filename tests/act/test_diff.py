"""A diff on stdin: read in all of git's spellings, compared with what git itself says where a repository is at hand."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cipredict.act.diff import parse_diff
from cipredict.act.git import changed_paths
from cipredict.errors import ChangeUnknown
from cipredict.records import Change


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=a", "-c", "user.email=a@b.example", "-c", "commit.gpgsign=false")
    done = subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)
    return done.stdout.decode()


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One commit that changes, adds, deletes, renames, empties, and changes only a mode; with names that git quotes."""
    folder = tmp_path_factory.mktemp("repository")
    git(folder, "init", "-q", "-b", "main")
    lines = "".join(f"{n}\n" for n in range(20))
    for name in ("modified.py", "deleted.py", "old name.py", "mode.sh"):
        (folder / name).write_text(name + lines)
    (folder / "binary.dat").write_bytes(b"\0\1")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "before")
    (folder / "modified.py").write_text("-- sql comment\n" + lines + "++ more\n\n\f x\n")
    (folder / "deleted.py").unlink()
    (folder / "old name.py").rename(folder / "new name.py")
    (folder / "mode.sh").chmod(0o755)
    (folder / "binary.dat").write_bytes(b"\0\2")
    (folder / "empty file.py").write_text("")
    (folder / "ümläut\t.py").write_text("-- a/x\n++ b/x\nno newline")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "after")
    return folder


EXPECTED = (
    Change("binary.dat", None, None, "M"),
    Change("deleted.py", 0, 20, "D"),
    Change("empty file.py", 0, 0, "A"),
    Change("mode.sh", 0, 0, "M"),
    Change("modified.py", 5, 1, "M"),
    Change("new name.py", 0, 0, "R", previous_path="old name.py"),
    Change("ümläut\t.py", 3, 0, "A"),
)


def test_what_is_expected_here_is_what_git_itself_says(repository: Path) -> None:
    assert changed_paths("HEAD^", cwd=repository).changes == EXPECTED


@pytest.mark.parametrize(
    "options",
    [
        pytest.param((), id="plain"),
        pytest.param(("--no-prefix",), id="no-prefix"),
        pytest.param(("--src-prefix=i/", "--dst-prefix=w/"), id="mnemonic-prefix"),
        pytest.param(("--binary",), id="binary-patch"),
        pytest.param(("-U0",), id="no-context"),
        pytest.param(("--stat", "--patch"), id="with-stat"),
    ],
)
def test_a_unified_diff_gives_what_git_knows(repository: Path, options: tuple[str, ...]) -> None:
    assert parse_diff(git(repository, "diff", "-M", *options, "HEAD^", "HEAD")) == EXPECTED


@pytest.mark.parametrize(
    "command",
    [pytest.param(("show", "-M", "HEAD"), id="show"), pytest.param(("format-patch", "-1", "--stdout"), id="mail")],
)
def test_the_text_around_a_diff_is_not_taken_for_files(repository: Path, command: tuple[str, ...]) -> None:
    assert parse_diff(git(repository, *command)) == EXPECTED


@pytest.mark.parametrize("options", [(), ("-z",)], ids=["lines", "nul"])
def test_name_status_gives_paths_and_letters(repository: Path, options: tuple[str, ...]) -> None:
    text = git(repository, "diff", "-M", "--name-status", *options, "HEAD^", "HEAD")

    expected = tuple(Change(c.path, status=c.status, previous_path=c.previous_path) for c in EXPECTED)
    assert expected == parse_diff(text)


@pytest.mark.parametrize("options", [(), ("-z",)], ids=["lines", "nul"])
def test_name_only_gives_paths(repository: Path, options: tuple[str, ...]) -> None:
    text = git(repository, "diff", "-M", "--name-only", *options, "HEAD^", "HEAD")

    assert tuple(Change(c.path) for c in EXPECTED) == parse_diff(text)


def test_a_plain_diff_of_other_tools_is_read_without_git_headers() -> None:
    text = (
        "--- a/x.py\t2026-01-01\n+++ b/x.py\t2026-01-02\n@@ -1 +1,2 @@\n-a\n+b\n+c\n"
        "--- /dev/null\n+++ b/new.py\n@@ -0,0 +1 @@\n+x\n"
        "--- a/gone.py\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n"
        "--- plain/y.py\n+++ plain/y.py\n@@ -1 +1 @@\n-a\n+b\n"
    )

    expected = (
        Change("gone.py", 0, 1, "D"),
        Change("new.py", 1, 0, "A"),
        Change("plain/y.py", 1, 1, "M"),
        Change("x.py", 2, 1, "M"),
    )
    assert expected == parse_diff(text)


def test_windows_line_ends_are_not_part_of_a_path() -> None:
    assert parse_diff("M\ta.py\r\nA\tb.py\r\n") == (Change("a.py"), Change("b.py", status="A"))
    assert parse_diff("a.py\r\n\r\nb.py\r\n") == (Change("a.py"), Change("b.py"))


def test_a_merge_names_its_files() -> None:
    text = "diff --cc a b.py\nindex 1,2..3\n--- a/a b.py\n+++ b/a b.py\n@@@ -1,1 -1,1 +1,2 @@@\n++x\n"

    assert parse_diff(text) == (Change("a b.py", None, None, "M"),)


def test_a_hunk_that_lost_lines_does_not_swallow_the_next_file() -> None:
    one = "diff --git a/{0} b/{0}\n--- a/{0}\n+++ b/{0}\n@@ -1,9 +1,9 @@\n-a\n+b\n"

    assert [change.path for change in parse_diff(one.format("x.py") + one.format("y.py"))] == ["x.py", "y.py"]


def test_a_path_named_twice_is_one_change() -> None:
    assert parse_diff("a.py\na.py\n") == (Change("a.py"),)


def test_a_truncated_status_list_keeps_what_is_whole() -> None:
    assert parse_diff("M\0a.py\0R100\0old.py\0") == (Change("a.py"),)


@pytest.mark.parametrize("header", ["rename from x.py\n", "rename x.py\n", "--- /dev/null\n+++ /dev/null\n"])
def test_a_header_without_a_name_is_no_change(header: str) -> None:
    assert parse_diff(f"diff --git a/x b/longer\n{header}") == ()


@pytest.mark.parametrize("text", ["", "\n", " \n\r\n"])
def test_a_blank_diff_is_unknown_because_the_command_before_the_pipe_may_have_failed(text: str) -> None:
    with pytest.raises(ChangeUnknown, match="diff-empty"):
        parse_diff(text)


@given(st.text().filter(lambda text: text.strip() != ""))
@example("diff --git x")
@example('--- "\n+++ "\n')
@example('"\\400"')
def test_any_text_gives_an_answer(text: str) -> None:
    parse_diff(text)


@given(st.lists(st.from_regex(r"[a-z_]{1,8}(/[a-z_. ]{0,6}[a-z])?\.py", fullmatch=True), min_size=1, unique=True))
def test_every_plain_path_of_a_name_only_list_is_found(paths: list[str]) -> None:
    assert sorted(paths) == [change.path for change in parse_diff("\n".join(paths))]
