"""Features of a run's or job's wall seconds: its series' recent past, the change, the hour.

Shared by the nightly fit and `predict run`, so that what is served is what was trained.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from statistics import fmean, median

import numpy as np

from cipredict.forecast.features import ChangeFacts
from cipredict.forecast.state import Floats
from cipredict.records import Change  # noqa: F401  # of the doctest

RUN_FEATURES = (
    "log_last",
    "log_median5",
    "log_ewma",
    "log_spread",
    "log_branch_last",
    "log_cases_s",
    "n_measured",
    "n_paths",
    "n_sources",
    "n_tests",
    "log_lines",
    "is_base_push",
    "hour",
    "weekday",
    "log_event",
    "log_files",
    "log_event_branch",
    "log_event_files",
    "log_runner",
    "log_leader",
    "is_pull_request",
    "is_schedule",
    "n_running",
)
FEATURES_BEFORE = 14
"""So many, the first, read the learners of versions that knew no groups."""
OFFSET_S = 1.0
"""CI clocks tick in seconds; below one a ratio means nothing."""
KEPT = 20
JOB_SEPARATOR = " / "
"""Between workflow and job in the name of a job's series."""
QUEUE_SUFFIX = " (queued)"
"""Ends the name of a series of seconds that a job waited for a machine."""
GROUPS = ("event", "branch", "files", "runner", "event_branch", "event_files")
"""What runs may have in common; `files` are the kinds of changed files."""
DEFAULT = "median20"
LEADER = "leader"


@dataclass(frozen=True, slots=True)
class SeriesPast:
    """One series (a workflow's run, or one of its jobs) as known now.

    Attributes
    ----------
    seconds : wall seconds, newest last, at most `KEPT`, never empty
    groups : of `GROUPS` → typical wall seconds of those before in the same group as this run; absent where none was
    cases_s : seconds that its cases took last time, 0 where unknown
    running : runs and jobs of the project beside it
    leader : the simple forecast that was best lately
    """

    seconds: tuple[float, ...]
    groups: Mapping[str, float] = field(default_factory=dict)
    cases_s: float = 0.0
    running: float = 0.0
    leader: str = DEFAULT


def group_keys(facts: ChangeFacts, *, event: str = "", runner: str = "") -> dict[str, str]:
    """Give what a run has in common with others, by the name of the group.

    >>> group_keys(ChangeFacts((Change("a/b.py"), Change("README.md")), "main"), event="push")["event_files"]
    'push md,py'
    """
    files = ",".join(sorted({_suffix(change.path) for change in facts.changes}))
    common = {"event": event, "branch": facts.branch, "files": files, "runner": runner}
    return {**common, "event_branch": f"{event} {facts.branch}", "event_files": f"{event} {files}"}


def _suffix(path: str) -> str:
    name = path.rpartition("/")[2]
    return name.rpartition(".")[2] if "." in name else name


def run_baselines(past: SeriesPast) -> dict[str, float]:
    """Give the simple forecasts in seconds: last, medians, mean of 7, EWMA (weight 0.2), and which of all leads.

    On real GitHub jobs these reach WAPE 6.5 to 6.8 % (research: formats, section 3).
    """
    simple = _simple(past.seconds)
    return {**simple, LEADER: run_experts(past)[past.leader]}


def run_experts(past: SeriesPast) -> dict[str, float]:
    """Give the simple forecasts and the typical seconds of each group, all in seconds; the leader is one of them."""
    simple = _simple(past.seconds)
    return {**simple, **{name: past.groups.get(name, simple[DEFAULT]) for name in GROUPS}}


def _simple(seconds: Sequence[float]) -> dict[str, float]:
    return {
        "last": seconds[-1],
        "median3": median(seconds[-3:]),
        DEFAULT: median(seconds[-20:]),
        "mean7": fmean(seconds[-7:]),
        "ewma": _ewma(seconds, 0.2),
    }


def _ewma(seconds: Sequence[float], weight: float) -> float:
    value = seconds[0]
    for newer in seconds[1:]:
        value += weight * (newer - value)
    return value


def run_features(past: SeriesPast, facts: ChangeFacts, started_at: datetime, *, event: str = "") -> Floats:
    """Give one row, shape (1, len(RUN_FEATURES)), finite."""
    logs = np.log(np.asarray(past.seconds) + OFFSET_S)
    lines = sum((change.added or 0) + (change.deleted or 0) for change in facts.changes)
    experts = run_experts(past)
    row = (
        logs[-1],
        float(np.median(logs[-5:])),
        _log(experts["ewma"]),
        float(logs[-10:].std()),
        _log(past.groups.get("branch", past.seconds[-1])),
        _log(past.cases_s),
        len(past.seconds),
        len(facts.changes),
        len(facts.sources),
        len(facts.tests),
        float(np.log1p(lines)),
        float(facts.is_base_push),
        started_at.hour + started_at.minute / 60,
        started_at.weekday(),
        *(_log(experts[name]) for name in ("event", "files", "event_branch", "event_files", "runner", past.leader)),
        float(event.startswith("pull_request")),
        float(event == "schedule"),
        past.running,
    )
    return np.asarray([row], np.float32)


def spread_of(past: SeriesPast) -> float:
    """Give the standard deviation of the log seconds of the last ten."""
    return float(np.log(np.asarray(past.seconds[-10:]) + OFFSET_S).std())


def _log(seconds: float) -> float:
    return float(np.log(seconds + OFFSET_S))
