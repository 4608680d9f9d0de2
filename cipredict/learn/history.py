"""The store's history as arrays: runs in time order, each with its change and the verdicts of its cases."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from cipredict.forecast.features import ChangeFacts
from cipredict.forecast.state import Floats, Ints
from cipredict.learn.links import Links

PASSED, FAILED, SKIPPED = 0, 1, 2
"""Verdict codes: an error counts as failed; a skipped case has no verdict."""


@dataclass(frozen=True, slots=True)
class PastRun:
    """One run as the replay sees it.

    Attributes
    ----------
    slots : cases of the run, shape (n,)
    verdicts : PASSED, FAILED or SKIPPED per case, shape (n,)
    seconds : duration per case, NaN where unknown, shape (n,)
    is_flaky : a rerun disagreed with the verdict, shape (n,)
    wall_s : duration of the run, NaN where unknown
    peak_memory_bytes : per case, NaN where unknown; None where no case has it
    """

    run_id: str
    started_at: datetime
    finished_at: datetime
    facts: ChangeFacts
    event: str
    slots: Ints
    verdicts: NDArray[np.int8]
    seconds: Floats
    is_flaky: NDArray[np.bool_]
    wall_s: float = float("nan")
    workflow: str = ""
    peak_memory_bytes: Floats | None = None

    @property
    def failed(self) -> NDArray[np.bool_]:
        """Cases that failed, shape (n,)."""
        return np.asarray(self.verdicts == FAILED)

    @property
    def has_verdict(self) -> NDArray[np.bool_]:
        """Cases that ran, shape (n,): everything but the skipped."""
        return np.asarray(self.verdicts != SKIPPED)


@dataclass(frozen=True, slots=True)
class History:
    """All runs known at `as_of`, ordered by start.

    Attributes
    ----------
    case_ids : slot → id
    links : coverage and imports; a replay sees them only in runs that started after they were recorded
    """

    case_ids: list[str]
    runs: list[PastRun]
    as_of: datetime
    repository: str = ""
    default_branch: str = ""
    links: Links | None = None

    def split(self, share: float) -> int:
        """Give the number of runs in the first `share` (0…1) by time order."""
        return int(len(self.runs) * share)
