"""When a schedule will really end: durations are drawn from their forecasts, and stages start in the planned order."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

from cipredict.decide.scheduling.generation import parallel_schedule
from cipredict.decide.scheduling.project import Project

_DRAWN_TASKS = 100_000
"""Of all draws together: 0.3 s."""


@dataclass(frozen=True, slots=True)
class Spread:
    """A forecast of one duration: the interval holds `coverage` of the runs, half of the others on each side."""

    low_ms: int
    expected_ms: int
    high_ms: int


@dataclass(frozen=True, slots=True)
class Finish:
    """When the last task ends, in milliseconds."""

    p10_ms: int
    p50_ms: int
    p90_ms: int
    draws: int


def simulate_finish(
    project: Project, starts: Sequence[int], spreads: Sequence[Spread], *, coverage: float = 0.9, seed: int = 0
) -> Finish:
    """Draw all durations, start what fits in the order of `starts`, as an executor does, and take the end.

    A duration is lognormal on each side of its expectation, independent of the others.
    """
    reach = NormalDist().inv_cdf(0.5 + coverage / 2)
    draws = min(max(_DRAWN_TASKS // max(len(project), 1), 100), 1000)
    generator = random.Random(seed)  # noqa: S311  # no secret: a seeded simulation
    ends = []
    for _ in range(draws):
        took = [_draw(spread, generator.gauss(0, 1) / reach) for spread in spreads]
        begun = parallel_schedule(project, starts, took)
        ends.append(max((start + ms for start, ms in zip(begun, took, strict=True)), default=0))
    ends.sort()
    return Finish(ends[draws // 10], ends[draws // 2], ends[min(round(draws * 0.9), draws - 1)], draws)


def _draw(spread: Spread, deviation: float) -> int:
    """Give the expectation at 0, the interval's ends at -1 and 1."""
    bound = spread.high_ms if deviation > 0 else spread.low_ms
    if not spread.expected_ms or bound <= 0:
        return round(spread.expected_ms * max(1 - abs(deviation), 0.0) if deviation < 0 else spread.expected_ms)
    return round(spread.expected_ms * float((bound / spread.expected_ms) ** abs(deviation)))
