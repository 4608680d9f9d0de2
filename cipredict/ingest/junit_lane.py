"""A fast lane beside lxml: long runs of plain passed cases never become elements.

Most cases of most reports are `<testcase classname="…" name="…" time="…"/>`, one after another, and what an XML parser
costs is a Python call and a dictionary for each. The lane takes such runs out of the bytes with one regular expression
and hands them over as columns; everything else goes to lxml, as do their line ends, so that it counts lines right.

Whether bytes that look like cases are some (not in a comment, CDATA, an attribute) is never guessed: the first case of
a run goes to lxml alone. Only where lxml, without any complaint so far, reports one case more at once did the document
stand, and stands again, between two elements, so that what follows are cases.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from lxml import etree

from cipredict.ingest.junit_events import JUnitEvents
from cipredict.ingest.junit_pending import Run

WORTH_BYTES = 1200
"""Shorter rows are not worth the calls."""

_MOST_SHAPES = 8
"""Different lists of attributes in one report; each costs the compilation of a pattern."""

_LONGEST_PAUSE = 15
"""Chunks that are passed over after others without a row."""

_UTF8_HEAD = re.compile(
    rb"""(?:\xef\xbb\xbf)?<(?:[^?]|\?xml\s(?:(?!encoding)[^>])*(?:encoding\s*=\s*["']utf-8["'][^>]*)?\?>)""",
    re.IGNORECASE,
)
"""How a document begins that says it is UTF-8, or says nothing."""

_BEGIN = b"<testcase "
_VALUE = rb'[^"<&\x00-\x1f]*+'
_CASE = re.compile(rb'<testcase(?: [A-Za-z_][\w.-]*+="' + _VALUE + rb'")++ ?/>')
_BETWEEN = rb"(?:\r?\n|[ \t])*+"
_NONCHARACTER = re.compile("[\ufffe\uffff]")
_MEANINGFUL = frozenset({"class", "status", "xmlns"})
"""Attributes of cases that are not plain."""


class _Shape(NamedTuple):
    """The attributes that cases in a row have, in order, and what matches one of them, with its followers."""

    names: tuple[str, ...]
    pattern: re.Pattern[bytes]


_NO_SHAPE = _Shape((), re.compile(rb"(?!)"))
"""Of cases that are not plain."""


class Lane:
    """Feeds a parser, or leads past it."""

    def __init__(self, parser: etree.XMLParser[object], events: JUnitEvents) -> None:
        self._parser = parser
        self._events = events
        self._shapes: dict[tuple[bytes, ...], _Shape] = {}
        self._shape = _NO_SHAPE
        self._is_open: bool | None = None
        self._pause = self._passed_over = 0

    def feed(self, chunk: bytes) -> None:
        """Feed the next bytes, wherever they were cut."""
        if self._is_open is None:
            self._is_open = _UTF8_HEAD.match(chunk) is not None
        self._parser.feed(self._feed_rows(chunk) if self._is_open and self._is_worth_a_look() else chunk)

    def _feed_rows(self, chunk: bytes) -> bytes:
        """Feed as far as rows reach; give what is left for the parser."""
        fed, line_ends = 0, b""
        begin = chunk.find(_BEGIN)
        while begin >= 0:
            end = chunk.find(b"</", begin, begin + WORTH_BYTES)
            row = self._match(chunk, begin) if end < 0 else None
            if row and row.end() - begin >= WORTH_BYTES:
                self._parser.feed(line_ends + chunk[fed:begin])
                fed, line_ends = row.start(1), b""
                if self._is_case(row) and self._take(row):
                    self._pause = 0
                    fed, line_ends = row.end(), b"\n" * row[1].count(b"\n")
                elif not self._is_open:
                    break
            begin = chunk.find(_BEGIN, row.end() if row else max(begin + 1, end))
        return line_ends + chunk[fed:]

    def _is_worth_a_look(self) -> bool:
        """Say no ever more often while no rows are found: looking costs up to a tenth of parsing."""
        self._passed_over += 1
        is_worth = self._passed_over > self._pause
        if is_worth:
            self._passed_over, self._pause = 0, min(2 * self._pause + 1, _LONGEST_PAUSE)
        return is_worth

    def _match(self, chunk: bytes, begin: int) -> re.Match[bytes] | None:
        """Match plain cases in a row: the first, and the others as a group."""
        return self._shape.pattern.match(chunk, begin) or self._match_other(chunk, begin)

    def _match_other(self, chunk: bytes, begin: int) -> re.Match[bytes] | None:
        """Do so for cases of another shape than those before."""
        case = _CASE.match(chunk, begin)
        if case is None:
            return None
        around = tuple(case.group().split(b'"')[::2])
        if around not in self._shapes and len(self._shapes) < _MOST_SHAPES:
            self._shapes[around] = _new_shape(around)
        self._shape = self._shapes.get(around, _NO_SHAPE)
        return self._shape.pattern.match(chunk, begin)

    def _is_case(self, row: re.Match[bytes]) -> bool:
        """Feed the first case of a row alone, and tell whether the parser took it for one, below a root."""
        before = self._events.ended
        self._parser.feed(row.string[row.start() : row.start(1)])
        self._is_open = not (self._events.has_doctype or len(self._parser.feed_error_log))
        return self._is_open and self._events.ended == before + 1 and self._events.root != ""

    def _take(self, row: re.Match[bytes]) -> bool:
        """Hand over the other cases of a row, unless they hold what XML does not allow."""
        try:
            text = row[1].decode("utf-8")
        except UnicodeDecodeError:
            return False
        if not text.isascii() and _NONCHARACTER.search(text):
            return False
        self._events.add_run(Run(self._shape.names, text.split('"')))
        return True


def _new_shape(around: tuple[bytes, ...]) -> _Shape:
    """Build the shape of cases with that around their values."""
    names = tuple(part.split()[-1].removesuffix(b"=").decode() for part in around[:-1])
    if len(set(names)) < len(names) or not _MEANINGFUL.isdisjoint(names):
        return _NO_SHAPE
    case = (b'"' + _VALUE + b'"').join(map(re.escape, around))
    return _Shape(names, re.compile(b"%b((?:%b%b)*+)" % (case, _BETWEEN, case)))
