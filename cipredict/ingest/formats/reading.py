"""Decoded cases into batches for the store, and the one `Report` that classes what was read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO, cast

from cipredict.ingest.attempts import CaseLedger, merge_attempts
from cipredict.ingest.formats.interface import Decoder, Findings
from cipredict.ingest.formats.streams import Rewound
from cipredict.ingest.interface import Report
from cipredict.ingest.tally import read_counted
from cipredict.records import CaseBatch, CaseRun, RunKey, Verdict


@dataclass(frozen=True, slots=True)
class DecodedReader:
    """A `ReportReader` around the decoder of one format."""

    decode: Decoder
    dialect: str

    def __call__(
        self,
        stream: BinaryIO,
        *,
        source: str,
        key: RunKey,
        job_id: str = "",
        known_files: frozenset[str] = frozenset(),
    ) -> Iterator[CaseBatch | Report]:
        """Give the cases in batches, part by part, then the report."""
        findings = Findings(known_files, self.dialect)
        counted = Rewound(b"", stream)
        reading = _DecodedReading(findings, self.decode(cast(BinaryIO, counted), findings))
        yield from read_counted(reading, counted, source=source, key=key, job_id=job_id)


class _DecodedReading:
    """A `Reading` of any format that has a decoder."""

    def __init__(self, findings: Findings, cases: Iterator[CaseRun]) -> None:
        self.ledger = CaseLedger()
        self.problems = findings.problems
        self.entries = 0
        self.ended_at = None
        self._findings = findings
        self._cases = cases
        self._untimed = 0

    @property
    def dialect(self) -> str:
        return self._findings.dialect

    @property
    def started_at(self) -> datetime | None:
        return self._findings.started_at

    @property
    def is_intact(self) -> bool:
        return self._findings.is_intact

    def fill(self, cases: int) -> bool:
        for case in self._cases:
            self._add(case)
            if len(self.ledger) > cases:
                return True
        return False

    def _add(self, case: CaseRun) -> None:
        self.entries += 1
        self._untimed += case.duration_s is None and case.verdict in _TIMED
        earlier = self.ledger.suite.get(case.case_id)
        self.ledger.suite[case.case_id] = case if earlier is None else merge_attempts(earlier, case)

    def close(self) -> None:
        """Nothing is open: a decoder gives whole cases."""

    def complaints(self) -> Iterator[str]:
        findings = self._findings
        if not self.entries and findings.is_intact:
            yield "holds no cases"
        if findings.unnamed:
            yield f"{findings.unnamed} cases without a name, skipped"
        if findings.unjudged:
            yield f"{findings.unjudged} cases without a known outcome, skipped"
        if self._untimed:
            yield f"{self._untimed} cases without a usable time"


_TIMED = frozenset({Verdict.PASSED, Verdict.FAILED})
"""A skipped case took no time, and what failed before it began was not timed."""
