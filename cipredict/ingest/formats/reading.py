"""Decoded cases into batches for the store, and the one `Report` that classes what was read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, cast

from cipredict.ingest.attempts import CaseLedger, is_failing, merge_attempts
from cipredict.ingest.formats.interface import Decoder, Findings
from cipredict.ingest.formats.streams import Rewound
from cipredict.ingest.interface import PART_CASES, READ_ERRORS, Report
from cipredict.records import CaseBatch, CaseRun, ReportStatus, RunKey, Verdict


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
        tally = _Tally(findings)
        for part, cases in enumerate(tally.parts(self.decode, counted), start=1):
            yield CaseBatch(key=key, source=source, cases=cases, job_id=job_id, part=part)
        yield tally.report(source, counted.size_bytes)


class _Tally:
    """One pass over one report, and the sums over its cases."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._ledger = CaseLedger()
        self._entries = self._untimed = 0
        self._cases = self._failed = self._skipped = self._flaky = 0
        self._cases_s = 0.0

    def parts(self, decode: Decoder, stream: Rewound) -> Iterator[tuple[CaseRun, ...]]:
        """Give tuples of finished cases while reading."""
        ledger = self._ledger
        try:
            for case in decode(cast(BinaryIO, stream), self._findings):
                self._add(case)
                if len(ledger) > 2 * PART_CASES:
                    yield self._count(ledger.take(keep=len(ledger) - PART_CASES))
        except READ_ERRORS as error:
            self._findings.problems.append(
                f"unreadable after {stream.size_bytes} bytes ({error or type(error).__name__})"
            )
        rest = ledger.take(keep=0)
        if rest:
            yield self._count(rest)

    def _add(self, case: CaseRun) -> None:
        self._entries += 1
        self._untimed += case.duration_s is None and case.verdict in _TIMED
        earlier = self._ledger.suite.get(case.case_id)
        self._ledger.suite[case.case_id] = case if earlier is None else merge_attempts(earlier, case)

    def _count(self, cases: tuple[CaseRun, ...]) -> tuple[CaseRun, ...]:
        self._cases += len(cases)
        self._cases_s += sum([case.duration_s or 0.0 for case in cases])
        self._failed += sum(is_failing(case.verdict) for case in cases)
        self._skipped += sum(case.verdict is Verdict.SKIPPED for case in cases)
        self._flaky += sum(case.is_flaky for case in cases)
        return cases

    def report(self, source: str, size_bytes: int) -> Report:
        """Class the report: an intact one without cases is odd, a damaged one without cases is of no use."""
        findings = self._findings
        problems = (*findings.problems, *self._complaints())
        usable = ReportStatus.SUBOPTIMAL if self._cases or findings.is_intact else ReportStatus.INVALID
        return Report(
            source=source,
            status=usable if problems else ReportStatus.VALID,
            problems=problems,
            dialect=findings.dialect,
            entries=self._entries,
            cases=self._cases,
            failed=self._failed,
            skipped=self._skipped,
            flaky=self._flaky,
            cases_s=self._cases_s,
            started_at=findings.started_at,
            size_bytes=size_bytes,
        )

    def _complaints(self) -> Iterator[str]:
        findings = self._findings
        if not self._entries and findings.is_intact:
            yield "holds no cases"
        if findings.unnamed:
            yield f"{findings.unnamed} cases without a name, skipped"
        if findings.unjudged:
            yield f"{findings.unjudged} cases without a known outcome, skipped"
        if self._untimed:
            yield f"{self._untimed} cases without a usable time"


_TIMED = frozenset({Verdict.PASSED, Verdict.FAILED})
"""A skipped case took no time, and what failed before it began was not timed."""
