"""What the state remembers under one name, continued under another; the old name keeps its own.

Copied rather than moved: while one branch has the new name, others run the old one.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from cipredict.forecast.features import ChangeFacts
from cipredict.forecast.renames import former_paths, renamed_episodes
from cipredict.forecast.state import Floats, Ints, PathFaults, PathMemory, State


def carry_cases(state: State, old: Ints, new: Ints) -> None:
    """Let slots `new` (n,) take over everything that is known of slots `old` (n,)."""
    if not len(old):
        return
    for column in state.columns.values():
        column[new] = column[old]
    for memory in state.paths.values():
        _carry_counts(memory, old, new)
    state.episodes[:] = [replace(episode, cases=_and_new(episode.cases, old, new)) for episode in state.episodes]
    state.covered = {path: _and_new(cases, old, new) for path, cases in state.covered.items()}
    state.mutated = {path: _carry_kills(faults, old, new) for path, faults in state.mutated.items()}


def carry_paths(state: State, facts: ChangeFacts) -> None:
    """Let renamed paths take over what is known of their former ones; the longer memory goes on.

    Episodes have one name for a path: the default branch's.
    """
    former_of = former_paths(facts.changes)
    for path, former in former_of.items():
        memory = state.paths.get(former)
        if memory and memory.changes > state.paths.get(path, PathMemory()).changes:
            state.paths[path] = replace(memory)
    if former_of and facts.is_base_push:
        state.episodes[:] = renamed_episodes(state.episodes, former_of)


def add_counts(memory: PathMemory, cases: Ints, counts: Floats | int) -> None:
    """Add to the new failures of sorted, distinct `cases`."""
    known, failures = memory.cases, memory.new_failures
    memory.cases = np.union1d(known, cases).astype(np.int32)
    memory.new_failures = np.zeros(len(memory.cases), np.float32)
    memory.new_failures[np.searchsorted(memory.cases, known)] = failures
    memory.new_failures[np.searchsorted(memory.cases, cases)] += counts


def _carry_counts(memory: PathMemory, old: Ints, new: Ints) -> None:
    remembered = np.isin(old, memory.cases)
    if remembered.any():
        counts = memory.new_failures[np.searchsorted(memory.cases, old[remembered])]
        own = np.isin(memory.cases, new[remembered])  # the longer history includes the shorter
        memory.new_failures = np.where(own, np.float32(0), memory.new_failures)
        add_counts(memory, new[remembered], counts)


def _carry_kills(faults: PathFaults, old: Ints, new: Ints) -> PathFaults:
    carried = PathMemory(faults.mutants, faults.cases, faults.kills)
    _carry_counts(carried, old, new)
    return PathFaults(faults.mutants, carried.cases, carried.new_failures)


def _and_new(cases: Ints, old: Ints, new: Ints) -> Ints:
    return np.union1d(cases, new[np.isin(old, cases)]).astype(np.int32)
