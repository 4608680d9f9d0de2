"""One pass over one report of any format: its cases in parts, their sums, and the `Report` that classes it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from cipredict.ingest.attempts import CaseLedger, is_failing
from cipredict.ingest.formats.streams import Rewound
from cipredict.ingest.interface import PART_CASES, READ_ERRORS, Report
from cipredict.records import CaseBatch, CaseRun, ReportStatus, RunKey, Verdict

_PASSED = Verdict.PASSED


class Reading(Protocol):
    """A report being read: what its format knows about it.

    Attributes
    ----------
    ledger : the cases read so far
    problems : what is wrong with its bytes, in order
    dialect : the producer
    entries : case entries, reruns included
    started_at, ended_at : earliest and latest moment that the report names, None where its format names none
    is_intact : nothing is wrong, it may hold no cases though: tells an odd fact from an unreadable file
    """

    ledger: CaseLedger
    problems: list[str]

    @property
    def dialect(self) -> str: ...  # noqa: D102  # above
    @property
    def entries(self) -> int: ...  # noqa: D102  # above
    @property
    def started_at(self) -> datetime | None: ...  # noqa: D102  # above
    @property
    def ended_at(self) -> datetime | None: ...  # noqa: D102  # above
    @property
    def is_intact(self) -> bool: ...  # noqa: D102  # above

    def fill(self, cases: int) -> bool:
        """Read on until the ledger holds more than so many; False at the end of the report."""
        ...

    def close(self) -> None:
        """Finish what the end of the report, or of what could be read, left open."""
        ...

    def complaints(self) -> Iterator[str]:
        """Say what was odd about the cases."""
        ...


def read_counted(
    reading: Reading, stream: Rewound, *, source: str, key: RunKey, job_id: str
) -> Iterator[CaseBatch | Report]:
    """Give the cases of a report part by part, then its `Report`; `stream` is what the reading reads."""
    sums = _Sums()
    for part, cases in enumerate(_parts(reading, stream), start=1):
        sums.add(cases)
        yield CaseBatch(key=key, source=source, cases=cases, job_id=job_id, part=part)
    yield _classed(reading, sums, source=source, size_bytes=stream.size_bytes)


def _parts(reading: Reading, stream: Rewound) -> Iterator[tuple[CaseRun, ...]]:
    """Give tuples of finished cases while reading."""
    ledger = reading.ledger
    try:
        while reading.fill(2 * PART_CASES):
            yield ledger.take(keep=len(ledger) - PART_CASES)
    except READ_ERRORS as error:
        reading.problems.append(f"unreadable after {stream.size_bytes} bytes ({error or type(error).__name__})")
    reading.close()
    rest = ledger.take(keep=0)
    if rest:
        yield rest


@dataclass(slots=True)
class _Sums:
    """Over the cases of a report; named as in `Report`."""

    cases: int = 0
    failed: int = 0
    skipped: int = 0
    flaky: int = 0
    cases_s: float = 0.0

    def add(self, cases: tuple[CaseRun, ...]) -> None:
        self.cases += len(cases)
        self.cases_s += sum([case[2] or 0.0 for case in cases])  # by position: half the price of the name
        for case in [case for case in cases if case[1] is not _PASSED or case[4]]:
            self.failed += is_failing(case.verdict)
            self.skipped += case.verdict is Verdict.SKIPPED
            self.flaky += case.is_flaky


def _classed(reading: Reading, sums: _Sums, *, source: str, size_bytes: int) -> Report:
    """Class the report, after the last case: a damaged one without cases is of no use, an intact one only odd."""
    is_usable = sums.cases > 0 or reading.is_intact
    problems = (*reading.problems, *reading.complaints())
    status = ReportStatus.SUBOPTIMAL if is_usable else ReportStatus.INVALID
    return Report(
        source=source,
        status=status if problems else ReportStatus.VALID,
        problems=problems,
        dialect=reading.dialect,
        entries=reading.entries,
        cases=sums.cases,
        failed=sums.failed,
        skipped=sums.skipped,
        flaky=sums.flaky,
        cases_s=sums.cases_s,
        started_at=reading.started_at,
        ended_at=reading.ended_at,
        size_bytes=size_bytes,
    )
