"""Bytes of XML into the events of a target: streaming, recovering, without a tree.

External entities and DTDs are never opened, and internal entities stay within libxml2's limits.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from typing import BinaryIO

from lxml import etree

from cipredict.ingest.formats.streams import CHUNK_BYTES

_BYTE_ORDER_MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_WIDE_IN_BYTES = re.compile(
    rb"^\s*<\?xml[^>]*\sencoding\s*=\s*[\"'](?:utf-?16|utf-?32|ucs-?[24]|unicode)", re.IGNORECASE
)
"""What .NET's StringWriter declares, and what a tool keeps that recodes the file: single bytes cannot be that."""


def parse_xml(stream: BinaryIO, target: object, problems: list[str]) -> Iterator[bool]:
    """Feed a parser target of lxml, giving True after each chunk; what is wrong with the markup becomes a problem."""
    chunk = stream.read(CHUNK_BYTES)
    parser = _new_parser(target, chunk)
    chunk = _without_junk(_marked(chunk), problems)
    try:
        while chunk:
            parser.feed(chunk)
            yield True
            chunk = stream.read(CHUNK_BYTES)
        parser.close()
    except etree.XMLSyntaxError:
        pass  # nothing to recover; the error log below says it better
    finally:
        _note_markup(parser.feed_error_log, problems)


def _new_parser(target: object, head: bytes) -> etree.XMLParser[object]:
    """Build a parser; huge texts are allowed unless there is a DTD, whose entities could grow without that limit.

    `collect_ids` stays on: off, it makes libxml2 open the external DTD that a report names.
    """
    has_dtd = b"<!DOCTYPE" in head.replace(b"\0", b"")
    return etree.XMLParser(
        target=target,
        recover=True,
        huge_tree=not has_dtd,
        resolve_entities="internal",  # False would leave &amp; in attributes as &#38;
        no_network=True,
        encoding="utf-8" if _WIDE_IN_BYTES.match(head.removeprefix(codecs.BOM_UTF8)) else None,
    )


def _marked(head: bytes) -> bytes:
    """Put the byte order mark before UTF-16 that has none: libxml2 needs it where no declaration comes first."""
    begin = head[:16]
    if len(begin) < 2 or begin.startswith(_BYTE_ORDER_MARKS) or b"\0\0" in begin:
        return head
    if not any(begin[1::2]):
        return codecs.BOM_UTF16_LE + head
    return head if any(begin[::2]) else codecs.BOM_UTF16_BE + head


def _without_junk(head: bytes, problems: list[str]) -> bytes:
    if head.startswith((b"<", *_BYTE_ORDER_MARKS)) or b"<" not in head or b"\0" in head[:4]:
        return head
    begin = head.index(b"<")
    if head[:begin].strip():
        problems.append(f"{begin} bytes of junk before the XML")
    return head[begin:]


def _note_markup(log: etree._ListErrorLog, problems: list[str]) -> None:
    fatal = [entry for entry in log if entry.level == etree.ErrorLevels.FATAL]
    if any(entry.type == etree.ErrorTypes.ERR_TAG_NOT_FINISHED for entry in fatal):
        problems.append("truncated: the end is missing")
    elif fatal:
        problems.append(f"broken XML at line {fatal[0].line}: {' '.join(fatal[0].message.split())}")
