"""Words of a line as BuildKit's own small shell reads them: quotes, escapes and `$NAME`, `${NAME:-word}`.

It is no shell: `$(…)`, pipes and redirections are plain characters. Where a value is unknown the reference stays as it
is written.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

GO_SPACES = "\t\n\v\f\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
"""Go's white space, as the inside of a character class; Python's `\\s` also takes four control characters."""

is_space = re.compile(f"[{GO_SPACES}]").match
_SPECIAL = frozenset("@*#?-$!0")
_OLD_MODIFIERS = frozenset("+-?")
_NEW_MODIFIERS = frozenset("#%/")


class WordsError(ValueError):
    """The line ends inside a quote or a substitution, or the substitution is of a form that BuildKit does not know."""


@dataclass(slots=True)
class _Words:
    """Characters on their way to words; a space ends a word unless it came quoted."""

    done: list[str] = field(default_factory=list)
    word: str = ""

    def add(self, text: str) -> None:
        for character in text:
            if not is_space(character):
                self.word += character
            elif self.word:
                self.end()

    def add_raw(self, text: str) -> None:
        self.word += text

    def end(self) -> list[str]:
        if self.word:
            self.done.append(self.word)
            self.word = ""
        return self.done


@dataclass(slots=True)
class _Lexer:
    """A position in a text. With `keeps_quotes` and `keeps_escapes` words stay as they are written."""

    text: str
    values: Mapping[str, str]
    escape: str = "\\"
    keeps_quotes: bool = False
    keeps_escapes: bool = False
    is_modern: bool = False
    at: int = 0

    def peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def take(self) -> str:
        character = self.text[self.at : self.at + 1]
        self.at += 1
        return character

    def read(self, stop: str = "") -> tuple[str, list[str]]:
        """Read up to `stop`, or to the end; give the text and its words."""
        result: list[str] = []
        words = _Words()
        while character := self.peek():
            if stop and character == stop:
                self.at += 1
                return "".join(result), words.end()
            piece, is_raw = self._piece(character)
            result.append(piece)
            (words.add_raw if is_raw else words.add)(piece)
        if stop:
            raise WordsError(f"no matching {stop}")
        return "".join(result), words.end()

    def _piece(self, character: str) -> tuple[str, bool]:
        """Read the next piece; tell whether a space in it is part of the word."""
        if character == "'":
            return self._single_quoted(), True
        if character == '"':
            return self._double_quoted(), True
        if character == "$":
            return self._dollar(), False
        if character == "<" and self.is_modern and self.text.startswith("<<", self.at):
            return self._heredoc_mark(), True
        self.at += 1
        if character != self.escape:
            return character, False
        return (character if self.keeps_escapes else "") + self.take(), True

    def _heredoc_mark(self) -> str:
        """Read `<<` and the spaces behind it, which since Dockerfile 1.7 may stand before the name."""
        start = self.at
        self.at += 2
        while self.peek() and self.peek() in " \t":
            self.at += 1
        return self.text[start : self.at]

    def _single_quoted(self) -> str:
        end = self.text.find("'", self.at + 1)
        if end < 0:
            raise WordsError("no matching single quote")
        inner, self.at = self.text[self.at + 1 : end], end + 1
        return f"'{inner}'" if self.keeps_quotes else inner

    def _double_quoted(self) -> str:
        self.at += 1
        pieces = []
        while (character := self.peek()) != '"':
            if not character:
                raise WordsError("no matching double quote")
            if character == "$":
                pieces.append(self._dollar())
                continue
            self.at += 1
            if character == self.escape:
                pieces.append(character if self.keeps_escapes else "")
                if not self.peek():
                    continue
                if self.peek() in {'"', "$", self.escape}:
                    character = self.take()
            pieces.append(character)
        self.at += 1
        inner = "".join(pieces)
        return f'"{inner}"' if self.keeps_quotes else inner

    def _dollar(self) -> str:
        start = self.at
        self.at += 1
        if self.peek() != "{":
            name = self._name()
            return self.values.get(name, self.text[start : self.at]) if name else "$"
        self.at += 1
        if not self.peek() or self.peek() in "{}:":
            raise WordsError("bad substitution")
        return self._substitution(self._name())

    def _name(self) -> str:
        start = self.at
        if self.peek().isdigit():
            while self.peek().isdigit():
                self.at += 1
        elif self.peek() and self.peek() in _SPECIAL:
            self.at += 1
        else:
            while self.peek() and (self.peek().isalnum() or self.peek() == "_"):
                self.at += 1
        return self.text[start : self.at]

    def _substitution(self, name: str) -> str:
        """Read what follows the name in `${name…}`."""
        mark = self.take()
        value = self.values.get(name)
        if mark == "}":
            return f"${{{name}}}" if value is None else value
        if mark == ":":
            mark += self.take()
        elif mark not in _OLD_MODIFIERS and not (self.is_modern and mark and mark in _NEW_MODIFIERS):
            raise WordsError(f"unsupported modifier {mark}")
        word = self.read("}")[0]
        if mark[-1:] == "-":
            is_missing = value is None or (mark == ":-" and not value)
            if is_missing and not self.keeps_quotes and self.values:
                return word
        if value is None or mark[-1:] != "-":
            return f"${{{name}{mark}{word}}}"
        return value


def split_words(text: str, *, is_modern: bool = False) -> list[str]:
    """Split at spaces, keeping quotes, escapes and references as they are written; none where the line is broken."""
    try:
        return _Lexer(text, {}, keeps_quotes=True, keeps_escapes=True, is_modern=is_modern).read()[1]
    except WordsError:
        return []


def unquote(text: str, *, keeps_quotes: bool = False) -> list[str]:
    """Split at spaces and take escapes away, and quotes unless they are kept.

    Raises
    ------
    WordsError
        A quote or a substitution does not end.
    """
    return _Lexer(text, {}, keeps_quotes=keeps_quotes).read()[1]


def expand(text: str, values: Mapping[str, str], *, escape: str = "\\") -> str:
    """Put values in the place of references, as in the arguments of COPY and FROM; unknown ones stay.

    >>> expand("$A/${B:-c}/$D", {"A": "a"})
    'a/c/$D'
    """
    try:
        return _Lexer(text, values or {"": ""}, escape=escape).read()[0]
    except WordsError:
        return text


_REFERENCE = re.compile(r"\$(?:\{([A-Za-z_][A-Za-z0-9_]*)|([A-Za-z_][A-Za-z0-9_]*))")


def referenced_names(text: str) -> frozenset[str]:
    """Give the names behind a dollar sign, wherever they stand: rather one too many than one too few.

    >>> sorted(referenced_names("echo $A ${B:-$C} '$D'"))
    ['A', 'B', 'C', 'D']
    """
    return frozenset(one or other for one, other in _REFERENCE.findall(text))
