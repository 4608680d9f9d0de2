"""Reports of one JSON object per line, streamed; other lines, which runners mix in, are passed over."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from cipredict.ingest.formats.interface import Findings, Json, LineDecoder
from cipredict.ingest.formats.streams import utf8
from cipredict.records import CaseRun

LONGEST_LINE_BYTES = 16 * 1024 * 1024
"""A longer line, all captured output, is passed over."""


@dataclass(frozen=True, slots=True)
class LinesDecoder:
    """A `Decoder` of JSONL around what understands its objects."""

    decode: LineDecoder

    def __call__(self, stream: BinaryIO, findings: Findings) -> Iterator[CaseRun]:
        """Give the cases while reading."""
        return self.decode(read_lines(utf8(stream), findings), findings)


def read_lines(stream: io.BufferedReader, findings: Findings) -> Iterator[Json]:
    """Give the objects; say how many lines were none, and whether the last one is cut off."""
    odd = 0
    line = b""
    while True:
        begin = stream.readline(LONGEST_LINE_BYTES)
        if not begin:
            break
        line = begin
        if len(begin) == LONGEST_LINE_BYTES and not begin.endswith(b"\n"):
            _pass_over_rest(stream)
            odd += 1
            continue
        value = parse_line(line)
        if isinstance(value, dict):
            yield value
        elif value is None and line.strip():
            odd += 1
    is_cut = odd > 0 and line.startswith(b"{") and not line.endswith(b"\n") and parse_line(line) is None
    if is_cut:
        findings.problems.append("truncated: the last line is cut off")
    if odd > is_cut:
        findings.problems.append(f"{odd - is_cut} lines that are no JSON, passed over")


def parse_line(line: bytes) -> object:
    """Give the value of a line; None where it is no JSON."""
    try:
        return json.loads(line.decode("utf-8", "replace"), strict=False)
    except (ValueError, RecursionError):
        return None


def _pass_over_rest(stream: io.BufferedReader) -> None:
    while True:
        more = stream.readline(LONGEST_LINE_BYTES)
        if not more or more.endswith(b"\n"):
            return
