"""Text from outside made harmless: names of gates, files and rules may hold anything that somebody could commit.

A line that begins with `::`, or holds `##[`, is a command to GitHub's runner wherever it is printed (`##vso[` to
Azure's, escape sequences to a terminal and to GitLab's log); direction marks make text read as what it is not.
"""

from __future__ import annotations

import re
import unicodedata

_COMMAND = re.compile(r"##(?=[\[\w])")
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
LONGEST = 300


def one_line(text: str, *, longest: int = LONGEST) -> str:
    r"""Give one line of visible characters, cut where it is longer than `longest`.

    >>> one_line("a\n::error::b\x1b[31m ##[group]x")
    'a ::error::b[31m # #[group]x'
    """
    visible = "".join(" " if char in "\t\r\n" else char for char in text if char in "\t\r\n" or not _is_hidden(char))
    words = _COMMAND.sub("# #", " ".join(visible.split()))
    return words if len(words) <= longest else words[: longest - 1] + "…"


def _is_hidden(char: str) -> bool:
    is_no_character = ord(char) & 0xFFFE == 0xFFFE or 0xFDD0 <= ord(char) <= 0xFDEF
    return is_no_character or unicodedata.category(char) in _HIDDEN


def no_command(line: str) -> str:
    """Keep a line from beginning a workflow command."""
    return line.replace("::", ": :", 1) if line.lstrip().startswith("::") else line


def annotation(level: str, message: str, **properties: str) -> str:
    r"""Give a GitHub workflow command, `::error file=a.py,title=x::message`; no value can end it or begin another.

    >>> annotation("error", "50% off\n::debug::x", title="a:b,c")
    '::error title=a%3Ab%2Cc::50%25 off ::debug::x'
    """
    told = ",".join(f"{name}={_property(value)}" for name, value in properties.items() if value)
    return f"::{level}{' ' + told if told else ''}::{_data(message)}"


def _data(text: str) -> str:
    return one_line(text, longest=2000).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
