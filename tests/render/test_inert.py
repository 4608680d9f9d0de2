"""Text from outside: one visible line, no command, no escape."""

from __future__ import annotations

import doctest
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from cipredict.render import inert
from cipredict.render.inert import annotation, no_command, one_line


def test_examples_in_docstrings_hold() -> None:
    assert doctest.testmod(inert).failed == 0


@given(st.text(), st.integers(min_value=2, max_value=50))
def test_a_line_is_short_visible_and_the_same_when_cleaned_again(text: str, longest: int) -> None:
    line = one_line(text, longest=longest)
    assert len(line) <= longest
    assert not any(unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for char in line)
    assert line == one_line(line, longest=longest)


@given(st.text(alphabet="#[]v so:a"))
def test_no_runner_finds_a_command(text: str) -> None:
    assert not no_command(one_line(text)).lstrip().startswith("::")
    assert "##[" not in one_line(text)
    assert "##v" not in one_line(text)


@given(st.text(), st.text())
def test_an_annotation_is_one_command_whose_values_end_where_they_should(message: str, title: str) -> None:
    line = annotation("error", message, title=title)
    head, _, told = line.removeprefix("::").partition("::")
    assert "\n" not in line
    assert head.startswith("error")
    assert head.count(",") == 0
    assert told.replace("%25", "%") == one_line(message, longest=2000)
