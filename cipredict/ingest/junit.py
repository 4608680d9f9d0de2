"""JUnit XML, of whatever producer, into case runs: streaming, recovering, in memory that does not grow with the file.

lxml parses into a *target* (junit_events.py), so no tree is ever built: captured output and stack traces are dropped
where they are read. The parser recovers from broken markup. External entities and DTDs are never opened, and internal
entities stay within libxml2's limits.
"""

from __future__ import annotations

import codecs
import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from lxml import etree

from cipredict.ingest.attempts import is_failing
from cipredict.ingest.interface import PART_CASES, READ_ERRORS, Report
from cipredict.ingest.junit_events import JUnitEvents
from cipredict.ingest.remedies import root_remedy
from cipredict.records import CaseBatch, CaseRun, ReportStatus, RunKey, Verdict

_CHUNK_BYTES = 64 * 1024
_BYTE_ORDER_MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_PASSED = Verdict.PASSED
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

    The batches of a huge report are called `source`, `source#2`, `source#3`, … `known_files` are the tracked paths of
    the repository: they settle where a dotted pytest classname ends.
    """
    reading = _Reading(known_files)
    for number, cases in enumerate(reading.read(stream), start=1):
        name = source if number == 1 else f"{source}#{number}"
        yield CaseBatch(key=key, source=name, cases=cases, job_id=job_id)
    yield reading.report(source)


class _Reading:
    """One pass over one report, and the tally of what it held."""

    def __init__(self, known_files: frozenset[str]) -> None:
        self._events = JUnitEvents(known_files)
        self._problems: list[str] = []
        self._size_bytes = 0
        self._cases = self._failed = self._skipped = self._flaky = 0
        self._cases_s = 0.0

    def read(self, stream: BinaryIO) -> Iterator[tuple[CaseRun, ...]]:
        """Give tuples of finished cases while reading."""
        ledger, chunks = self._events.ledger, self._parse(stream)
        try:
            while self._fill(chunks):
                yield self._tally(ledger.take(keep=len(ledger) - PART_CASES))
        except READ_ERRORS as error:
            self._problems.append(f"unreadable after {self._size_bytes} bytes ({error or type(error).__name__})")
        self._events.close()
        rest = ledger.take(keep=0)
        if rest:
            yield self._tally(rest)

    def _fill(self, chunks: Iterator[bool]) -> bool:
        """Read on until the ledger is full; False at the end of the report."""
        ledger = self._events.ledger
        with _no_garbage():
            while len(ledger) <= 2 * PART_CASES and next(chunks, False):
                self._events.settle()
        return len(ledger) > 2 * PART_CASES

    def _parse(self, stream: BinaryIO) -> Iterator[bool]:
        head = stream.read(_CHUNK_BYTES)
        self._size_bytes = len(head)
        parser = _new_parser(self._events, head)
        chunk = self._without_junk(head)
        try:
            while chunk:
                parser.feed(chunk)
                yield True
                chunk = stream.read(_CHUNK_BYTES)
                self._size_bytes += len(chunk)
            parser.close()
        except etree.XMLSyntaxError:
            pass  # nothing to recover; the error log below says it better
        finally:
            self._note_markup(parser.feed_error_log)

    def _without_junk(self, head: bytes) -> bytes:
        if head.startswith((b"<", *_BYTE_ORDER_MARKS)) or b"<" not in head or b"\0" in head[:4]:
            return head
        begin = head.index(b"<")
        if head[:begin].strip():
            self._problems.append(f"{begin} bytes of junk before the XML")
        return head[begin:]

    def _note_markup(self, log: etree._ListErrorLog) -> None:
        fatal = [entry for entry in log if entry.level == etree.ErrorLevels.FATAL]
        if any(entry.type == etree.ErrorTypes.ERR_TAG_NOT_FINISHED for entry in fatal):
            self._problems.append("truncated: the end is missing")
        elif fatal:
            self._problems.append(f"broken XML at line {fatal[0].line}: {fatal[0].message}")

    def _tally(self, cases: tuple[CaseRun, ...]) -> tuple[CaseRun, ...]:
        self._cases += len(cases)
        self._cases_s += sum([case[2] or 0.0 for case in cases])  # by position: half the price of the name
        for case in [case for case in cases if case[1] is not _PASSED or case[4]]:
            self._failed += is_failing(case.verdict)
            self._skipped += case.verdict is Verdict.SKIPPED
            self._flaky += case.is_flaky
        return cases

    def report(self, source: str) -> Report:
        """Class the report, after the last case."""
        problems = [*self._problems, *self._complaints()]
        if problems:
            status = ReportStatus.SUBOPTIMAL if self._is_usable() else ReportStatus.INVALID
        else:
            status = ReportStatus.VALID
        return Report(
            source=source,
            status=status,
            problems=tuple(problems),
            dialect=self._events.dialect or "",
            entries=self._events.entries,
            cases=self._cases,
            failed=self._failed,
            skipped=self._skipped,
            flaky=self._flaky,
            cases_s=self._cases_s,
            started_at=self._events.started_at,
            ended_at=self._events.ended_at,
            size_bytes=self._size_bytes,
        )

    def _is_usable(self) -> bool:
        """Tell suboptimal from invalid: an intact report of no cases is an odd fact, not an unreadable file."""
        is_intact = not self._problems and self._events.root in _ROOTS and not self._events.unnamed
        return self._cases > 0 or is_intact

    def _complaints(self) -> Iterator[str]:
        events = self._events
        if not self._size_bytes:
            yield "empty file"
        elif events.root and events.root not in _ROOTS:
            yield f"the root element is <{events.root}>, not JUnit's{root_remedy(events.root)}"
        elif not events.root and not self._problems:
            yield "not XML"
        elif not events.entries:
            yield "holds no cases"
        if events.unnamed:
            yield f"{events.unnamed} cases without a name, skipped"
        if events.untimed:
            yield f"{events.untimed} cases without a time"
        if events.implausible_times:
            yield f"{events.implausible_times} cases with a time that cannot be (negative, not a number)"


def _new_parser(events: JUnitEvents, head: bytes) -> etree.XMLParser[JUnitEvents]:
    """Build a parser; huge texts are allowed unless there is a DTD, whose entities could grow without that limit.

    `collect_ids` stays on: off, it makes libxml2 open the external DTD that a report names.
    """
    has_dtd = b"<!DOCTYPE" in head.replace(b"\0", b"")
    return etree.XMLParser(
        target=events,
        recover=True,
        huge_tree=not has_dtd,
        resolve_entities="internal",  # False would leave &amp; in attributes as &#38;
        no_network=True,
    )


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
