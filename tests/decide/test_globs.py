"""Globs for paths and cases."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cipredict.decide.globs import case_matcher, matches, path_matcher
from cipredict.settings import IGNORED_GLOBS, RUN_ALL_GLOBS


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        pytest.param("*.md", "README.md", True, id="star in the root"),
        pytest.param("*.md", "docs/a.md", False, id="a star stays in its folder"),
        pytest.param("**/*.md", "README.md", True, id="any folder may be none"),
        pytest.param("**/*.md", "a/b/c.md", True, id="any folder may be many"),
        pytest.param("**/*.md", "a/b/c.mdx", False, id="the whole path matches"),
        pytest.param("docs/**", "docs/a/b.txt", True, id="everything below"),
        pytest.param("docs/**", "docs", False, id="below is not itself"),
        pytest.param("docs/**", "mydocs/a", False, id="from the root"),
        pytest.param("docs/", "docs/a/b", True, id="a trailing slash is everything below"),
        pytest.param("a/**/b", "a/b", True, id="no folder between"),
        pytest.param("a/**/b", "a/x/y/b", True, id="folders between"),
        pytest.param("a/**/b", "a/xb", False, id="folders end with a slash"),
        pytest.param("**", "a/b", True, id="everything"),
        pytest.param("a**b", "a/b", False, id="two stars in a name are one"),
        pytest.param("a**/b", "ax/b", True, id="two stars at the end of a name are one"),
        pytest.param("a**/b", "ax/y/b", False, id="and span no folder"),
        pytest.param("?.c", "x.c", True, id="one character"),
        pytest.param("a?b", "a/b", False, id="a question mark is no slash"),
        pytest.param("*.[ch]", "x.h", True, id="a set"),
        pytest.param("*.[!ch]", "x.h", False, id="a negated set"),
        pytest.param("[a-c]1", "b1", True, id="a range"),
        pytest.param("[b-a]", "a", False, id="a range that runs backwards is empty"),
        pytest.param("[!b-a]", "a", True, id="and its opposite is anything"),
        pytest.param("[a-]", "-", True, id="a hyphen at the end is itself"),
        pytest.param("[!a]b", "/b", False, id="a negated set is no slash"),
        pytest.param("[]]x", "]x", True, id="a bracket in a set"),
        pytest.param("[^a]", "^", True, id="a caret is itself"),
        pytest.param("a[b", "a[b", True, id="an open bracket is itself"),
        pytest.param("a.c", "abc", False, id="a dot is itself"),
        pytest.param("setup.py", "SETUP.PY", False, id="case differs"),
        pytest.param("größe/*", "größe/ä", True, id="any script"),
    ],
)
def test_a_glob_matches_whole_paths(pattern: str, path: str, *, expected: bool) -> None:
    assert expected == matches(path, pattern)


NAMES = st.text(st.sampled_from("ab.[]{}^$+(|\\!-~&"), min_size=1, max_size=5)


@given(parts=st.lists(NAMES, min_size=1, max_size=4))
def test_a_path_matches_the_globs_that_surely_hold_it(parts: list[str]) -> None:
    path = "/".join(parts)
    deep = "/".join(["**", parts[-1]]) if "[" not in parts[-1] else "**"
    assert path_matcher([deep])(path)
    assert matches(path, "/".join("*" for _ in parts))
    assert not matches(path, "/".join("*" for _ in [*parts, ""]))


@given(
    pattern=st.text(st.sampled_from("ab*?[]!-/.\\^"), max_size=10), path=st.text(st.sampled_from("ab/.[]"), max_size=8)
)
def test_any_text_is_a_glob(pattern: str, path: str) -> None:
    assert matches(path, pattern) in {True, False}


@pytest.mark.parametrize(
    "path", ["pyproject.toml", "a/conftest.py", "uv.lock", "web/yarn.lock", ".github/workflows/ci.yml"]
)
def test_the_default_settings_know_what_moves_everything(path: str) -> None:
    assert path_matcher(RUN_ALL_GLOBS)(path)
    assert not path_matcher(IGNORED_GLOBS)(path)


@pytest.mark.parametrize("path", ["README.md", "docs/conf.py", "a/b/c.rst", "CHANGELOG", "CHANGELOG.txt"])
def test_the_default_settings_know_what_moves_nothing(path: str) -> None:
    assert path_matcher(IGNORED_GLOBS)(path)
    assert not path_matcher(RUN_ALL_GLOBS)(path)


CASE = "tests/web/test_home.py::TestHome::test_title[a/b-[x]]"


@pytest.mark.parametrize(
    "pattern",
    [
        pytest.param(CASE, id="the id itself, brackets and all"),
        pytest.param("tests/web/test_home.py", id="its file"),
        pytest.param("tests/web/*", id="its folder"),
        pytest.param("tests/", id="a folder above"),
        pytest.param("tests/web/test_home.py::TestHome", id="its class"),
        pytest.param("tests/web/test_home.py::TestHome::test_title", id="its function"),
        pytest.param("**/test_home.py::*title*", id="part of its name"),
        pytest.param("**::*[x]*", id="part of its parameters"),
    ],
)
def test_a_case_is_named_by(pattern: str) -> None:
    assert case_matcher([pattern])(CASE)
    assert case_matcher(["other.py", pattern, "other.py::x"])(CASE)


@pytest.mark.parametrize(
    "pattern",
    [
        pytest.param("tests", id="a folder without its slash"),
        pytest.param("*title*", id="a glob without :: is for files"),
        pytest.param("tests/web/test_home.py::TestHo", id="half a class"),
        pytest.param("tests/web/test_home.py::TestHome::test_titl", id="half a function"),
    ],
)
def test_a_case_is_not_named_by(pattern: str) -> None:
    assert not case_matcher([pattern])(CASE)


def test_no_pattern_names_nobody() -> None:
    assert not case_matcher([])(CASE)
    assert not path_matcher([])(str(PurePosixPath("a")))
