"""Reports that are one JSON document: loaded whole, up to a limit, and mended where the end is missing."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from cipredict.ingest.formats.interface import DocumentDecoder, Findings
from cipredict.ingest.formats.streams import utf8
from cipredict.ingest.remedies import document_remedy
from cipredict.records import CaseRun

LARGEST_DOCUMENT_BYTES = 200_000_000
"""A larger document is refused; as Python objects it would take several times this memory."""

LARGEST_MENDED_CHARACTERS = 20_000_000
"""Mending looks at every token, so a larger broken document is refused."""

_BEGIN = re.compile(rb"^\s*[\[{]", re.MULTILINE)
_TOKEN = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[\[\]{}]', re.DOTALL)
_CLOSING = {"{": "}", "[": "]"}


@dataclass(frozen=True, slots=True)
class DocumentKind:
    """One format of documents: how to tell it, and what understands it."""

    dialect: str
    is_it: Callable[[object], bool]
    decode: DocumentDecoder


@dataclass(frozen=True, slots=True)
class DocumentsDecoder:
    """A `Decoder` of JSON documents of several kinds: which one shows only once it is loaded."""

    kinds: Sequence[DocumentKind]

    def __call__(self, stream: BinaryIO, findings: Findings) -> Iterator[CaseRun]:
        """Give the cases. Of a document that was cut off, the last case does not count."""
        document, is_cut = _load(stream, findings)
        kind = next((kind for kind in self.kinds if kind.is_it(document)), None)
        if kind is not None:
            findings.dialect = kind.dialect
            cases = kind.decode(document, findings)
            yield from _all_but_last(cases) if is_cut else cases
        elif document is not None:
            findings.problems.append(f"JSON, but no known test report{document_remedy(document)}")


def _load(stream: BinaryIO, findings: Findings) -> tuple[object, bool]:
    data = utf8(stream).read(LARGEST_DOCUMENT_BYTES + 1)
    if len(data) > LARGEST_DOCUMENT_BYTES:
        findings.problems.append(f"a JSON document of more than {LARGEST_DOCUMENT_BYTES // 1_000_000} MB, refused")
        return None, False
    begin = _BEGIN.search(data)
    if begin is None:
        findings.problems.append("not JSON")
        return None, False
    if data[: begin.start()].strip():
        findings.problems.append(f"{begin.start()} bytes of junk before the JSON")
    return _parse(_decode(data[begin.start() :], findings), findings)


def _decode(data: bytes, findings: Findings) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        findings.problems.append("not UTF-8: some characters were replaced")
        return data.decode(errors="replace")


def _parse(text: str, findings: Findings) -> tuple[object, bool]:
    """Give the first JSON value, and whether its end had to be made up; what follows it is reported."""
    try:
        document, end = json.JSONDecoder(strict=False).raw_decode(text.lstrip())
    except json.JSONDecodeError as error:
        return _mend(text, error, findings)
    except (ValueError, RecursionError) as error:  # a number of 5,000 digits, 100,000 brackets
        findings.problems.append(f"unreadable JSON ({error})")
        return None, False
    if text.lstrip()[end:].strip():
        findings.problems.append("something follows the JSON, passed over")
    return document, False


def _mend(text: str, error: json.JSONDecodeError, findings: Findings) -> tuple[object, bool]:
    begin = len(text) - len(text.lstrip())
    position = begin + error.pos
    is_at_end = position >= len(text.rstrip()) or error.msg.startswith("Unterminated string")
    findings.problems.append(
        "truncated: the end is missing" if is_at_end else f"broken JSON at line {error.lineno}: {error.msg}"
    )
    if len(text) > LARGEST_MENDED_CHARACTERS:
        return None, False
    try:
        return json.loads(_close(text[:position]), strict=False), True
    except (ValueError, RecursionError):
        return None, False


def _close(text: str) -> str:
    """Cut after the last finished object and close what is open.

    >>> _close('{"tests": [{"a": 1}, {"b": 2}, {"c"')
    '{"tests": [{"a": 1}, {"b": 2}]}'
    """
    open_brackets: list[str] = []
    end, open_at_end = 0, ""
    for token in _TOKEN.finditer(text):
        bracket = token[0]
        if bracket in _CLOSING:
            open_brackets.append(bracket)
        elif bracket in "]}" and open_brackets:
            open_brackets.pop()
            if bracket == "}":
                end, open_at_end = token.end(), "".join(open_brackets)
    return text[:end] + "".join(_CLOSING[bracket] for bracket in reversed(open_at_end))


def _all_but_last(cases: Iterator[CaseRun]) -> Iterator[CaseRun]:
    previous = next(cases, None)
    for case in cases:
        if previous is not None:
            yield previous
        previous = case
