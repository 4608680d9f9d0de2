"""Which jobs of a workflow wait for which, how long they wait, and how often they run: read off past runs.

The store knows when jobs ran, not what their workflow file asked for. A job that has never begun before another one
ended needs it, or might as well.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from cipredict.forecast.run_features import JOB_SEPARATOR, QUEUE_SUFFIX
from cipredict.learn.run_time import TimedRun

_KEPT = 40
"""Runs of a workflow that are looked at, the newest."""
_TOGETHER = 5
"""Runs in which both jobs took part, at least, before one may need the other."""
_SLACK_S = 1.0
"""Clocks of CI systems tick in seconds."""


@dataclass(slots=True)
class JobPlace:
    """A job's place in its workflow.

    Attributes
    ----------
    needs : jobs that end before it begins, without those that follow from others
    waits : seconds from the moment it could have begun, newest last
    shares : event → share of runs in which it ran; "" is any event
    """

    needs: tuple[str, ...] = ()
    waits: list[float] = field(default_factory=list)
    shares: dict[str, float] = field(default_factory=dict)

    def to_json(self) -> dict[str, object]:
        """Give what `predict pipeline` needs."""
        waits = [round(wait, 1) for wait in self.waits]
        return {"needs": list(self.needs), "waits": waits, "shares": {k: round(v, 4) for k, v in self.shares.items()}}


Jobs = Mapping[str, TimedRun]


def places_of(runs: Sequence[TimedRun]) -> dict[str, JobPlace]:
    """Give the place of every job, by its series."""
    whole = {(run.series, run.run): run for run in runs if JOB_SEPARATOR not in run.series}
    jobs: defaultdict[tuple[str, int], dict[str, TimedRun]] = defaultdict(dict)
    for run in runs:
        workflow, separator, job = run.series.partition(JOB_SEPARATOR)
        if separator and not job.endswith(QUEUE_SUFFIX):
            jobs[workflow, run.run][job] = run
    workflows: defaultdict[str, list[tuple[float, Jobs]]] = defaultdict(list)
    for (workflow, number), held in jobs.items():
        first = whole.get((workflow, number))
        start = first.started_at if first else min(job.started_at for job in held.values())
        workflows[workflow].append((start.timestamp(), held))
    found: dict[str, JobPlace] = {}
    for workflow, past in workflows.items():
        recent = sorted(past, key=lambda one: one[0])[-_KEPT:]
        found |= {f"{workflow}{JOB_SEPARATOR}{job}": place for job, place in _places(recent).items()}
    return found


def _places(past: Sequence[tuple[float, Jobs]]) -> dict[str, JobPlace]:
    names = sorted({job for _, held in past for job in held})
    needs = _needs([held for _, held in past], names)
    return {
        job: JobPlace(needs[job], _waits(past, job, needs[job]), _shares([held for _, held in past], job))
        for job in names
    }


def _needs(past: Sequence[Jobs], names: Sequence[str]) -> dict[str, tuple[str, ...]]:
    before = {job: {other for other in names if other != job and _always_follows(past, other, job)} for job in names}
    return {
        job: tuple(sorted(needed - {earlier for other in needed for earlier in before[other]}))
        for job, needed in before.items()
    }


def _always_follows(past: Sequence[Jobs], before: str, after: str) -> bool:
    both = [(held[before], held[after]) for held in past if before in held and after in held]
    return len(both) >= _TOGETHER and all(_follows(*pair) for pair in both)


def _follows(before: TimedRun, after: TimedRun) -> bool:
    return (after.started_at - before.finished_at).total_seconds() >= -_SLACK_S


def _waits(past: Sequence[tuple[float, Jobs]], job: str, needs: Sequence[str]) -> list[float]:
    waits = []
    for start, held in past:
        if job in held:
            ready = max([start, *(held[need].finished_at.timestamp() for need in needs if need in held)])
            waits.append(max(held[job].started_at.timestamp() - ready, 0.0))
    return waits


def _shares(past: Sequence[Jobs], job: str) -> dict[str, float]:
    ran: defaultdict[str, list[bool]] = defaultdict(list)
    for held in past:
        event = next(iter(held.values())).event
        for key in {event, ""}:
            ran[key].append(job in held)
    return {event: sum(took_part) / len(took_part) for event, took_part in ran.items()}
