"""Features of a run's or job's wall seconds: its series' recent past, the change, the hour.

Shared by the nightly fit and `predict run`, so that what is served is what was trained.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import fmean, median

import numpy as np

from cipredict.forecast.features import ChangeFacts
from cipredict.forecast.state import Floats

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
)
OFFSET_S = 1.0
"""CI clocks tick in seconds; below one a ratio means nothing."""
KEPT = 20


@dataclass(frozen=True, slots=True)
class SeriesPast:
    """One series (a workflow's run, or one of its jobs) as known now.

    Attributes
    ----------
    seconds : wall seconds, newest last, at most `KEPT`, never empty
    branch_last_s : wall seconds of the branch's last run, None where it has none
    cases_s : seconds that its cases took last time, 0 where unknown
    """

    seconds: tuple[float, ...]
    branch_last_s: float | None = None
    cases_s: float = 0.0


def run_baselines(past: SeriesPast) -> dict[str, float]:
    """Give the simple forecasts: last value, median of 3 and of 20, mean of 7, EWMA (weight 0.2), all in seconds.

    On real GitHub jobs these reach WAPE 6.5 to 6.8 % (research: formats, section 3).
    """
    seconds = past.seconds
    return {
        "last": seconds[-1],
        "median3": median(seconds[-3:]),
        "median20": median(seconds[-20:]),
        "mean7": fmean(seconds[-7:]),
        "ewma": _ewma(seconds, 0.2),
    }


def _ewma(seconds: Sequence[float], weight: float) -> float:
    value = seconds[0]
    for newer in seconds[1:]:
        value += weight * (newer - value)
    return value


def run_features(past: SeriesPast, facts: ChangeFacts, started_at: datetime) -> Floats:
    """Give one row, shape (1, len(RUN_FEATURES)), finite."""
    logs = np.log(np.asarray(past.seconds) + OFFSET_S)
    lines = sum((change.added or 0) + (change.deleted or 0) for change in facts.changes)
    branch_last = past.branch_last_s if past.branch_last_s is not None else past.seconds[-1]
    row = (
        logs[-1],
        float(np.median(logs[-5:])),
        float(np.log(_ewma(past.seconds, 0.2) + OFFSET_S)),
        float(logs[-10:].std()),
        float(np.log(branch_last + OFFSET_S)),
        float(np.log(past.cases_s + OFFSET_S)),
        len(past.seconds),
        len(facts.changes),
        len(facts.sources),
        len(facts.tests),
        float(np.log1p(lines)),
        float(facts.is_base_push),
        started_at.hour + started_at.minute / 60,
        started_at.weekday(),
    )
    return np.asarray([row], np.float32)
