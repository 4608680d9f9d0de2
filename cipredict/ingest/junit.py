"""JUnit XML, of whatever producer, into case runs: streaming, recovering, in memory that does not grow with the file.

lxml parses into a *target* (junit_events.py), so no tree is ever built: captured output and stack traces are dropped
where they are read.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import BinaryIO, cast

from cipredict.ingest.formats.streams import Rewound
from cipredict.ingest.interface import Report
from cipredict.ingest.junit_events import JUnitEvents
from cipredict.ingest.remedies import root_remedy
from cipredict.ingest.tally import read_counted
from cipredict.ingest.xml_parsing import parse_xml
from cipredict.records import CaseBatch, RunKey

_ROOTS = frozenset({"testsuites", "testsuite", "testcase"})


def read_junit(
    stream: BinaryIO,
    *,
    source: str,
    key: RunKey,
    job_id: str = "",
    known_files: frozenset[str] = frozenset(),
) -> Iterator[CaseBatch | Report]:
    """Give the cases of one report in batches, usually one, then exactly one `Report`.

    The batches of a huge report are its parts 1, 2, 3, … `known_files` are the tracked paths of the repository: they
    settle where a dotted pytest classname ends.
    """
    counted = Rewound(b"", stream)
    yield from read_counted(_JUnitReading(counted, known_files), counted, source=source, key=key, job_id=job_id)


class _JUnitReading:
    """A `Reading` of JUnit."""

    def __init__(self, stream: Rewound, known_files: frozenset[str]) -> None:
        self._events = JUnitEvents(known_files)
        self.ledger = self._events.ledger
        self.problems: list[str] = []
        self._stream = stream
        self._chunks = parse_xml(cast(BinaryIO, stream), self._events, self.problems)

    @property
    def dialect(self) -> str:
        return self._events.dialect or ""

    @property
    def entries(self) -> int:
        return self._events.entries

    @property
    def started_at(self) -> datetime | None:
        return self._events.started_at

    @property
    def ended_at(self) -> datetime | None:
        return self._events.ended_at

    @property
    def is_intact(self) -> bool:
        return not self.problems and self._events.root in _ROOTS and not self._events.unnamed

    def fill(self, cases: int) -> bool:
        ledger = self.ledger
        with _no_garbage():
            while len(ledger) <= cases and next(self._chunks, False):
                self._events.settle()
        return len(ledger) > cases

    def close(self) -> None:
        self._events.close()

    def complaints(self) -> Iterator[str]:
        events = self._events
        if not self._stream.size_bytes:
            yield "empty file"
        elif events.root and events.root not in _ROOTS:
            yield f"the root element is <{events.root}>, not JUnit's{root_remedy(events.root)}"
        elif not events.root and not self.problems:
            yield "not XML"
        elif not events.entries:
            yield "holds no cases"
        if events.unnamed:
            yield f"{events.unnamed} cases without a name, skipped"
        if events.untimed:
            yield f"{events.untimed} cases without a time"
        if events.implausible_times:
            yield f"{events.implausible_times} cases with a time that cannot be (negative, not a number)"


@contextmanager
def _no_garbage() -> Iterator[None]:
    """Let the collector rest: a fifth of the time went into looking for cycles among texts and tuples, which have none.

    What other threads leave behind meanwhile is collected afterwards, some milliseconds later.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
