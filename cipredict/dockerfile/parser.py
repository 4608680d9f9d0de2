r"""From the text of a Dockerfile to its instructions, each with its lines and its place in the text.

::

    # syntax=docker/dockerfile:1        directive
    FROM alpine AS base                 instruction, lines 2 to 2
    # tools                             comment of the next instruction
    RUN apk add \\                       instruction, lines 4 to 6; the comment inside is dropped
        # inside
        curl

Reads what BuildKit v0.12.5 reads, which the wheel `dockerfile` holds and tests compare with; `is_modern` adds what
later ones read: a space behind `<<`, and `${name#…}` on a line with a heredoc. Keywords are not judged here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from cipredict.dockerfile.arguments import Arguments, ArgumentsError, parse_arguments, split_line
from cipredict.dockerfile.shell_words import GO_SPACES, WordsError, split_words, unquote

LONGEST_LINE_BYTES = 65_535
_LEADING_SPACES = re.compile(f"[{GO_SPACES}]+")
_DIRECTIVE = re.compile(r"#[\t\n\f\r ]*([a-zA-Z][a-zA-Z0-9]*)[\t\n\f\r ]*=[\t\n\f\r ]*(.+?)[\t\n\f\r ]*\Z")
_DIRECTIVES = frozenset({"syntax", "escape", "check"})
_CONTINUATIONS = {token: re.compile(rf"(?:(?<=[^{re.escape(token)}])|\A){re.escape(token)}[ \t]*\Z") for token in "\\`"}
_HEREDOC = re.compile(r"([0-9]*)<<(-?)([^<]*)\Z", re.DOTALL)
_MODERN_HEREDOC = re.compile(r"([0-9]*)<<(-?)[\t\n\f\r ]*([^<]*)\Z", re.DOTALL)
_WITH_HEREDOCS = frozenset({"RUN", "COPY", "ADD"})
_BOM = "\ufeff"


class DockerfileError(ValueError):
    """A Dockerfile that BuildKit refuses; `line` counts from 1, `remedy` is a sentence."""

    def __init__(self, message: str, line: int, *, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.remedy = remedy


class Heredoc(NamedTuple):
    """An inline document. Its content is as written: the tabs that `<<-` strips are still there."""

    name: str
    content: str
    strips_tabs: bool = False
    is_expanded: bool = True
    descriptor: int = 0


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction.

    Attributes
    ----------
    keyword : upper case
    flags : `--name=value`, unquoted
    values : ENV and LABEL: names and values in turn; RUN in shell form: one string
    text : the logical line, continuations joined, comments dropped
    heredocs : in the order of their marks
    start_line, end_line : count from 1, both included, heredocs too
    start, end : offsets of these lines in the file's text, line end included
    sub : of ONBUILD, whose heredocs belong to it
    """

    keyword: str
    flags: tuple[str, ...]
    values: tuple[str, ...]
    is_json: bool
    text: str
    heredocs: tuple[Heredoc, ...] = ()
    start_line: int = 0
    end_line: int = 0
    start: int = 0
    end: int = 0
    sub: Instruction | None = None

    def flag(self, name: str) -> str | None:
        """Give the value of the first flag of a name, empty where it has none."""
        return next(iter(self.flag_values(name)), None)

    def flag_values(self, name: str) -> list[str]:
        """Give the values of a flag that may be repeated, such as `mount`."""
        found = (flag.partition("=") for flag in self.flags)
        return [value for key, _, value in found if key == f"--{name}"]


@dataclass(frozen=True, slots=True)
class Dockerfile:
    """The text of a file and what stands in it; `directives` by lower-case name."""

    text: str
    instructions: tuple[Instruction, ...]
    directives: dict[str, str] = field(default_factory=dict)
    escape: str = "\\"


class _SourceLine(NamedTuple):
    number: int
    start: int
    end: int
    text: str
    """Without its line end, and without a byte order mark."""


def parse_dockerfile(text: str, *, is_modern: bool = False) -> Dockerfile:
    """Read the instructions of a file.

    Raises
    ------
    DockerfileError
        BuildKit would not read it either.
    """
    parser = _Parser(text, is_modern)
    instructions = tuple(parser.read())
    if not instructions:
        line = max(1, parser.line_number)
        raise DockerfileError("there is no instruction in it", line, remedy="Begin it with FROM and an image.")
    return Dockerfile(text, instructions, parser.directives, parser.escape)


@dataclass(slots=True)
class _Parser:
    text: str
    is_modern: bool
    directives: dict[str, str] = field(default_factory=dict)
    escape: str = "\\"
    at: int = 0
    line_number: int = 0
    takes_directives: bool = True

    def read(self) -> Iterator[Instruction]:
        while (line := self._next_line()) is not None:
            stripped = _strip(line.text)
            if self.takes_directives:
                self._read_directive(stripped, line.number)
            if not stripped or stripped.startswith("#"):
                continue
            joined = self._join(stripped)
            found = self._instruction(joined, line)
            heredocs = self._read_heredocs(found, joined, line.number)
            yield _placed(found, heredocs, line, end_line=self.line_number, end=self.at)

    def _next_line(self) -> _SourceLine | None:
        start = self.at
        if start >= len(self.text):
            return None
        stop = self.text.find("\n", start)
        self.at = len(self.text) if stop < 0 else stop + 1
        raw = self.text[start : self.at]
        if len(raw) > LONGEST_LINE_BYTES // 4:
            _check_length(raw, self.line_number + 1)
        self.line_number += 1
        text = raw.removeprefix(_BOM) if self.line_number == 1 else raw
        return _SourceLine(self.line_number, start, self.at, text.rstrip("\r\n"))

    def _read_directive(self, line: str, number: int) -> None:
        match = _DIRECTIVE.match(line)
        name = match[1].lower() if match else ""
        if match is None or name not in _DIRECTIVES:
            self.takes_directives = False
            return
        if name in self.directives:
            raise DockerfileError(f"the directive '{name}' stands there twice", number, remedy="Remove one.")
        self.directives[name] = match[2]
        if name == "escape":
            if match[2] not in _CONTINUATIONS:
                raise DockerfileError(
                    f"the escape character is {match[2]!r}, not ` or \\", number, remedy="Write one of the two."
                )
            self.escape = match[2]

    def _join(self, first: str) -> str:
        """Join a line with those that continue it; comments and empty lines in between are dropped."""
        line, goes_on = self._cut(first)
        pieces = [line]
        while goes_on and (following := self._next_line()) is not None:
            stripped = _strip(following.text)
            if not stripped or stripped.startswith("#"):
                continue
            line, goes_on = self._cut(following.text)
            pieces.append(line)
        return "".join(pieces)

    def _cut(self, line: str) -> tuple[str, bool]:
        match = _CONTINUATIONS[self.escape].search(line) if self.escape in line[-200:] or len(line) > 200 else None
        return (line[: match.start()], True) if match else (line, False)

    def _instruction(self, joined: str, line: _SourceLine) -> Instruction:
        try:
            return _parse_line(joined, self.escape)
        except ArgumentsError as error:
            raise DockerfileError(f"{split_line(joined).keyword}: {error}", line.number) from error

    def _read_heredocs(self, found: Instruction, joined: str, number: int) -> tuple[Heredoc, ...]:
        target = found.sub if found.keyword == "ONBUILD" and found.sub else found
        if target.keyword not in _WITH_HEREDOCS or target.is_json or "<<" not in joined:
            return ()
        marks = self._marks(joined, number)
        return tuple(self._read_heredoc(mark, number) for mark in marks)

    def _marks(self, joined: str, number: int) -> list[Heredoc]:
        pattern = _MODERN_HEREDOC if self.is_modern else _HEREDOC
        matches = (pattern.match(word) for word in split_words(joined, is_modern=self.is_modern) if "<<" in word)
        try:
            return [mark for match in matches if match for mark in _heredoc_mark(match)]
        except WordsError as error:
            raise DockerfileError(f"the name of a heredoc cannot be read: {error}", number) from error

    def _read_heredoc(self, mark: Heredoc, number: int) -> Heredoc:
        content: list[str] = []
        while (line := self._next_line()) is not None:
            if (line.text.lstrip("\t") if mark.strips_tabs else line.text) == mark.name:
                return mark._replace(content="".join(content))
            content.append(self.text[line.start : line.end])
        remedy = f"Close it with a line that holds {mark.name} and nothing else."
        raise DockerfileError(f"the heredoc '{mark.name}' does not end", number, remedy=remedy)


def _heredoc_mark(match: re.Match[str]) -> Iterator[Heredoc]:
    if not match[3]:
        return
    words = unquote(match[3])
    if len(words) != 1:
        return
    raw = unquote(match[3], keeps_quotes=True)
    is_expanded = _quotes(words[0]) == _quotes(raw[0] if raw else "")
    descriptor = int(match[1]) if match[1] and len(match[1]) < 20 else 0
    yield Heredoc(words[0], "", strips_tabs=bool(match[2]), is_expanded=is_expanded, descriptor=descriptor)


def _quotes(word: str) -> int:
    return word.count("'") + word.count('"')


def _parse_line(line: str, escape: str) -> Instruction:
    written, flags, rest = split_line(line)
    keyword = written.upper() if written.isascii() else written
    if keyword != "ONBUILD":
        arguments = parse_arguments(keyword, rest, escape=escape)
        return Instruction(keyword, flags, arguments.values, arguments.is_json, line)
    sub = _parse_line(rest, escape) if rest else None
    return Instruction(keyword, flags, Arguments(()).values, is_json=False, text=line, sub=sub)


def _placed(
    found: Instruction, heredocs: tuple[Heredoc, ...], line: _SourceLine, *, end_line: int, end: int
) -> Instruction:
    return Instruction(
        found.keyword,
        found.flags,
        found.values,
        found.is_json,
        found.text,
        heredocs,
        line.number,
        end_line,
        line.start,
        end,
        found.sub,
    )


def _strip(line: str) -> str:
    match = _LEADING_SPACES.match(line)
    return line[match.end() :] if match else line


def _check_length(raw: str, number: int) -> None:
    length = len(raw.encode("utf-8", "surrogateescape"))
    length -= raw.endswith("\n")
    if length > LONGEST_LINE_BYTES:
        message = f"the line is {length:,} bytes long, and BuildKit reads {LONGEST_LINE_BYTES:,}"
        raise DockerfileError(message, number, remedy="Break it with the escape character, or copy a file instead.")
