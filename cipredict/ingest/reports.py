"""The one place that looks at a report's first bytes and chooses who reads it.

JUnit XML goes to `junit.py`, every other format to its decoder in `formats/`. XML is told by its root element, lines of
JSON by the keys of a line, a JSON document by its keys once it is loaded.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from typing import BinaryIO, cast

from cipredict.ingest.formats.ctest import CTestTarget
from cipredict.ingest.formats.ctrf import decode_ctrf, is_ctrf
from cipredict.ingest.formats.cucumber import decode_cucumber, is_cucumber
from cipredict.ingest.formats.dart import decode_dart
from cipredict.ingest.formats.go_test import decode_go_test
from cipredict.ingest.formats.jest import decode_jest, decode_vitest, is_jest, is_vitest
from cipredict.ingest.formats.json_document import DocumentKind, DocumentsDecoder
from cipredict.ingest.formats.json_lines import LinesDecoder, parse_line
from cipredict.ingest.formats.mocha import decode_mocha, is_mocha
from cipredict.ingest.formats.nunit import NUnitTarget
from cipredict.ingest.formats.playwright import decode_playwright, is_playwright
from cipredict.ingest.formats.pytest_json import decode_pytest_json, is_pytest_json
from cipredict.ingest.formats.pytest_lines import decode_pytest_lines
from cipredict.ingest.formats.reading import DecodedReader
from cipredict.ingest.formats.robot import RobotTarget
from cipredict.ingest.formats.rspec import decode_rspec, is_rspec
from cipredict.ingest.formats.streams import CHUNK_BYTES, Rewound
from cipredict.ingest.formats.trx import TrxTarget
from cipredict.ingest.formats.xml_events import XmlDecoder
from cipredict.ingest.formats.xunit import XUnitTarget
from cipredict.ingest.interface import READ_ERRORS, Report, ReportReader, invalid_report
from cipredict.ingest.junit import read_junit
from cipredict.ingest.remedies import head_remedy
from cipredict.records import CaseBatch, RunKey

_BY_ROOT: dict[str, ReportReader] = {
    "robot": DecodedReader(XmlDecoder(RobotTarget), "robot"),
    "test-run": DecodedReader(XmlDecoder(NUnitTarget), "nunit 3"),
    "test-results": DecodedReader(XmlDecoder(NUnitTarget), "nunit 2"),
    "assemblies": DecodedReader(XmlDecoder(XUnitTarget), "xunit.net"),
    "TestRun": DecodedReader(XmlDecoder(TrxTarget), "trx"),
    "Site": DecodedReader(XmlDecoder(CTestTarget), "ctest"),
}
_BY_LINE_KEYS: tuple[tuple[frozenset[str], ReportReader], ...] = (
    (frozenset({"$report_type"}), DecodedReader(LinesDecoder(decode_pytest_lines), "pytest-reportlog")),
    (frozenset({"Action", "Package"}), DecodedReader(LinesDecoder(decode_go_test), "go test")),
    (frozenset({"Action", "ImportPath"}), DecodedReader(LinesDecoder(decode_go_test), "go test")),
    (frozenset({"protocolVersion", "type"}), DecodedReader(LinesDecoder(decode_dart), "dart")),
)
_DOCUMENT = DecodedReader(
    DocumentsDecoder(
        (
            DocumentKind("CTRF", is_ctrf, decode_ctrf),
            DocumentKind("vitest json", is_vitest, decode_vitest),
            DocumentKind("jest json", is_jest, decode_jest),
            DocumentKind("playwright json", is_playwright, decode_playwright),
            DocumentKind("rspec json", is_rspec, decode_rspec),
            DocumentKind("mocha json", is_mocha, decode_mocha),
            DocumentKind("pytest-json-report", is_pytest_json, decode_pytest_json),
            DocumentKind("cucumber json", is_cucumber, decode_cucumber),
        )
    ),
    "",
)
_ROOT = re.compile(rb"<(?:[\w.-]+:)?(testsuites?|testcase|" + "|".join(_BY_ROOT).encode() + rb")(?=[\s/>])")
_COMMENT = re.compile(rb"<!--.*?(?:-->|\Z)", re.DOTALL)
_BEGINS_JSON = re.compile(rb"^\s*[\[{]", re.MULTILINE)
_LINES_LOOKED_AT = 50
_HEAD_BYTES = 64


def read_report(
    stream: BinaryIO,
    *,
    source: str,
    key: RunKey,
    job_id: str = "",
    known_files: frozenset[str] = frozenset(),
) -> Iterator[CaseBatch | Report]:
    """Give the cases of one report of any format in batches, then exactly one `Report`; as `read_junit` does."""
    try:
        head = stream.read(CHUNK_BYTES)
    except READ_ERRORS as error:
        yield invalid_report(source, f"unreadable after 0 bytes ({error or type(error).__name__})")
        return
    reader = choose_reader(head)
    whole = cast(BinaryIO, Rewound(head, stream))
    yield from reader(whole, source=source, key=key, job_id=job_id, known_files=known_files)


def choose_reader(head: bytes) -> ReportReader:
    """Look at the first bytes; XML of an unknown root, and nothing at all, are left to the JUnit reader to complain."""
    text = _as_ascii(head).lstrip()
    if not head or text.startswith(b"<"):
        return _by_root(text) or read_junit
    if text.startswith((b"{", b"[")):
        return _by_line(text) or _DOCUMENT
    return _by_root(text) or _by_line(text) or (_DOCUMENT if _BEGINS_JSON.search(text) else _refuse)


def _refuse(
    stream: BinaryIO, *, source: str, key: RunKey, job_id: str = "", known_files: frozenset[str] = frozenset()
) -> Iterator[CaseBatch | Report]:
    """Give nothing but the verdict."""
    del key, job_id, known_files  # the signature of a reader
    yield invalid_report(source, f"no test report: neither XML nor JSON{head_remedy(stream.read(_HEAD_BYTES))}")


def _as_ascii(head: bytes) -> bytes:
    """Take off byte order marks, and the zeros of UTF-16: keys and tags are ASCII."""
    if head[:4].count(0):
        head = head.replace(b"\0", b"")
    return head.removeprefix(codecs.BOM_UTF8).removeprefix(codecs.BOM_UTF16_LE).removeprefix(codecs.BOM_UTF16_BE)


def _by_root(text: bytes) -> ReportReader | None:
    root = _ROOT.search(_COMMENT.sub(b"", text))
    return _BY_ROOT.get(root[1].decode(), read_junit) if root else None


def _by_line(text: bytes) -> ReportReader | None:
    for line in text.splitlines()[:_LINES_LOOKED_AT]:
        value = parse_line(line) if line.lstrip().startswith(b"{") else None
        if isinstance(value, dict):
            for keys, reader in _BY_LINE_KEYS:
                if keys <= value.keys():
                    return reader
    return None
