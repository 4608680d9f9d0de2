"""What a stage is to those who run it, and what became of it.

A **stage** runs commands after the stages that it needs. A **run** is one walk over a graph of stages; its folder holds
the journal, the logs and the decisions of approvers::

    <runs>/<run id>/journal.jsonl, logs/<stage>.log, approvals/<stage>.json, claims/<token> (of a cluster's workers)
    <runs>/blobs/<2 hex>/<sha256>          artifacts of all runs, by content
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple, Protocol

Watch = Callable[[str, str], None]
"""Takes the name of a stage and a line that it printed."""


class When(StrEnum):
    """When a stage runs: what must have become of those it needs. Its value is GitLab's word."""

    ON_SUCCESS = "on_success"
    ON_FAILURE = "on_failure"
    ALWAYS = "always"


class Outcome(StrEnum):
    """What became of a stage."""

    SUCCESS = "success"
    FAILURE = "failure"
    TIMEOUT = "timeout"
    BLOCKED = "blocked"
    """Its commands were fine; a gate behind it says no."""
    DENIED = "denied"
    """An approver said no, or nobody answered in time."""
    CANCELLED = "cancelled"
    SKIPPED = "skipped"

    @property
    def is_good(self) -> bool:
        """What needs this stage may run."""
        return self is Outcome.SUCCESS or self is Outcome.SKIPPED


@dataclass(frozen=True, slots=True)
class Service:
    """A process beside a stage: started before it, stopped after it.

    Attributes
    ----------
    ready : a command that exits 0 once the service answers; empty counts it as ready at once
    ready_within_s : give up after so many seconds
    """

    name: str
    command: tuple[str, ...]
    ready: tuple[str, ...] = ()
    ready_within_s: float = 30.0


@dataclass(frozen=True, slots=True)
class Approval:
    """A stage that waits for somebody.

    Attributes
    ----------
    approvers : who may decide; empty means anyone
    within_s : no answer in so many seconds is a no
    """

    approvers: tuple[str, ...] = ()
    within_s: float = 3600.0


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage; a matrix is several of them.

    Attributes
    ----------
    name : unique in the run
    commands : run one after the other, each an argument list, until one fails
    needs : names of the stages that come before
    timeout_s : of one attempt, all commands together; None means no limit
    retries : further attempts after a failure or a timeout, `backoff_s`, then twice that, … apart
    folder : where the commands run, relative to the run's
    inputs : globs of the files that decide the result; None: unknown, so it depends on the whole tree
    outputs : globs of the files it makes, kept as artifacts for `retention_days`
    resources : what it holds while it runs, out of the limits of the run
    skip : why the change does not need it; empty where it does. Those that need it run all the same
    may_fail : its failure stops nobody and does not turn the run red
    priority : the smaller one starts first where not all fit
    """

    name: str
    commands: tuple[tuple[str, ...], ...] = ()
    needs: tuple[str, ...] = ()
    timeout_s: float | None = None
    retries: int = 0
    backoff_s: float = 1.0
    environment: Mapping[str, str] = field(default_factory=dict)
    folder: str = "."
    inputs: tuple[str, ...] | None = None
    outputs: tuple[str, ...] = ()
    retention_days: int = 7
    resources: Mapping[str, int] = field(default_factory=lambda: {"slots": 1})
    when: When = When.ON_SUCCESS
    skip: str = ""
    may_fail: bool = False
    services: tuple[Service, ...] = ()
    approval: Approval | None = None
    priority: int = 0


@dataclass(frozen=True, slots=True)
class Artifact:
    """One file that a stage made: its path from the run's folder, its content and whether it can be executed.

    Attributes
    ----------
    retention_days : for how long it is worth keeping
    """

    path: str
    sha256: str
    size_bytes: int
    is_executable: bool = False
    retention_days: int = 7


@dataclass(frozen=True, slots=True)
class StageResult:
    """What became of one stage.

    Attributes
    ----------
    reason : one line where the outcome is no plain success
    attempts : how often its commands were started
    duration_s : of all attempts, with the waits between them; 0 where it did not run
    fingerprint : of everything that the result depends on
    is_reused : an earlier run of the same inputs had finished it
    """

    stage: str
    outcome: Outcome
    reason: str = ""
    exit_code: int | None = None
    attempts: int = 0
    duration_s: float = 0.0
    fingerprint: str = ""
    artifacts: tuple[Artifact, ...] = ()
    is_reused: bool = False


class Devices(NamedTuple):
    """The units of a resource by name, and the variable that tells a stage which ones it holds."""

    variable: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Limits:
    """What a run may use.

    Attributes
    ----------
    resources : how much of each there is; `slots` is how many ordinary stages run at once
    devices : of resources whose units differ, such as `gpu`; a stage that holds none is shown none
    grace_s : between asking a process to stop and killing it
    log_bytes : kept of a stage's output; what is beyond is dropped, and the log says how much
    """

    resources: Mapping[str, int] = field(default_factory=lambda: {"slots": 1})
    devices: Mapping[str, Devices] = field(default_factory=dict)
    grace_s: float = 5.0
    log_bytes: int = 64 * 1024**2


@dataclass(frozen=True, slots=True)
class RunFolder:
    """Where a run keeps its papers, and where its commands run."""

    papers: Path
    tree: Path

    @property
    def journal(self) -> Path:
        """The append-only account of the run."""
        return self.papers / "journal.jsonl"

    @property
    def blobs(self) -> Path:
        """The artifacts of all runs."""
        return self.papers.parent / "blobs"

    def log(self, stage: str) -> Path:
        """Give a stage's log file; names may hold what file names may not."""
        return self.papers / "logs" / f"{file_name(stage)}.log"

    def approval(self, stage: str) -> Path:
        """Give the file in which an approver answers."""
        return self.papers / "approvals" / f"{file_name(stage)}.json"


@dataclass(frozen=True, slots=True)
class Workshop:
    """Where and how a stage runs.

    Attributes
    ----------
    cookie : of the run; what a stage starts carries one that begins with it
    environment : beside the stage's own: where it runs, not what it is, so that it changes no result
    """

    folder: RunFolder
    limits: Limits
    cookie: str
    watch: Watch
    environment: Mapping[str, str] = field(default_factory=dict)


class Executor(Protocol):
    """Whoever carries the commands of a stage out: this machine (`attempts.run_commands`), or a cluster.

    It writes the stage's log, keeps its time limit and its retries, and when it is cancelled it comes back only once
    nothing of the stage is running; cancelled again, at once. It never raises for what the commands do; OSError is for
    a log that cannot be written.
    """

    def __call__(self, stage: Stage, shop: Workshop, /) -> Awaitable[StageResult]:
        """Run the commands to their end."""


def file_name(stage: str) -> str:
    """Spell a stage as one file name, `build (3.11)` as `build_(3.11)`; distinct names stay distinct."""
    safe = "".join(letter if letter.isalnum() or letter in "-.()" else f"%{ord(letter):x}" for letter in stage)
    return safe.replace("%20", "_").lstrip(".")[:200] or "%"
