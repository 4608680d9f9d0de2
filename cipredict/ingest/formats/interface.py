"""What a decoder of a report format gives: cases one after another, and findings about the report as a whole.

Three carriers bring the bytes to the decoders: XML events (`xml_events.py`), lines of JSON (`json_lines.py`) and one
JSON document (`json_document.py`). `reading.py` turns what comes out into batches and a `Report`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import BinaryIO, Protocol

from cipredict.ingest.dialects import relative_file
from cipredict.records import CaseRun, Verdict

Json = Mapping[str, object]


def join_id(*parts: str) -> str:
    """Build an id of the parts that a report gives; empty without the last, the case's own name."""
    return "::".join(part for part in parts if part) if parts[-1] else ""


@dataclass(slots=True)
class Findings:
    """What shows beside the cases; filled while decoding.

    Attributes
    ----------
    known_files : tracked paths of the repository
    dialect : the producer
    started_at : earliest moment that the report names
    problems : what is wrong with the report, in order
    unnamed, unjudged : entries left out because they had no name, or no outcome that the format knows
    """

    known_files: frozenset[str] = frozenset()
    dialect: str = ""
    started_at: datetime | None = None
    problems: list[str] = field(default_factory=list)
    unnamed: int = 0
    unjudged: int = 0

    @property
    def is_intact(self) -> bool:
        """Tell that nothing is wrong so far."""
        return not (self.problems or self.unnamed or self.unjudged)

    def path(self, reported: str) -> str:
        """Give a reported path as a path of the repository."""
        return relative_file(reported, self.known_files)

    def case(
        self,
        case_id: str,
        verdict: Verdict | None,
        duration_s: float | None,
        *,
        attempts: int = 1,
        is_flaky: bool = False,
    ) -> list[CaseRun]:
        """Give the case; none, but counted, where it has no name or no outcome that the format knows."""
        if case_id and verdict is not None:
            return [CaseRun(case_id, verdict, duration_s, attempts, is_flaky)]
        self.unnamed += not case_id
        self.unjudged += bool(case_id)
        return []

    def note_start(self, moment: datetime | None) -> None:
        """Keep the earliest moment."""
        if moment is not None and (self.started_at is None or moment < self.started_at):
            self.started_at = moment


class Decoder(Protocol):
    """Turns the bytes of one format into cases; the same id again is another attempt.

    Never raises over what the bytes say; `READ_ERRORS` of the stream pass through.
    """

    def __call__(self, stream: BinaryIO, findings: Findings) -> Iterator[CaseRun]:
        """Give the cases while reading."""
        ...


class LineDecoder(Protocol):
    """Turns the objects of a JSONL report into cases."""

    def __call__(self, lines: Iterator[Json], findings: Findings) -> Iterator[CaseRun]:
        """Give the cases while reading."""
        ...


class DocumentDecoder(Protocol):
    """Turns one JSON document into cases."""

    def __call__(self, document: object, findings: Findings) -> Iterator[CaseRun]:
        """Give the cases in the document's order."""
        ...


class XmlTarget(Protocol):
    """Receives the tags of one XML format, namespaces stripped, and collects the cases that they finish.

    Where the end of a report is missing, `close` is called without the end tags of what is open.
    """

    finished: list[CaseRun]

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """Meet a start tag."""

    def data(self, text: str) -> None:
        """Meet a piece of text."""

    def end(self, tag: str) -> None:
        """Meet an end tag."""

    def close(self) -> None:
        """Meet the end of the report; may be called twice."""
