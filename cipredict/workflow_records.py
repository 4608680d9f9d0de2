"""Workflows of others as they stand in their files: what a job is, and the line on which it says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

Plain = str | list["Plain"] | dict[str, "Plain"]
"""YAML without places; every scalar is a text, as it is written."""


class Block(NamedTuple):
    """Where a mapping of a file stands, counted from 0; its keys begin in `column`, `end` is the line behind it."""

    line: int
    column: int
    end: int


class NeedPlace(NamedTuple):
    """Where a need is written: line and columns; `is_line` where it has a line of its own (`- name`)."""

    line: int
    column: int
    end: int
    is_line: bool


@dataclass(frozen=True, slots=True)
class StepRecord:
    """One step of a job; `inputs` are its `with`."""

    name: str = ""
    uses: str = ""
    run: str = ""
    condition: str = ""
    inputs: Mapping[str, str] = field(default_factory=dict)
    block: Block | None = None

    @property
    def action(self) -> str:
        """Give the action without its version."""
        return self.uses.partition("@")[0]


@dataclass(frozen=True, slots=True)
class JobRecord:
    """One job.

    Attributes
    ----------
    legs : combinations of its matrix, one empty one where there is none; None: known only when it runs
    need_places : need → where its text stands, and whether in a list of its own lines
    reads : jobs whose `needs.X` it reads
    plain : the whole job, to compare jobs
    timeout : as written, empty where nothing is
    fail_fast : as written, empty where nothing is
    artifacts_in, artifacts_out : whether it downloads or uploads any
    """

    job_id: str
    block: Block
    needs: tuple[str, ...] = ()
    name: str = ""
    runs_on: str = ""
    condition: str = ""
    timeout: str = ""
    environment: str = ""
    uses: str = ""
    legs: tuple[Mapping[str, str], ...] | None = ({},)
    has_matrix: bool = False
    fail_fast: str = ""
    strategy: Block | None = None
    steps: tuple[StepRecord, ...] = ()
    outputs: tuple[str, ...] = ()
    reads: frozenset[str] = frozenset()
    need_places: Mapping[str, NeedPlace] = field(default_factory=dict)
    is_manual: bool = False
    plain: Mapping[str, Plain] = field(default_factory=dict)

    @property
    def width(self) -> int:
        """Count the jobs that it becomes; 1 where that is known only when it runs."""
        return 1 if self.legs is None else len(self.legs)


@dataclass(frozen=True, slots=True)
class EventRecord:
    """What starts a workflow: filters of one event, empty where none is set.

    `line` and `column` are those of its key, -1 where the events are a list; `is_empty` where nothing follows it.
    """

    branches: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    line: int = -1
    column: int = -1
    is_empty: bool = False


@dataclass(frozen=True, slots=True)
class WorkflowRecord:
    """One file.

    Attributes
    ----------
    text : the file, byte for byte in UTF-8, which is what an export without edits gives
    first_line : of the first key, counted from 0; new keys of the top level go before `jobs_line`
    cancels : as written in `concurrency.cancel-in-progress`, empty where nothing is
    """

    path: str
    provider: str
    text: str
    plain: Mapping[str, Plain]
    jobs: tuple[JobRecord, ...]
    name: str = ""
    events: Mapping[str, EventRecord] = field(default_factory=dict)
    has_concurrency: bool = False
    cancels: str = ""
    jobs_line: int = 0

    def job(self, job_id: str) -> JobRecord:
        """Give a job; raises KeyError."""
        return {job.job_id: job for job in self.jobs}[job_id]
