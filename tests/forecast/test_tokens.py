"""Words and stems of paths and ids."""

from __future__ import annotations

import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cipredict.forecast import tokens
from cipredict.forecast.tokens import case_words, folders, is_test_path, stem, words


def test_the_examples_in_the_docstrings_hold() -> None:
    assert (doctest.testmod(tokens).failed, doctest.testmod(tokens).attempted > 0) == (0, True)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        pytest.param("pkg/httpClient.py", ("pkg", "http", "client"), id="camel case"),
        pytest.param("src/lib/main.py", (), id="only words that every path has"),
        pytest.param("a/b_c.go", ("go",), id="single letters say nothing"),
        pytest.param("docs/Größe.md", ("docs", "gr", "md"), id="other scripts separate"),
    ],
)
def test_words_are_lower_case_and_telling(path: str, expected: tuple[str, ...]) -> None:
    assert expected == words(path)


@given(st.text(max_size=40))
def test_words_are_never_noise_nor_empty(text: str) -> None:
    assert all(len(word) > 1 and word == word.lower() for word in words(text))
    assert words(text) == words(" ".join(words(text)))


def test_case_words_leave_parameters_out() -> None:
    assert case_words("tests/test_parse.py::TestParseSelect::test_where[x-y]") == ("parse", "parse", "select", "where")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("tests/test_lexer.py", "lexer"),
        ("pkg/lexer.py", "lexer"),
        ("src/LexerTest.java", "lexer"),
        ("web/lexer.spec.ts", "lexer"),
        ("cmd/lexer_test.go", "lexer"),
        ("tests/conftest.py", "conftest"),
    ],
)
def test_a_source_and_its_test_share_a_stem(path: str, expected: str) -> None:
    assert expected == stem(path)


def test_folders_are_those_that_say_something() -> None:
    assert frozenset({"engine", "filters"}) == folders("src/engine/Filters/tests/test_a.py")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("tests/helpers.py", True),
        ("pkg/test_a.py", True),
        ("pkg/a_test.go", True),
        ("web/a.spec.ts", True),
        ("web/__tests__/a.js", True),
        ("pkg/contest.py", False),
        ("pkg/latest.py", False),
        ("pkg/testing.py", False),
    ],
)
def test_test_paths_are_told_from_sources(path: str, *, expected: bool) -> None:
    assert expected == is_test_path(path)


@pytest.mark.parametrize("path", ["src/FooTest.java", "src/FooTests.cs", "src/FooSpec.scala"])
def test_a_camel_case_test_file_is_part_of_the_suite(path: str) -> None:
    assert is_test_path(path)
