"""Edits change what they name and not a byte besides."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cipredict.dockerfile.edits import Edit, apply_edits, block_span, move_before, unified_diff
from cipredict.dockerfile.parser import parse_dockerfile

TEXT = (
    "# syntax=docker/dockerfile:1\n# about the base\nFROM a\n\n"
    "# one\n# more\nRUN one \\\n  # inside\n  x\nRUN two\n\nRUN three"
)


def test_comments_right_above_an_instruction_belong_to_it() -> None:
    dockerfile = parse_dockerfile(TEXT)

    start, end = block_span(dockerfile, 1)
    assert TEXT[start:end] == "# one\n# more\nRUN one \\\n  # inside\n  x\n"


def test_directives_are_no_comments_of_the_first_instruction() -> None:
    dockerfile = parse_dockerfile(TEXT)

    start, end = block_span(dockerfile, 0)
    assert TEXT[start:end] == "# about the base\nFROM a\n"


def test_a_moved_last_line_gets_the_end_it_lacked() -> None:
    moved = move_before(parse_dockerfile(TEXT), 3, 2)

    assert moved.endswith("  x\nRUN three\nRUN two\n\n")


def test_an_instruction_moves_to_the_end_with_its_comments() -> None:
    moved = move_before(parse_dockerfile("FROM a\n# c\nRUN x\nRUN y"), 1, 3)

    assert moved == "FROM a\nRUN y\n# c\nRUN x\n"


def test_line_ends_of_windows_stay() -> None:
    text = "FROM a\r\nRUN x\r\nRUN y\r\n"

    assert move_before(parse_dockerfile(text), 2, 1) == "FROM a\r\nRUN y\r\nRUN x\r\n"


def test_edits_that_overlap_are_a_bug() -> None:
    with pytest.raises(ValueError, match="overlap"):
        apply_edits("abc", [Edit(0, 2, ""), Edit(1, 3, "")])


@given(st.permutations(range(1, 5)), st.integers(1, 4))
def test_moving_keeps_every_line(order: list[int], target: int) -> None:
    text = "FROM a\n" + "".join(f"# {number}\nRUN {number}\n" for number in order)
    dockerfile = parse_dockerfile(text)

    assert sorted(move_before(dockerfile, 4, target).splitlines()) == sorted(text.splitlines())


@pytest.mark.parametrize("after", ["FROM a\nRUN y\n", "FROM a\nRUN x", "FROM b\x0c\nRUN x\n", "FROM a\r\nRUN x\n"])
def test_patches_are_applied_by_git(after: str, tmp_path: Path) -> None:
    path = tmp_path / "Dockerfile"
    path.write_bytes(b"FROM a\nRUN x\n")
    patch = unified_diff("FROM a\nRUN x\n", after, path="Dockerfile")

    subprocess.run(["git", "apply", "-"], cwd=tmp_path, input=patch.encode(), check=True)

    assert path.read_bytes() == after.encode()
