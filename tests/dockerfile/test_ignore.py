"""`.dockerignore` as moby's own test table has it, and what goes beyond."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cipredict.dockerfile.ignore import IgnoreFile, parse_ignore


@pytest.mark.parametrize(
    ("pattern", "path", "is_excluded"),
    [
        ("**", "file", True),
        ("**/", "dir/file", True),
        ("dir/**", "dir/file", True),
        ("dir/**", "dir", False),
        ("**/dir", "a/b/dir/file", True),
        ("**/file", "a/file", True),
        ("**/**/*.txt", "a/b/c.txt", True),
        ("a**b", "axb", False),
        ("a**b", "ax/b", True),
        ("a[b-d]e", "ace", True),
        ("a[b-d]e", "aae", False),
        ("a[^b-d]e", "aze", True),
        ("*.md", "README.md", True),
        ("*.md", "docs/README.md", False),
        ("/docs", "docs/x", True),
        ("./docs/", "docs/x", True),
        ("docs", "docs2/x", False),
        ("*/temp*", "a/temporary.txt", True),
        ("temp?", "tempa", True),
        ("temp?", "temp/x", False),
        (".git", ".git/HEAD", True),
        ("a\\*b", "a*b", True),
        ("a\\*b", "axb", False),
        ("[", "[", False),
        ("a.c", "abc", False),
        ("a$c", "a$c", True),
        ("a+b", "aab", False),
    ],
)
def test_patterns(pattern: str, path: str, is_excluded: bool) -> None:  # noqa: FBT001  # a column of the table
    assert parse_ignore(pattern).excludes(path) is is_excluded


def test_the_last_pattern_that_matches_decides() -> None:
    rules = parse_ignore("# comment\n\ndocs\n!docs/README.md\ndocs/README.md\n!docs/keep/**\n")

    assert [rules.excludes(path) for path in ("docs/a", "docs/README.md", "docs/keep/x")] == [True, True, False]


def test_an_exception_below_an_excluded_folder_comes_back() -> None:
    assert not parse_ignore("*\n!src\n").excludes("src/deep/a.py")


@given(st.lists(st.sampled_from(["*", "a", "a/*", "**/b", "a/b"]), max_size=4), st.sampled_from(["a", "a/b", "c/b"]))
def test_adding_a_pattern_never_brings_a_file_back(patterns: list[str], path: str) -> None:
    rules = IgnoreFile(tuple(patterns))

    assert rules.adding(["x", "a"]).excludes(path) >= rules.excludes(path)
