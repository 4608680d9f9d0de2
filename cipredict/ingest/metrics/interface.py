"""What a metrics reader gives: findings, covered lines, test counts or plain measurements, never a number made up.

A reader raises `Unusable` where its file proves nothing. That must reach the verdict: a security report that could not
be read is not a report without findings.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from cipredict.measures import Measurement
from cipredict.records import ReportStatus

WITHHELD = "requires login"
"""What Semgrep writes instead of a fingerprint, or of the code, to those who did not log in: it tells nothing apart."""


class Unusable(Exception):
    """A file of which nothing can be believed; the message says why."""


class Category(StrEnum):
    """What a finding is about; each has a metric of its own."""

    SECURITY = "security"
    LINT = "lint"
    TYPES = "types"
    FORMAT = "format"


class Severity(StrEnum):
    """How bad a security finding is; tools that do not say leave it unknown."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    UNKNOWN = "unknown"


class Finding(NamedTuple):
    """One complaint of a tool."""

    tool: str
    category: Category
    rule: str
    path: str
    line: int | None
    message: str
    severity: Severity = Severity.UNKNOWN
    anchor: str = ""

    @property
    def identity(self) -> str:
        """Tell the same finding in another version of the code: the line number is left out, since lines move.

        `anchor` is what the tool itself says stays the same: a fingerprint, or the code that it complains about.
        """
        parts = (self.tool, self.rule, self.path, self.anchor or self.message)
        return hashlib.sha256("\0".join(parts).encode(errors="replace")).hexdigest()


class CaseCounts(NamedTuple):
    """Cases of a test report."""

    cases: int
    failed: int
    skipped: int
    flaky: int
    seconds: float


class LineCounts(NamedTuple):
    """How many lines of a file can be executed and were."""

    covered: int
    valid: int


@dataclass(frozen=True, slots=True)
class CoverageReading:
    """Coverage by file, paths relative to the repository's root.

    Attributes
    ----------
    covered, valid : executed and executable lines by path, where the format lists them
    counts : of files of which only counts are known
    total_share : what the tool itself calls the total (coverage.py counts branches), None where it states none
    """

    covered: dict[str, frozenset[int]]
    valid: dict[str, frozenset[int]]
    counts: dict[str, LineCounts] = field(default_factory=dict)
    total_share: float | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """What one file holds.

    Attributes
    ----------
    kind : the format
    tools : tools that ran, findings or not: a scan that found nothing measured 0
    problems : what the file does not tell (files that a scanner could not read); its counts prove nothing then
    notes : what people should know, though the counts hold
    """

    kind: str
    measurements: tuple[Measurement, ...] = ()
    findings: tuple[Finding, ...] = ()
    tools: tuple[tuple[str, Category], ...] = ()
    tests: CaseCounts | None = None
    coverage: CoverageReading | None = None
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MetricsFile:
    """What became of one file: valid, suboptimal (it says itself that it is not whole) or invalid, and why."""

    source: str
    status: ReportStatus
    reading: Reading
    problems: tuple[str, ...] = ()
