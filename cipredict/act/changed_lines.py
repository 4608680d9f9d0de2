"""Which lines a change added, from a unified diff: what coverage of the change is measured on."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping

from cipredict.act.diff import unquote
from cipredict.errors import ChangeUnknown

_HUNK = re.compile(r"@@ -\d+(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")


def parse_changed_lines(text: str) -> Mapping[str, frozenset[int]]:
    r"""Give the numbers of added lines by path; a file that only lost lines has none.

    Raises
    ------
    ChangeUnknown
        The text is no unified diff with hunks, so that no line is known. An empty diff means that nothing changed.

    >>> dict(parse_changed_lines("--- a/x.py\n+++ b/x.py\n@@ -1 +1,2 @@\n-a\n+b\n+c\n"))
    {'x.py': frozenset({1, 2})}
    """
    added: defaultdict[str, set[int]] = defaultdict(set)
    path, number, old, new = "", 0, 0, 0
    for line in text.split("\n"):
        mark = line[:1]
        if old > 0 or new > 0:  # a hunk's own counts say where it ends: its content may look like a header
            if mark == "+":
                added[path].add(number)
            number += mark not in ("-", "\\")
            old -= mark not in ("+", "\\")
            new -= mark not in ("-", "\\")
        elif line.startswith("+++ "):
            path = _path(line)
        elif hunk := _HUNK.match(line):
            old, number, new = int(hunk[1] or 1), int(hunk[2]), int(hunk[3] or 1)
    if text.strip() and "@@" not in text and "diff --git" not in text:
        message = "The diff names no lines."
        raise ChangeUnknown(message, slug="diff-lines", hint="Give a unified diff, such as git diff base...head.")
    return {name: frozenset(lines) for name, lines in added.items() if name}


def _path(line: str) -> str:
    """Give the path of a `+++` line, empty for a file that is gone."""
    name = unquote(line[4:].partition("\t")[0].strip())
    return "" if name == "/dev/null" else name.removeprefix("b/")
