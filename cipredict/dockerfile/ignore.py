"""`.dockerignore` as moby's matcher reads it: the last pattern that matches a path or one of its folders decides."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class IgnoreFile:
    """The patterns of an ignore file, in their order; an exception begins with `!`."""

    patterns: tuple[str, ...] = ()

    def excludes(self, path: str) -> bool:
        r"""Tell whether a file of the context, relative and with slashes, is kept from the builder.

        >>> rules = parse_ignore("docs\n!docs/keep.md\n**/*.log")
        >>> [rules.excludes(path) for path in ("docs/a.md", "docs/keep.md", "a/b.log", "a.py")]
        [True, False, True, False]
        """
        is_excluded = False
        for pattern in self.patterns:
            is_exception = pattern.startswith("!")
            if is_exception == is_excluded and _matches(pattern.removeprefix("!"), path):
                is_excluded = not is_exception
        return is_excluded

    def adding(self, patterns: Iterable[str]) -> IgnoreFile:
        """Give these rules with more of them at the end."""
        return IgnoreFile((*self.patterns, *(cleaned for one in patterns if (cleaned := _clean(one)))))


def parse_ignore(text: str) -> IgnoreFile:
    """Read the lines of an ignore file; comments and empty lines are no patterns."""
    lines = (line.strip() for line in text.removeprefix("\ufeff").splitlines())
    return IgnoreFile(tuple(pattern for line in lines if (pattern := _clean(line))))


def _clean(line: str) -> str:
    if not line or line.startswith("#"):
        return ""
    mark = "!" if line.startswith("!") else ""
    body = line.removeprefix("!").strip()
    if not body:
        return ""
    cleaned = posixpath.normpath(body).lstrip("/")
    return mark + cleaned if cleaned not in {"", "."} else ""


def _matches(pattern: str, path: str) -> bool:
    match = glob_pattern(pattern).fullmatch
    if match(path):
        return True
    at = path.find("/")
    while at >= 0:
        if match(path[:at]):
            return True
        at = path.find("/", at + 1)
    return False


@lru_cache(maxsize=4096)
def glob_pattern(pattern: str) -> re.Pattern[str]:
    """Compile a glob of moby's: `**` crosses folders, brackets are those of a regular expression."""
    pieces: list[str] = []
    at = 0
    while at < len(pattern):
        piece, at = _translate(pattern, at)
        pieces.append(piece)
    try:
        return re.compile("".join(pieces), re.DOTALL)
    except re.error:  # a bracket without its other half: nothing matches, as in moby
        return re.compile(r"(?!)")


def _translate(pattern: str, at: int) -> tuple[str, int]:
    character = pattern[at]
    if pattern.startswith("**", at):
        after = at + 2 + pattern.startswith("/", at + 2)
        return (".*", after) if after >= len(pattern) else ("(?:.*/)?", after)
    if character == "*":
        return "[^/]*", at + 1
    if character == "?":
        return "[^/]", at + 1
    if character == "\\" and at + 1 < len(pattern):
        return re.escape(pattern[at + 1]), at + 2
    return character if character in "[]-^" else re.escape(character), at + 1
