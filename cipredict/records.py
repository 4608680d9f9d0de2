"""What `ingest` hands to the `store`: facts about runs, jobs, cases and changes, each validated where it was read.

Durations are seconds, times are aware UTC, paths are POSIX and relative to the repository's root.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple


class Verdict(StrEnum):
    """What became of a case in a run."""

    PASSED = "passed"
    FAILED = "failed"
    ERROR = "error"
    SKIPPED = "skipped"


class Result(StrEnum):
    """What became of a run or job, in the words of OpenTelemetry's `cicd.pipeline.result`."""

    SUCCESS = "success"
    FAILURE = "failure"
    ERROR = "error"
    TIMEOUT = "timeout"
    CANCELLATION = "cancellation"
    SKIP = "skip"


class CaseRun(NamedTuple):
    """One case in one report. A tuple, not a dataclass: reports hold millions of them.

    Attributes
    ----------
    case_id : canonical id, see `cipredict.ids`
    verdict : of the last attempt
    duration_s : setup + call + teardown of the last attempt; None where the report has none
    attempts : entries that the report holds for this id, 1 without reruns
    is_flaky : an attempt disagreed with the verdict
    peak_memory_bytes : None where not measured
    """

    case_id: str
    verdict: Verdict
    duration_s: float | None
    attempts: int = 1
    is_flaky: bool = False
    peak_memory_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class RunKey:
    """Identifies one attempt of one run: upserts are keyed by it."""

    provider: str
    repository: str
    run_id: str
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class Change:
    """One changed path. `status` is git's letter (A, M, D, R, C, T); line counts are None for binary files."""

    path: str
    added: int | None = None
    deleted: int | None = None
    status: str = "M"
    previous_path: str | None = None


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One attempt of a CI run. `changes` is None when nobody knows what changed, empty when nothing did.

    `url` is its page. `is_complete`: it has ended, and the source listed every job of it.
    """

    key: RunKey
    started_at: datetime
    finished_at: datetime | None = None
    workflow: str = ""
    sha: str = ""
    parent_sha: str = ""
    branch: str = ""
    event: str = ""
    result: Result | None = None
    changes: tuple[Change, ...] | None = None
    url: str = ""
    is_complete: bool = False


@dataclass(frozen=True, slots=True)
class StepRecord:
    """One step of a job, in the order of `number`."""

    number: int
    name: str
    started_at: datetime | None = None
    finished_at: datetime | None = None
    result: Result | None = None


@dataclass(frozen=True, slots=True)
class JobRecord:
    """One job of one attempt. `queued_s` is None where the source cannot be trusted.

    `runner` is what the job asked for: labels in alphabetical order with commas between, or the runner's name.
    """

    key: RunKey
    job_id: str
    name: str
    started_at: datetime | None = None
    finished_at: datetime | None = None
    queued_s: float | None = None
    runner: str = ""
    result: Result | None = None
    steps: tuple[StepRecord, ...] = ()


@dataclass(frozen=True, slots=True)
class CaseBatch:
    """The cases of one report file, or of a part of a huge one. Stored in one transaction.

    The same (key, job_id, source, part) replaces itself, and part 1 replaces the whole file.
    """

    key: RunKey
    source: str
    cases: tuple[CaseRun, ...]
    job_id: str = ""
    part: int = 1


@dataclass(frozen=True, slots=True)
class CommitRecord:
    """One commit with its changed paths, for churn and co-change."""

    repository: str
    sha: str
    parent_sha: str
    committed_at: datetime
    author: str
    changes: tuple[Change, ...]


class CoverageLink(NamedTuple):
    """A case executed at least one line of a file."""

    case_id: str
    path: str
    lines: int


class CoveredFile(NamedTuple):
    """How much of a file the whole suite executed; it says nothing about any one case."""

    path: str
    covered_lines: int
    valid_lines: int


class ImportEdge(NamedTuple):
    """A Python file imports another file of the same repository."""

    importer: str
    imported: str


class MutantOutcome(StrEnum):
    """What became of a fault that was injected on purpose; the last two say nothing about any case."""

    KILLED = "killed"
    SURVIVED = "survived"
    TIMEOUT = "timeout"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class MutantRecord:
    """One injected fault and the cases that it turned red. Synthetic: it is never a run.

    Attributes
    ----------
    mutant_id : of the fault in this version of the file
    path, function, line, operator : where and what it is
    failed : cases that were green without it and red with it; empty unless it was killed
    """

    repository: str
    mutant_id: str
    path: str
    function: str
    line: int
    operator: str
    recorded_at: datetime
    outcome: MutantOutcome
    duration_s: float
    failed: tuple[str, ...] = ()


class ReportStatus(StrEnum):
    """What a file that was read is worth."""

    VALID = "valid"
    SUBOPTIMAL = "suboptimal"
    INVALID = "invalid"


@dataclass(frozen=True, slots=True)
class ReportRecord:
    """One file that `ingest` read, stored or not: what `doctor` shows. `reason` is empty for a valid one."""

    source: str
    status: ReportStatus
    read_at: datetime
    reason: str = ""
    cases: int = 0
    size_bytes: int | None = None
    sha256: str = ""


class BenchmarkRecord(NamedTuple):
    """What one job measured of one metric of one benchmark.

    Attributes
    ----------
    unit : "s", "B" or "1/s" where the reader knows; otherwise as stated, empty where nothing is
    processes : per process (or fork) its raw samples; samples of one process are not independent of each other
    higher_is_better : of a throughput or a score
    """

    benchmark: str
    processes: tuple[tuple[float, ...], ...]
    metric: str = "time"
    unit: str = "s"
    higher_is_better: bool = False

    @property
    def series(self) -> str:
        """Name of the benchmark, and of the metric unless it is the time."""
        return self.benchmark if self.metric == "time" else f"{self.benchmark} [{self.metric}]"


@dataclass(frozen=True, slots=True)
class BenchmarkRun:
    """What one job measured of one version of the code. `job` names machine and job: two runs of one job are a pair."""

    records: tuple[BenchmarkRecord, ...]
    source: str = ""
    job: str = ""
    sha: str = ""
    measured_at: datetime | None = None
