"""Histories of jobs that measured base and head, on machines of any speed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import numpy as np

from cipredict.perf.align import JobPair
from cipredict.records import BenchmarkRecord, BenchmarkRun

NAMES = tuple(f"b{k}" for k in range(12))
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


def make_history(
    jobs: int,
    *,
    noise: float = 0.01,
    slower: Mapping[str, float] | None = None,
    since: int = 0,
    same_code: bool = False,
) -> list[JobPair]:
    """Give a job a day. From job `since` on, head is slower by the factors; `same_code`: both sides are one commit."""
    random = np.random.default_rng(0)
    pairs = []
    for day in range(jobs):
        machine = random.lognormal(0, 0.2)
        factors = (slower or {}) if day >= since else {}
        sides = []
        for side in ("base", "head"):
            records = tuple(
                BenchmarkRecord(
                    name, ((_value(random, machine, noise) * (factors.get(name, 1.0) if side == "head" else 1.0),),)
                )
                for name in NAMES
            )
            sha = f"{day:040x}" if side == "head" or same_code else f"{day - 1:040x}"
            at = BEGIN + timedelta(days=day)
            sides.append(BenchmarkRun(records, job=f"job{day}", sha=sha, measured_at=at))
        pairs.append(JobPair(sides[0], sides[1], same_job=True))
    return pairs


def _value(random: np.random.Generator, machine: float, noise: float) -> float:
    return float(machine * random.lognormal(0, noise))
