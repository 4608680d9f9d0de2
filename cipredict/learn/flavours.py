"""How much longer or shorter each case takes on an operating system, Python or machine than on the average of them.

A flavour is read off a job's name and runner label: `test (ubuntu-latest, 3.11)` is `ubuntu 3.11`. Where a run reports
a case from several flavours, the case's own forecast is for their mean; the factors here turn it into one flavour's.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np

from cipredict.forecast.neighbours import weighted_median
from cipredict.forecast.state import Floats

_SYSTEM = re.compile(r"ubuntu|debian|fedora|alpine|linux|windows|macos|freebsd", re.IGNORECASE)
_PYTHON = re.compile(r"(?<![\d.])(?:py(?:thon)?[ -]?)?(3\.\d{1,2})(?![\d.])", re.IGNORECASE)
_FEW = 3
"""With fewer measurements a case takes the flavour's common factor, which stands for the machine's speed."""
_WIDEST = 20.0


class JobTime(NamedTuple):
    """Median seconds of a case (slot) in one job of the recent runs, and in how many it was measured."""

    job: str
    runner: str
    slot: int
    seconds: float
    runs: int


def flavour_of(job: str, runner: str) -> str:
    """Name the flavour of a job; empty where neither name nor runner tells.

    >>> flavour_of("test (windows-latest, 3.12)", "")
    'windows 3.12'
    """
    texts = (job, runner)
    system = next((found.group().lower() for text in texts if (found := _SYSTEM.search(text))), "")
    python = next((found.group(1) for text in texts if (found := _PYTHON.search(text))), "")
    return " ".join(part for part in (system, python) if part)


def flavour_factors(times: Iterable[JobTime], n_cases: int) -> dict[str, Floats]:
    """Give the factor of every case, shape (n_cases,), per flavour; nothing where there are not two to compare."""
    seconds: defaultdict[str, Floats] = defaultdict(lambda: np.full(n_cases, np.nan, np.float32))
    runs: defaultdict[str, Floats] = defaultdict(lambda: np.zeros(n_cases, np.float32))
    for time in times:
        flavour = flavour_of(time.job, time.runner)
        if flavour:
            old, weight = seconds[flavour][time.slot], runs[flavour][time.slot]
            both = time.runs + weight
            seconds[flavour][time.slot] = (time.seconds * time.runs + (old * weight if weight else 0.0)) / both
            runs[flavour][time.slot] = both
    if len(seconds) < 2:  # one has nobody to be compared with
        return {}
    return _factors(seconds, runs)


def _factors(seconds: Mapping[str, Floats], runs: Mapping[str, Floats]) -> dict[str, Floats]:
    known = np.stack(list(seconds.values()))
    counts = np.isfinite(known).sum(axis=0)
    mean = np.nansum(known, axis=0) / np.maximum(counts, 1)
    compared = (counts == len(known)) & (mean > 0)
    factors = {}
    for flavour, own in seconds.items():
        ratio = np.clip(own[compared] / mean[compared], 1 / _WIDEST, _WIDEST)
        common = weighted_median(zip(ratio.tolist(), mean[compared].tolist(), strict=True)) if compared.any() else 1.0
        factors[flavour] = np.full(len(own), common, np.float32)
        trusted = np.flatnonzero(compared)[runs[flavour][compared] >= _FEW]
        factors[flavour][trusted] = np.clip(own[trusted] / mean[trusted], 1 / _WIDEST, _WIDEST)
    return factors
