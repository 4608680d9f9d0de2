"""When a pipeline will have finished: its jobs through their needs, drawn again and again from how they went before.

A draw takes one of the last runs and lets every job be as early or late against its own forecast, and wait as long
before it starts, as it did then: what slows a whole run slows all of its jobs. A job that did not always run takes part
in its share of the draws. The finish is the last job's, so parallel jobs are not added up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from graphlib import CycleError, TopologicalSorter
from typing import Any  # a series is JSON, its shape by the bundle's schema

import numpy as np
from numpy.typing import NDArray

from cipredict.errors import InputError
from cipredict.forecast.bundle import Bundle
from cipredict.forecast.features import ChangeFacts
from cipredict.forecast.run_features import JOB_SEPARATOR, OFFSET_S, QUEUE_SUFFIX
from cipredict.forecast.runs import forecast_run

DRAWS = 2000
Floats = NDArray[np.float64]
Needs = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class JobForecast:
    """One job of a pipeline.

    Attributes
    ----------
    expected_s : of the job itself
    start_p50_s, finish_p50_s, finish_p90_s : after the pipeline's start, over the draws in which it runs
    p_runs : share of past runs of this event in which it ran
    p_last : share of draws in which the pipeline ends with it
    """

    job: str
    needs: tuple[str, ...]
    expected_s: float
    start_p50_s: float
    finish_p50_s: float
    finish_p90_s: float
    p_runs: float
    p_last: float


@dataclass(frozen=True, slots=True)
class PipelineForecast:
    """Seconds from a pipeline's start to its end.

    Attributes
    ----------
    sum_s : of the jobs' expected seconds, what one machine would need
    draws : simulated runs behind the quantiles
    """

    pipeline: str
    p50_s: float
    p90_s: float
    sum_s: float
    draws: int
    jobs: tuple[JobForecast, ...]


def forecast_pipeline(
    bundle: Bundle,
    pipeline: str,
    facts: ChangeFacts,
    *,
    started_at: datetime,
    event: str = "",
    needs: Needs | None = None,
) -> PipelineForecast:
    """Simulate the next run of a workflow; `needs` replaces the order that its past runs showed.

    Raises
    ------
    InputError
        No job of such a workflow is known, or the needs go round in a circle.
    """
    series = bundle.manifest.series
    prefix = pipeline + JOB_SEPARATOR
    jobs = sorted(
        name.removeprefix(prefix) for name in series if name.startswith(prefix) and not name.endswith(QUEUE_SUFFIX)
    )
    jobs = [job for job in jobs if "shares" in series[prefix + job]] or jobs  # those of its latest runs
    if not jobs:
        known = sorted({name.partition(JOB_SEPARATOR)[0] for name in series if JOB_SEPARATOR in name})
        raise InputError(
            f"No jobs of {pipeline!r} in the history; known pipelines: {', '.join(map(repr, known)) or 'none'}.",
            slug="series-unknown",
        )
    memories = {job: series[prefix + job] for job in jobs}
    expected = {
        job: forecast_run(bundle, prefix + job, facts, started_at=started_at, event=event).expected_s for job in jobs
    }
    known_needs: Needs = {job: tuple(series[prefix + job].get("needs", ())) for job in jobs}  # type: ignore[arg-type]  # by the schema
    before = {job: tuple((known_needs if needs is None else needs).get(job, ())) for job in jobs}
    return simulate(pipeline, memories, expected=expected, needs=before, event=event)


def simulate(
    pipeline: str,
    memories: Mapping[str, Mapping[str, Any]],
    *,
    expected: Mapping[str, float],
    needs: Needs,
    event: str,
    seed: int = 0,
) -> PipelineForecast:
    """Draw runs from what is remembered of each job: `errors` (log ratios), `waits` (seconds), `shares` (by event)."""
    dice = np.random.default_rng(seed)
    draw = dice.integers(0, 2**31, DRAWS)
    start: dict[str, Floats] = {}
    finish: dict[str, Floats] = {}
    runs: dict[str, NDArray[np.bool_]] = {}
    for job in _in_order(needs):
        memory = memories[job]
        ready = np.max([np.zeros(DRAWS), *(np.where(runs[need], finish[need], 0.0) for need in needs[job])], axis=0)
        error = _drawn(memory.get("errors", ()), draw)
        start[job] = ready + np.maximum(_drawn(memory.get("waits", ()), draw), 0.0)
        finish[job] = start[job] + np.maximum((expected[job] + OFFSET_S) * np.exp(error) - OFFSET_S, 0.0)
        runs[job] = dice.random(DRAWS) < _share(memory, event)
    ends = np.stack([np.where(runs[job], finish[job], 0.0) for job in finish])
    last = ends.argmax(axis=0)
    p50, p90 = np.quantile(ends.max(axis=0), (0.5, 0.9))
    return PipelineForecast(
        pipeline=pipeline,
        p50_s=float(p50),
        p90_s=float(p90),
        sum_s=float(sum(expected.values())),
        draws=DRAWS,
        jobs=tuple(
            JobForecast(
                job=job,
                needs=tuple(needs[job]),
                expected_s=expected[job],
                start_p50_s=_quantile(start[job][runs[job]], 0.5),
                finish_p50_s=_quantile(finish[job][runs[job]], 0.5),
                finish_p90_s=_quantile(finish[job][runs[job]], 0.9),
                p_runs=_share(memories[job], event),
                p_last=float((last == place).mean()),
            )
            for place, job in enumerate(finish)
        ),
    )


def _in_order(needs: Needs) -> list[str]:
    """Give the jobs, each after those that it needs; needs that are no job of the pipeline are an error."""
    unknown = sorted({need for wanted in needs.values() for need in wanted} - needs.keys())
    if unknown:
        raise InputError(f"Needed by a job but not in the history: {', '.join(unknown)}.", slug="series-unknown")
    try:
        return list(TopologicalSorter(needs).static_order())
    except CycleError as error:
        raise InputError(
            f"Jobs need each other in a circle: {' > '.join(error.args[1])}.", slug="needs-circle"
        ) from None


def _drawn(remembered: Sequence[float], draw: NDArray[np.int64]) -> Floats:
    """Take the same run of the past for every job, the newest first; nothing remembered is 0."""
    values = np.asarray(remembered[::-1], np.float64)
    return values[draw % len(values)] if len(values) else np.zeros(len(draw))


def _share(memory: Mapping[str, Any], event: str) -> float:
    shares = memory.get("shares", {})
    return float(shares.get(event, shares.get("", 1.0)))


def _quantile(values: Floats, level: float) -> float:
    return float(np.quantile(values, level)) if len(values) else 0.0
