"""Globs for changed paths and for cases. `fnmatch` lets `*` cross folders, and `glob.translate` needs Python 3.13.

======== ==========================================================================
``*``    any part of one folder or file name
``?``    one character of it
``[ab]`` one of these characters, ``[!ab]`` any other; ranges as in ``[a-z]``
``**/``  any number of folders, none included
``/**``  everything below, as does a pattern that ends with ``/``
======== ==========================================================================

A pattern matches whole paths from the repository's root: `*.md` is not `docs/a.md`, which `**/*.md` is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache

from cipredict.ids import case_file

_TOKEN = re.compile(r"\*\*/|\*\*|\*|\?|\[!?\]?[^\]/]*\]|.", re.DOTALL)
_MEMBER = re.compile(r"(.)-(.)|(.)", re.DOTALL)
_NEVER = re.compile(r"(?!)")


def matches(path: str, pattern: str) -> bool:
    """Tell whether a whole path matches a glob; upper and lower case differ.

    >>> matches("a/b/conftest.py", "**/conftest.py"), matches("docs/x/y.md", "docs/**"), matches("a/b.md", "*.md")
    (True, True, False)
    """
    return path_matcher((pattern,))(path)


def path_matcher(patterns: Sequence[str]) -> Callable[[str], bool]:
    """Give a test for paths that match one of the globs: one regular expression for all of them."""
    fullmatch = _any_of(tuple(patterns)).fullmatch
    return lambda path: fullmatch(path) is not None


def case_matcher(patterns: Sequence[str]) -> Callable[[str], bool]:
    """Give a test for case ids that one of the patterns names.

    A pattern without `::` is a glob for the case's file. In one with `::` the part behind it is the case's own name,
    where only `*` and `?` are special, since brackets hold parameters; it also names what lies below it, the cases of
    a class and the parameters of a function.

    >>> names = case_matcher(["tests/test_a.py::TestA", "**/smoke/*"])
    >>> names("tests/test_a.py::TestA::test_b[1]"), names("x/smoke/test_c.py::test_d"), names("tests/test_a.py::test_b")
    (True, True, False)
    """
    of_files = _any_of(tuple(pattern for pattern in patterns if "::" not in pattern)).fullmatch
    of_cases = _any_of_cases(tuple(pattern for pattern in patterns if "::" in pattern)).fullmatch
    return lambda case_id: (of_files(case_file(case_id)) or of_cases(case_id)) is not None


@lru_cache(maxsize=64)
def _any_of(patterns: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(map(_translate, patterns)), re.DOTALL) if patterns else _NEVER


@lru_cache(maxsize=64)
def _any_of_cases(patterns: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(map(_translate_case, patterns)), re.DOTALL) if patterns else _NEVER


def _translate(pattern: str) -> str:
    whole = pattern + "**" if pattern.endswith("/") else pattern
    pieces, at_name_start = [], True
    for token in _TOKEN.findall(whole):
        pieces.append(_translate_token(token, at_name_start=at_name_start))
        at_name_start = token.endswith("/")
    return "".join(pieces)


def _translate_token(token: str, *, at_name_start: bool) -> str:
    if token == "**/":  # noqa: S105  # a piece of a glob
        return "(?:[^/]+/)*" if at_name_start else "[^/]*/"
    if token == "**":  # noqa: S105  # as above
        return ".+" if at_name_start else "[^/]*"
    if token == "*":  # noqa: S105  # as above
        return "[^/]*"
    if token == "?":  # noqa: S105  # as above
        return "[^/]"
    if len(token) > 2:
        return _translate_set(token[1:-1])
    return re.escape(token)


def _translate_set(members: str) -> str:
    negated = members.startswith("!")
    spelled = "".join(_translate_member(*found) for found in _MEMBER.findall(members[negated:]))
    if not spelled:  # only ranges that run backwards
        return "[^/]" if negated else "(?!)"
    return f"(?!/)[{'^' if negated else ''}{spelled}]"


def _translate_member(first: str, last: str, one: str) -> str:
    if one:
        return re.escape(one)
    return f"{re.escape(first)}-{re.escape(last)}" if first <= last else ""


def _translate_case(pattern: str) -> str:
    file, _, name = pattern.partition("::")
    own = "".join({"*": ".*", "?": "."}.get(character, re.escape(character)) for character in name)
    return f"{_translate(file)}::{own}(?:(?:::|\\[).*)?"
