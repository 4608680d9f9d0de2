"""Added lines of a diff: as git itself counts them, and never fooled by what a line says."""

from __future__ import annotations

import difflib
import doctest
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cipredict.act import changed_lines
from cipredict.act.changed_lines import parse_changed_lines
from cipredict.act.git import changed_text, describe_head
from cipredict.errors import ChangeUnknown


def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=a", "-c", "user.email=a@b.example", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


def test_examples_in_docstrings_hold() -> None:
    assert doctest.testmod(changed_lines).failed == 0


def test_git_is_asked_and_understood(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "-b", "main")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "größe.py").write_text("a\nb\nc\n")
    (tmp_path / "gone.py").write_text("x\n")
    (tmp_path / "shrunk.py").write_text("x\ny\n")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "one")
    git(tmp_path, "switch", "-qc", "feature")
    (tmp_path / "sub" / "größe.py").write_text("+++ b/fake.py\nb\n@@ -1 +1 @@\nc\n-- x\n\x0c\n")
    (tmp_path / "shrunk.py").write_text("x\n")
    (tmp_path / "gone.py").unlink()
    (tmp_path / "new.py").write_text("1\n2")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "two")

    lines = parse_changed_lines(changed_text("main", cwd=tmp_path))
    assert {"sub/größe.py": frozenset({1, 3, 5, 6}), "new.py": frozenset({1, 2})} == lines
    assert {"größe.py"} == parse_changed_lines(changed_text("main", cwd=tmp_path / "sub")).keys()
    assert ("feature", "a@b.example") == (describe_head(cwd=tmp_path).branch, describe_head(cwd=tmp_path).author)


def test_context_and_missing_final_newlines_count_as_they_should() -> None:
    text = "--- a/x.py\n+++ b/x.py\n@@ -1,3 +1,4 @@\n a\n-b\n\\ No newline at end of file\n+B\n+c\n d\n"
    assert {"x.py": frozenset({2, 3})} == parse_changed_lines(text)


def test_no_diff_is_no_change_and_a_list_of_names_is_no_diff() -> None:
    assert {} == parse_changed_lines("")
    assert {} == parse_changed_lines("diff --git a/x b/x\nold mode 100644\nnew mode 100755\n")
    with pytest.raises(ChangeUnknown, match="names no lines"):
        parse_changed_lines("M\tsrc/a.py\n")


_LINES = st.lists(st.sampled_from(["a", "b", "+++ b/z", "@@ -1 +1 @@", "--- a/z", ""]), max_size=8)


@settings(deadline=None, max_examples=50)
@given(before=_LINES, after=_LINES)
def test_added_lines_turn_the_old_file_into_the_new_one(before: list[str], after: list[str]) -> None:
    diff = "\n".join(difflib.unified_diff(before, after, "a/x.py", "b/x.py", lineterm="", n=1))
    added = parse_changed_lines(diff).get("x.py", frozenset())
    kept = [line for number, line in enumerate(after, start=1) if number not in added]
    rest = iter(before)
    assert all(line in rest for line in kept)  # what was not added was there before, in this order
