"""XML formats besides JUnit: bytes into the events of a target, recovering, without a tree and without entities."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO

from lxml import etree

from cipredict.ingest.formats.interface import Findings, XmlTarget
from cipredict.ingest.formats.streams import CHUNK_BYTES
from cipredict.records import CaseRun

_BYTE_ORDER_MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclass(frozen=True, slots=True)
class XmlDecoder:
    """A `Decoder` that feeds the target of one format."""

    make_target: Callable[[Findings], XmlTarget]

    def __call__(self, stream: BinaryIO, findings: Findings) -> Iterator[CaseRun]:
        """Give the cases chunk by chunk. The open case of a truncated report does not count."""
        target = self.make_target(findings)
        chunk = stream.read(CHUNK_BYTES)
        parser = _new_parser(target, chunk)
        chunk = _without_junk(chunk, findings)
        try:
            while chunk:
                parser.feed(chunk)
                yield from _taken(target)
                chunk = stream.read(CHUNK_BYTES)
            parser.close()
        except etree.XMLSyntaxError:
            pass  # nothing to recover; the error log says it better
        finally:
            _note_markup(parser.feed_error_log, findings)
        target.close()
        yield from _taken(target)


def _taken(target: XmlTarget) -> list[CaseRun]:
    cases, target.finished = target.finished, []
    return cases


class _LocalNames:
    """What lxml calls: a target behind it never meets a namespace."""

    def __init__(self, target: XmlTarget) -> None:
        self._target = target
        self.data = target.data

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        self._target.start(tag.rpartition("}")[2], attributes)

    def end(self, tag: str) -> None:
        self._target.end(tag.rpartition("}")[2])

    def close(self) -> None:
        """Leave it to the decoder, which also ends what the parser gave up."""


def _new_parser(target: XmlTarget, head: bytes) -> etree.XMLParser[_LocalNames]:
    """Build a parser as `ingest.junit` does: huge texts only where no DTD could make them grow."""
    has_dtd = b"<!DOCTYPE" in head.replace(b"\0", b"")
    return etree.XMLParser(
        target=_LocalNames(target),
        recover=True,
        huge_tree=not has_dtd,
        resolve_entities="internal",
        no_network=True,
    )


def _without_junk(head: bytes, findings: Findings) -> bytes:
    if head.startswith((b"<", *_BYTE_ORDER_MARKS)) or b"<" not in head or b"\0" in head[:4]:
        return head
    begin = head.index(b"<")
    if head[:begin].strip():
        findings.problems.append(f"{begin} bytes of junk before the XML")
    return head[begin:]


def _note_markup(log: etree._ListErrorLog, findings: Findings) -> None:
    fatal = [entry for entry in log if entry.level == etree.ErrorLevels.FATAL]
    if any(entry.type == etree.ErrorTypes.ERR_TAG_NOT_FINISHED for entry in fatal):
        findings.problems.append("truncated: the end is missing")
    elif fatal:
        findings.problems.append(f"broken XML at line {fatal[0].line}: {fatal[0].message}")
