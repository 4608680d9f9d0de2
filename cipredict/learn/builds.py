"""One commit, one build; and verdicts that other runs of the same code contradict.

Workflows and jobs of a commit that ran at the same time are one answer of the CI to it: the replay sees them as one
run, which has finished when all of them have. Whether two runs overlap is known when the second one starts, so nothing
that came later decides what an earlier run could know.

::

    commit a  ├── unit ──┤                           one build: ├────────┤
                   ├── lint ──┤
    commit a                        ├── unit ──┤     tested again: a run of its own, whose verdicts may contradict
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from cipredict.forecast.features import ChangeFacts
from cipredict.forecast.state import Floats, Ints
from cipredict.learn.history import FAILED, PASSED, SKIPPED, History, PastRun

Times = NDArray[np.float64]
_SEVERITY = np.array([1, 2, 0], np.int8)
"""Of the codes PASSED, FAILED, SKIPPED: the worst verdict of a case is the build's."""
NEVER = np.iinfo(np.int32).max
"""A position that no history reaches."""


def as_builds(history: History) -> History:
    """Give the same history with doubted verdicts marked and the runs of one build joined, in the order of start."""
    return replace(history, runs=join_builds(doubt_contradicted(history.runs)))


def doubt_contradicted(runs: Sequence[PastRun]) -> list[PastRun]:
    """Mark the verdicts that a rerun, or another run of the same tree and workflow, contradicts.

    A verdict is doubted from the time on when both answers were known; before, nobody could.
    """
    by_code: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for number, run in enumerate(runs):
        if run.tree:
            by_code[run.tree, run.workflow].append(number)
    doubted = [_rerun_at(run) for run in runs]
    for numbers in by_code.values():
        if len(numbers) > 1:
            slots, known_at = _contradicted([runs[number] for number in numbers])
            for number in numbers:
                run = runs[number]
                _, here, there = np.intersect1d(run.slots, slots, assume_unique=True, return_indices=True)
                doubted[number][here] = np.minimum(doubted[number][here], np.maximum(known_at[there], _finish(run)))
    return [replace(run, doubted_at=at) for run, at in zip(runs, doubted, strict=True)]


def _rerun_at(run: PastRun) -> Times:
    """Give the time from which on the run's own reruns contradicted a verdict: its end."""
    return np.where(run.is_flaky, _finish(run), np.inf)


def _finish(run: PastRun) -> float:
    return run.finished_at.timestamp()


def _contradicted(runs: Sequence[PastRun]) -> tuple[Ints, Times]:
    """Give the slots that both passed and failed, sorted, and the time when both were known."""
    slots = np.unique(np.concatenate([run.slots[run.failed] for run in runs]))
    first = np.full((2, len(slots)), np.inf)
    for run in runs:
        for code in (PASSED, FAILED):
            came_out = np.isin(slots, run.slots[run.verdicts == code], assume_unique=True)
            first[code, came_out] = np.minimum(first[code, came_out], _finish(run))
    known_at = first.max(axis=0)
    return slots[np.isfinite(known_at)], known_at[np.isfinite(known_at)]


def join_builds(runs: Sequence[PastRun]) -> list[PastRun]:
    """Join the runs of one commit that overlap; `runs` and the result are ordered by start."""
    builds: list[list[PastRun]] = []
    latest: dict[str, list[PastRun]] = {}
    for run in runs:
        build = latest.get(run.commit) if run.commit else None
        if build and run.started_at < max(part.finished_at for part in build):
            build.append(run)
        else:
            builds.append([run])
            latest[run.commit] = builds[-1]
    return [_joined(build) if len(build) > 1 else build[0] for build in builds]


def _joined(parts: Sequence[PastRun]) -> PastRun:
    """Give one run: the worst verdict of each case, its mean seconds, the union of the changes."""
    first, finished_at = parts[0], max(part.finished_at for part in parts)
    slots, place = np.unique(np.concatenate([part.slots for part in parts]), return_inverse=True)
    verdicts = np.concatenate([part.verdicts for part in parts])
    spread = partial(_per_case, place=place, n=len(slots))
    worst = spread(np.maximum, _SEVERITY[verdicts], start=0)
    decides = _SEVERITY[verdicts] == worst[place]
    doubts = np.concatenate([_rerun_at(part) if part.doubted_at is None else part.doubted_at for part in parts])
    memory = [part.peak_memory_bytes for part in parts]
    peaks = np.concatenate([np.zeros(len(p.slots)) if m is None else m for p, m in zip(parts, memory, strict=True)])
    return replace(
        first,
        finished_at=finished_at,
        facts=_joined_facts([part.facts for part in parts]),
        slots=slots.astype(np.int32),
        verdicts=np.array([SKIPPED, PASSED, FAILED], np.int8)[worst.astype(np.intp)],
        seconds=_means(np.concatenate([part.seconds for part in parts]), place=place, n=len(slots)),
        is_flaky=spread(np.maximum, np.concatenate([part.is_flaky for part in parts]), start=0) > 0,
        doubted_at=spread(np.maximum, np.where(decides, doubts, -np.inf), start=-np.inf),
        wall_s=(finished_at - first.started_at).total_seconds(),
        workflow=first.workflow if len({part.workflow for part in parts}) == 1 else "",
        peak_memory_bytes=_or_unknown(spread(np.fmax, peaks, start=0)) if any(m is not None for m in memory) else None,
    )


def _per_case(
    combine: np.ufunc, values: NDArray[np.generic], *, start: float, place: NDArray[np.intp], n: int
) -> Times:
    combined = np.full(n, start, np.float64)
    combine.at(combined, place, values)
    return combined


def _means(seconds: Floats, *, place: NDArray[np.intp], n: int) -> Floats:
    """Give the mean of the known seconds per case, NaN where none is."""
    known = np.isfinite(seconds)
    counts = np.bincount(place[known], minlength=n)
    sums = np.bincount(place[known], seconds[known], minlength=n)
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan).astype(np.float32)


def _or_unknown(peaks: Times) -> Floats:
    return np.where(peaks > 0, peaks, np.nan).astype(np.float32)


def _joined_facts(facts: Sequence[ChangeFacts]) -> ChangeFacts:
    by_path = {change.path: change for part in reversed(facts) for change in part.changes}
    leading = next((part for part in facts if part.is_base_push), facts[0])
    branch = leading.branch or next((part.branch for part in facts if part.branch), "")
    return ChangeFacts(tuple(by_path[path] for path in sorted(by_path)), branch, leading.is_base_push)


def doubted_from(runs: Sequence[PastRun]) -> list[Ints]:
    """Give, per run and case, the position of the first run that started after a contradiction, NEVER without one.

    `len(runs)` where no run did yet.
    """
    starts = np.array([run.started_at.timestamp() for run in runs])
    return [_positions(starts, run) for run in runs]


def _positions(starts: Times, run: PastRun) -> Ints:
    doubted_at = _rerun_at(run) if run.doubted_at is None else run.doubted_at
    return np.where(np.isfinite(doubted_at), np.searchsorted(starts, doubted_at), NEVER).astype(np.int32)
