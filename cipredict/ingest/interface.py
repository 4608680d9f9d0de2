"""What every reader of this room gives: records for the store, and one `Report` per file about the reading itself.

A reader is a generator. It never raises over the content of one file: what is wrong with a file is said by its
`Report`, so that one bad file never sinks the good ones. A file that the user *named* and that is missing is a `Report`
too, and the user's mistake.
"""

from __future__ import annotations

import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO, Protocol

from cipredict.records import CaseBatch, ReportRecord, ReportStatus, RunKey

PART_CASES = 5_000
"""A report of more than twice as many cases is given in batches of this size; twice as large, they read slower."""

READ_ERRORS = (
    OSError,
    EOFError,
    MemoryError,
    zlib.error,
    lzma.LZMAError,
    zipfile.BadZipFile,
    tarfile.TarError,
)
"""What reading compressed bytes may raise when they are damaged; MemoryError: xz may ask for any dictionary."""


@dataclass(frozen=True, slots=True)
class Report:
    """What became of one file.

    Attributes
    ----------
    source : the name under which its records are stored
    status : valid; suboptimal: stored, with the `problems`; invalid: skipped, because of the `problems`
    dialect : the producer, as far as the file shows it
    entries : case entries read, reruns included
    cases, failed, skipped, flaky : distinct cases, and how many of them; `failed` includes errors
    cases_s : sum of the cases' seconds
    started_at : earliest timestamp in the file
    ended_at : latest end of a suite that tells when it began and how long it took
    size_bytes : read, after decompression
    is_missing : the user named it, and it does not exist
    """

    source: str
    status: ReportStatus
    problems: tuple[str, ...] = ()
    dialect: str = ""
    entries: int = 0
    cases: int = 0
    failed: int = 0
    skipped: int = 0
    flaky: int = 0
    cases_s: float = 0.0
    started_at: datetime | None = None
    ended_at: datetime | None = None
    size_bytes: int | None = None
    is_missing: bool = False

    def to_record(self, read_at: datetime) -> ReportRecord:
        """Give what the store keeps of it."""
        return ReportRecord(
            source=self.source,
            status=self.status,
            read_at=read_at,
            reason="; ".join(self.problems),
            cases=self.cases,
            size_bytes=self.size_bytes,
        )


class ReportReader(Protocol):
    """Reads the test reports of one format."""

    def __call__(
        self,
        stream: BinaryIO,
        *,
        source: str,
        key: RunKey,
        job_id: str = "",
        known_files: frozenset[str] = frozenset(),
    ) -> Iterator[CaseBatch | Report]:
        """Give the cases of one report in batches, then exactly one `Report`; see `ingest.junit.read_junit`."""
        ...


def invalid_report(source: str, problem: str) -> Report:
    """Report a file of which nothing can be used."""
    return Report(source=source, status=ReportStatus.INVALID, problems=(problem,))
