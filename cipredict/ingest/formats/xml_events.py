"""XML formats besides JUnit: the events of `xml_parsing.py` for the target of a format, without namespaces."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO

from cipredict.ingest.formats.interface import Findings, XmlTarget
from cipredict.ingest.xml_parsing import parse_xml
from cipredict.records import CaseRun


@dataclass(frozen=True, slots=True)
class XmlDecoder:
    """A `Decoder` that feeds the target of one format."""

    make_target: Callable[[Findings], XmlTarget]

    def __call__(self, stream: BinaryIO, findings: Findings) -> Iterator[CaseRun]:
        """Give the cases chunk by chunk. The open case of a truncated report does not count."""
        target = self.make_target(findings)
        for _ in parse_xml(stream, _LocalNames(target), findings.problems):
            yield from _taken(target)
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
