"""Roll a state through history: before each run starts, only runs that had *finished* by then are in it.

Overlapping builds leak results otherwise (research: selection, section 0.6). The order of runs is by start; each
run enters the state once a later run starts at or after its finish.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from cipredict.forecast.features import ChangeFacts
from cipredict.forecast.state import HALF_LIVES, Episode, Floats, Ints, PathMemory, State
from cipredict.learn.carrying import add_counts, carry_cases, carry_paths
from cipredict.learn.history import FAILED, History, PastRun

Mask = NDArray[np.bool_]

MAX_EPISODES = 300
MAX_EPISODE_ENTRIES = 200_000
MAX_BRANCHES = 50
_PATH_DECAY = 0.5 ** (1 / 60)
_SECONDS_WEIGHT = 0.3
"""Weight of the newest duration in a case's typical seconds."""


def in_finish_order(history: History, *, start: int = 0) -> Iterator[tuple[int, PastRun, list[PastRun]]]:
    """Give each run (position, run) with the runs that finished since the one before it and before its own start.

    From position `start` on, where `replay` may go on with the state that it left there.
    """
    running = _running_at(history.runs, start)
    for position, run in enumerate(history.runs[start:], start):
        finished = []
        while running and running[0][0] <= run.started_at:
            finished.append(history.runs[heapq.heappop(running)[1]])
        yield position, run, finished
        heapq.heappush(running, (run.finished_at, position))


def _running_at(runs: list[PastRun], position: int) -> list[tuple[datetime, int]]:
    """Give the runs before `position` that had not finished when the last of them started, as a heap."""
    last = runs[position - 1] if position else None
    earlier = ((run.finished_at, number) for number, run in enumerate(runs[:position]))
    running = [one for one in earlier if last and (one[1] == position - 1 or one[0] > last.started_at)]
    heapq.heapify(running)
    return running


def replay(history: History, *, start: int = 0, state: State | None = None) -> Iterator[tuple[PastRun, State]]:
    """Give each run with the state known at its start. The state is one object, rolled on: read it at once.

    A replay that goes on takes the `state` as it was after the run before position `start` had been given.
    """
    state = state or State.blank(history.case_ids)
    pending = [known for known in (history.links, history.mutations) if known]
    if start:
        pending = [known for known in pending if known.recorded_at > history.runs[start - 1].started_at]
    for _, run, finished in in_finish_order(history, start=start):
        for past in finished:
            absorb(state, past)
        for known in [known for known in pending if known.recorded_at <= run.started_at]:
            known.attach(state)
            pending.remove(known)  # once: from here on renames carry them
        yield run, state


def final_state(history: History) -> State:
    """Give the state after every run of `history` has finished: what a bundle publishes."""
    state = State.blank(history.case_ids)
    for known in (history.links, history.mutations):
        if known:
            known.attach(state)
    for run in sorted(history.runs, key=lambda past: past.finished_at):
        absorb(state, run)
    return state


def absorb(state: State, run: PastRun) -> None:
    """Take a finished run into the state; what it renames goes on under the new name."""
    carry_cases(state, *run.continued(state.columns["runs"]))
    carry_paths(state, run.facts)
    ran = run.has_verdict
    slots, failed = run.slots[ran], (run.verdicts[ran] == FAILED).astype(np.float32)
    is_new = (failed > 0) & (state.columns["last_verdict"][slots] != 1)
    state.columns["last_tick"][run.slots] = state.tick
    _count(state, run, failed=failed, is_new=is_new)
    _time(state, run)
    _remember_change(state, run.facts, slots[is_new])
    if run.facts.branch:
        state.branch_failures.pop(run.facts.branch, None)
        state.branch_failures[run.facts.branch] = slots[failed > 0]
        while len(state.branch_failures) > MAX_BRANCHES:
            del state.branch_failures[next(iter(state.branch_failures))]
    state.tick += 1


def newly_failing(state: State, run: PastRun) -> Mask:
    """Tell which cases of a run fail now and did not fail in their previous run, shape (n,)."""
    return np.asarray(run.failed & (state.columns["last_verdict"][run.slots] != 1))


def _count(state: State, run: PastRun, *, failed: Floats, is_new: Mask) -> None:
    column, slots = state.columns, run.slots[run.has_verdict]
    previous = column["last_verdict"][slots]
    column["flips"][slots] += (previous >= 0) & (previous != failed)
    column["runs"][slots] += 1
    column["failures"][slots] += failed
    column["new_failures"][slots] += is_new
    column["last_failure_tick"][slots[failed > 0]] = state.tick
    column["first_tick"][slots] = np.where(column["first_tick"][slots] < 0, state.tick, column["first_tick"][slots])
    column["last_verdict"][slots] = failed
    column["red_streak"][slots] = (column["red_streak"][slots] + 1) * failed
    if run.facts.is_base_push:
        column["base_verdict"][slots] = failed
    for half_life in HALF_LIVES:
        keep = 0.5 ** (1 / half_life)
        for name, add in ((f"decayed_failures_{half_life}", failed), (f"decayed_runs_{half_life}", 1.0)):
            column[name][slots] = column[name][slots] * keep + add


def _time(state: State, run: PastRun) -> None:
    timed = np.isfinite(run.seconds)
    slots, seconds = run.slots[timed], run.seconds[timed]
    column = state.columns
    first = column["runs_timed"][slots] == 0
    blended = column["typical_s"][slots] * (1 - _SECONDS_WEIGHT) + seconds * _SECONDS_WEIGHT
    column["typical_s"][slots] = np.where(first, seconds, blended)
    column["runs_timed"][slots] += 1


def _remember_change(state: State, facts: ChangeFacts, newly_failed: Ints) -> None:
    sources = facts.sources
    for path in sources:
        _remember_path(state.paths.setdefault(path, PathMemory()), newly_failed)
    if sources and len(newly_failed):
        state.episodes.append(Episode(state.tick, frozenset(sources), newly_failed.astype(np.int32)))
        while len(state.episodes) > MAX_EPISODES or sum(len(e.cases) for e in state.episodes) > MAX_EPISODE_ENTRIES:
            state.episodes.pop(0)


def _remember_path(memory: PathMemory, newly_failed: Ints) -> None:
    memory.changes = memory.changes * _PATH_DECAY + 1
    memory.new_failures = memory.new_failures * np.float32(_PATH_DECAY)
    add_counts(memory, newly_failed, 1)
