"""The facts that `doctor` gathers: what is installed, stored, published, known. Values only; `health` judges them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from cipredict.decide.matching import Match


class Trouble(NamedTuple):
    """Why something could not be looked at: the message's slug, the message, what to do."""

    slug: str
    message: str
    hint: str = ""


class Package(NamedTuple):
    """A library that an extra asks for; `version` is None where it is not installed."""

    name: str
    version: str | None


@dataclass(frozen=True, slots=True)
class Environment:
    """Where this runs.

    Attributes
    ----------
    extras : extra → its libraries; the key is empty for what every installation needs
    provider : of the CI, empty outside of one
    git : why git cannot tell anything, None where it can
    """

    python: str
    extras: Mapping[str, Sequence[Package]]
    provider: str = ""
    git: Trouble | None = None
    is_shallow: bool = False
    commits: int = 0


@dataclass(frozen=True, slots=True)
class Limits:
    """What the settings ask for, and where they come from; `trouble` where they cannot be read."""

    source: str = "defaults"
    trouble: Trouble | None = None
    max_forecast_age_days: float = 30.0
    min_history_runs: int = 20


@dataclass(frozen=True, slots=True)
class History:
    """How much history a store holds; see `health_history.sql`."""

    runs: int
    timeless_runs: int
    reported_runs: int
    failing_runs: int
    changeless_runs: int
    case_runs: int
    untimed_case_runs: int
    first_at: datetime | None
    last_at: datetime | None


class ReportCount(NamedTuple):
    """Files that were read, of one status and reason."""

    status: str
    reason: str
    files: int
    example: str


class ExpiringSteps(NamedTuple):
    """Jobs whose steps are about to be dropped by GitHub."""

    jobs: int
    runs: int
    oldest_at: datetime | None


class FlakyCount(NamedTuple):
    """Flaky cases among those of the last days; `cases` is 0 where nothing ran in them.

    Without a known default branch, cases that are simply broken are not found.
    """

    flaky: int
    cases: int
    is_branch_known: bool = True


@dataclass(frozen=True, slots=True)
class StoreFacts:
    """The history file. What was not asked because of `trouble` is None."""

    path: str
    trouble: Trouble | None = None
    version: int = 0
    size_bytes: int = 0
    history: History | None = None
    reports: Sequence[ReportCount] = ()
    steps: ExpiringSteps | None = None
    flaky: FlakyCount | None = None


@dataclass(frozen=True, slots=True)
class BundleFacts:
    """The published forecast.

    Attributes
    ----------
    trouble : missing, corrupt, foreign or stale
    history_runs : that it was rolled from
    failing_runs : of its backtest's holdout, which a confidence is read from
    served_by : of failure forecasts, `cipredict` or a baseline, and why the ensemble does not serve
    """

    path: str
    trouble: Trouble | None = None
    created_at: datetime | None = None
    history_runs: int = 0
    failing_runs: int = 0
    served_by: str = ""
    reasons: Sequence[str] = ()
    cases: int = 0


@dataclass(frozen=True, slots=True)
class EventFacts:
    """What CI jobs remembered: files, events not yet in the store, lines that cannot be read."""

    folder: str
    files: int = 0
    pending: int = 0
    complaints: int = 0


@dataclass(frozen=True, slots=True)
class IdFacts:
    """The ids of a collection against those of each source (history, forecast) that has any.

    `was_asked`: somebody named a collection; `trouble` says why there was none.
    """

    was_asked: bool = False
    matches: Mapping[str, Match] = field(default_factory=dict)
    trouble: Trouble | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything."""

    now: datetime
    environment: Environment
    limits: Limits
    store: StoreFacts
    bundle: BundleFacts
    events: EventFacts
    ids: IdFacts
