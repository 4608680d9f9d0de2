"""Features of a failure forecast: what is known of every case when a change arrives, one row per case.

Three families: `history` (how the case behaved), `change` (what kind of change it is) and `link` (what ties the
change to the case), and `prior`, the sum of them that needs no learner. History-only models lose to one line, decayed
failure rate divided by time (research: selection, section 0); that line is in the prior, and links carry the new
failures.

The replay calls this with a state of the past, `select-tests` with the published one: same code, no skew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cipredict.forecast.case_index import CaseIndex
from cipredict.forecast.prior import prior_risk
from cipredict.forecast.state import HALF_LIVES, Floats, Ints, PathMemory, State
from cipredict.forecast.tokens import folders, is_test_path, path_words, stem
from cipredict.records import Change

HISTORY_FEATURES = (
    *(f"failure_rate_{h}" for h in HALF_LIVES),
    "failure_rate",
    "new_failure_rate",
    "last_verdict",
    "base_verdict",
    "branch_failed",
    "runs_since_failure",
    "flip_rate",
    "age_runs",
    "runs",
    "log_typical_s",
)
CHANGE_FEATURES = ("n_paths", "n_sources", "n_tests", "log_lines", "is_base_push", "log_churn")
LINK_FEATURES = (
    "cofailure_max",
    "cofailure_any",
    "cofailure_mean",
    "cofailure_runs",
    "cofailure_file",
    "cofailure_function",
    "cofailure_lift",
    "similar_changes",
    "similar_weight",
    "word_similarity",
    "stem_match",
    "same_folder",
    "test_changed",
    "is_covered",
    "import_nearness",
    "mutation_rate",
)
FEATURES = (*HISTORY_FEATURES, *CHANGE_FEATURES, *LINK_FEATURES, "prior")

_PRIOR_CHANGES = 2.0
"""Pseudo-changes that pull a path's co-failure rate towards the case's own rate of new failures."""
_PRIOR_MUTANTS = 1.0
"""Pseudo-mutants of a path that no case notices."""
_SIMILAR_PRIOR = 0.3
_EPISODE_HALF_LIFE = 100.0
_NEVER = 9.0
"""log(1 + runs) stands for the time since failure; this stands for never."""


@dataclass(frozen=True, slots=True)
class ChangeFacts:
    """What is known of a run before it starts: its changed paths, branch and event.

    Attributes
    ----------
    is_base_push : the run tests the default branch itself
    """

    changes: tuple[Change, ...]
    branch: str = ""
    is_base_push: bool = False

    @property
    def sources(self) -> list[str]:
        """Changed paths that are not part of the suite, sorted; prose and settings included."""
        return sorted({change.path for change in self.changes if not is_test_path(change.path)})

    @property
    def tests(self) -> frozenset[str]:
        """Changed paths that are part of the suite."""
        return frozenset(change.path for change in self.changes if is_test_path(change.path))


def failure_features(state: State, index: CaseIndex, facts: ChangeFacts) -> Floats:
    """Give the feature matrix of all slots, shape (n_cases, len(FEATURES)), finite everywhere."""
    n = len(state.case_ids)
    columns: dict[str, Floats | float] = {
        **_history(state, facts),
        **_change(state, facts),
        **_links(state, index, facts),
    }
    columns["prior"] = prior_risk(columns)
    matrix = np.empty((n, len(FEATURES)), np.float32)
    for position, name in enumerate(FEATURES):
        matrix[:, position] = columns[name]
    return matrix


def decayed_rate(state: State, half_life: int) -> Floats:
    """Give the decayed failure rate per slot with a weak prior of the suite's own rate, 0…1."""
    ever = state.columns["runs"] > 0  # sums of floats depend on their length: slots of later cases must not count
    runs, failures = state.columns["runs"][ever], state.columns["failures"][ever]
    prior = (failures.sum() + 0.01) / (runs.sum() + 0.5)
    return np.asarray(
        (state.columns[f"decayed_failures_{half_life}"] + prior) / (state.columns[f"decayed_runs_{half_life}"] + 1.0),
        np.float32,
    )


def _new_failure_rate(state: State) -> Floats:
    return np.asarray((state.columns["new_failures"] + 0.1) / (state.columns["runs"] + 5.0), np.float32)


def _history(state: State, facts: ChangeFacts) -> dict[str, Floats]:
    column = state.columns
    runs = np.maximum(column["runs"], 1.0)
    failed_at = column["last_failure_tick"]
    branch_failed = np.zeros(len(state.case_ids), np.float32)
    branch_failed[state.branch_failures.get(facts.branch, [])] = 1.0
    first = np.where(column["first_tick"] < 0, state.tick, column["first_tick"])
    return {
        **{f"failure_rate_{h}": decayed_rate(state, h) for h in HALF_LIVES},
        "failure_rate": column["failures"] / runs,
        "new_failure_rate": _new_failure_rate(state),
        "last_verdict": column["last_verdict"],
        "base_verdict": column["base_verdict"],
        "branch_failed": branch_failed,
        "runs_since_failure": np.where(failed_at >= 0, np.log1p(np.maximum(state.tick - failed_at, 0)), _NEVER),
        "flip_rate": column["flips"] / runs,
        "age_runs": np.log1p(np.maximum(state.tick - first, 0)),
        "runs": np.log1p(column["runs"]),
        "log_typical_s": np.log(typical_seconds(state) + 1e-3),
    }


def typical_seconds(state: State, among: Ints | None = None) -> Floats:
    """Give the decayed mean seconds per slot; unseen cases take the median of the seen ones, of `among` if any is."""
    seen = state.columns["runs_timed"] > 0
    near = among[seen[among]] if among is not None else np.zeros(0, np.int32)
    known = near if len(near) else np.flatnonzero(seen)
    fill = _median(state.columns["typical_s"][known]) if len(known) else 1.0
    return np.where(seen, state.columns["typical_s"], np.float32(fill))


def _median(values: Floats) -> float:
    """Give what `np.median` gives, without its import of masked arrays: 7 ms that a CI job waits for."""
    ordered = np.sort(values)
    return float(ordered[[(len(ordered) - 1) // 2, len(ordered) // 2]].mean())


def _change(state: State, facts: ChangeFacts) -> dict[str, float]:
    lines = sum((change.added or 0) + (change.deleted or 0) for change in facts.changes)
    churn = max((state.paths[path].changes for path in facts.sources if path in state.paths), default=0.0)
    return {
        "n_paths": len(facts.changes),
        "n_sources": len(facts.sources),
        "n_tests": len(facts.tests),
        "log_lines": float(np.log1p(lines)),
        "is_base_push": float(facts.is_base_push),
        "log_churn": float(np.log1p(churn)),
    }


def _links(state: State, index: CaseIndex, facts: ChangeFacts) -> dict[str, Floats]:
    sources = facts.sources
    return {
        **_cofailure(state, index, sources),
        **_similar_changes(state, index, sources),
        "word_similarity": index.similarity(word for path in sources for word in path_words(path)),
        "stem_match": _by_file(index, [_stem_match(file, sources) for file in index.files]),
        "same_folder": _by_file(index, [_folder_overlap(file, sources) for file in index.files]),
        "test_changed": _by_file(index, [float(file in facts.tests) for file in index.files]),
        "is_covered": _covered(state, sources),
        "import_nearness": _by_file(index, [_import_nearness(state, file, sources) for file in index.files]),
        "mutation_rate": _mutation_rate(state, sources),
    }


def _by_file(index: CaseIndex, per_file: Sequence[float]) -> Floats:
    return np.asarray(per_file, np.float32)[index.file_of] if per_file else np.zeros(0, np.float32)


def _stem_match(file: str, sources: list[str]) -> float:
    wanted = stem(file)
    return float(bool(wanted) and any(wanted == stem(path) or wanted in path_words(path) for path in sources))


def _folder_overlap(file: str, sources: list[str]) -> float:
    own = folders(file)
    if not own:
        return 0.0
    return max((len(own & folders(path)) / len(own | folders(path)) for path in sources), default=0.0)


def _import_nearness(state: State, file: str, sources: list[str]) -> float:
    hops = [state.import_distance.get(path, {}).get(file) for path in sources]
    return max((1.0 / (1 + distance) for distance in hops if distance is not None), default=0.0)


def _covered(state: State, sources: list[str]) -> Floats:
    covered = np.zeros(len(state.case_ids), np.float32)
    for path in sources:
        covered[state.covered.get(path, [])] = 1.0
    return covered


def _mutation_rate(state: State, sources: list[str]) -> Floats:
    """Give the highest share of the faults injected into one of these paths that turned a case red, per slot."""
    highest = np.zeros(len(state.case_ids), np.float32)
    for faults in (state.mutated[path] for path in sources if path in state.mutated):
        rates = faults.kills / np.float32(faults.mutants + _PRIOR_MUTANTS)
        highest[faults.cases] = np.maximum(highest[faults.cases], rates)
    return highest


def _cofailure(state: State, index: CaseIndex, sources: list[str]) -> dict[str, Floats]:
    """How often each case newly failed when one of these paths changed, also by its file and its siblings."""
    n = len(state.case_ids)
    base = _new_failure_rate(state)
    highest, survives, total = np.zeros(n, np.float32), np.ones(n, np.float32), np.zeros(n, np.float32)
    by_file, by_function = np.zeros(len(index.files), np.float32), np.zeros(index.n_functions, np.float32)
    file_sizes = index.sizes(index.file_of, len(index.files))
    function_sizes = index.sizes(index.function_of, index.n_functions)
    most_changes = 0.0
    for path in sources:
        memory = state.paths.get(path, _NO_MEMORY)
        failures = np.zeros(n, np.float32)
        failures[memory.cases] = memory.new_failures
        changes = memory.changes + _PRIOR_CHANGES
        rate = (failures + _PRIOR_CHANGES * base) / changes
        highest = np.maximum(highest, rate)
        survives *= 1 - np.minimum(rate, 0.99)
        total += rate
        most_changes = max(most_changes, memory.changes)
        by_file = np.maximum(by_file, np.bincount(index.file_of, failures, len(index.files)) / file_sizes / changes)
        grouped = np.bincount(index.function_of, failures, index.n_functions) / function_sizes / changes
        by_function = np.maximum(by_function, grouped)
    return {
        "cofailure_max": highest,
        "cofailure_any": 1 - survives,
        "cofailure_mean": total / max(len(sources), 1),
        "cofailure_runs": np.full(n, most_changes, np.float32),
        "cofailure_file": by_file[index.file_of] if n else highest,
        "cofailure_function": by_function[index.function_of] if n else highest,
        "cofailure_lift": np.log(highest + 1e-4) - np.log(base + 1e-4),
    }


_NO_MEMORY = PathMemory()


def _similar_changes(state: State, index: CaseIndex, sources: list[str]) -> dict[str, Floats]:
    """Nearest neighbours among past changes: which cases newly failed when much the same paths changed."""
    n = len(state.case_ids)
    wanted = frozenset(sources)
    votes, weight = np.zeros(n, np.float32), 0.0
    for episode in state.episodes:
        likeness = _likeness(state, wanted, episode.paths)
        if likeness > 0:
            vote = likeness**2 * 0.5 ** ((state.tick - episode.tick) / _EPISODE_HALF_LIFE)
            votes[episode.cases] += vote
            weight += vote
    rates = _new_failure_rate(state) if index.known is None else _new_failure_rate(state)[index.known]
    prior = _SIMILAR_PRIOR * float(rates.mean()) if len(rates) else 0.0
    return {
        "similar_changes": (votes + prior) / (weight + _SIMILAR_PRIOR),
        "similar_weight": np.full(n, weight, np.float32),
    }


def _likeness(state: State, left: frozenset[str], right: frozenset[str]) -> float:
    """Jaccard index of two sets of paths, each path weighted by how rarely it changes, 0…1."""
    common = left & right
    if not common:
        return 0.0
    return sum(_rarity(state, path) for path in common) / sum(_rarity(state, path) for path in left | right)


def _rarity(state: State, path: str) -> float:
    memory = state.paths.get(path, _NO_MEMORY)
    return float(1 / np.log(2.0 + memory.changes))
