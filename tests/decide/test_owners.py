"""CODEOWNERS: the last line that matches owns the case."""

from __future__ import annotations

import pytest

from cipredict.decide.owners import owner_finder

CODEOWNERS = """
# everything
*               @all
tests/          @qa           # a folder, anywhere
/tests/net/     @net @infra
test_slow.py    @perf
[Section][2] @ignored
tests/free/*
"""


@pytest.mark.parametrize(
    ("case_id", "owner"),
    [
        ("a.py::test_a", "@all"),
        ("tests/test_a.py::test_a", "@qa"),
        ("sub/tests/test_a.py::test_a", "@qa"),
        ("tests/net/deep/test_a.py::test_a", "@net @infra"),
        ("sub/tests/net/test_a.py::test_a", "@qa"),
        ("tests/net/test_slow.py::test_a[x]", "@perf"),
        ("tests/free/test_a.py::test_a", ""),
        ("tests/free/deep/test_a.py::test_a", "@qa"),
    ],
)
def test_the_last_line_that_matches_wins(case_id: str, owner: str) -> None:
    assert owner == owner_finder(CODEOWNERS)(case_id)


def test_without_a_file_nobody_owns_anything() -> None:
    assert owner_finder("")("a.py::test_a") == ""
