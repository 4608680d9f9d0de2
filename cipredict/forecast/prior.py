"""Risk without a learner: one sum of what history and the change say, the floor under every ensemble.

Serves where no ensemble earned it, and competes inside the ensemble as a member of its own. History is the decayed
failure rate, averaged over half-lives, since which one fits differs from project to project. Where a case has no
history, only the change speaks; where a change says nothing, only history does.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from cipredict.forecast.state import HALF_LIVES, Floats

_COFAILURE = 0.5
"""Of a rate of co-failure, which rests on few changes of a path, beside the rate of the case itself."""
_MUTATED = 0.5
"""Of the share of injected faults that the case noticed, beside what really happened."""
_WORDS, _COVERED = 0.6, 0.6
"""What equal names, and a changed file that a case executes, are worth beside a rate."""
_NARROW = 2.0
"""Changed test files up to which each counts in full: a change of twenty says little about any one of them."""
_MOST = 0.999


def prior_risk(columns: Mapping[str, Floats | float]) -> Floats:
    """Give the risk per case from the other features by name, 0…1, shape (n_cases,)."""
    rates = np.stack([np.asarray(columns[f"failure_rate_{half_life}"]) for half_life in HALF_LIVES])
    history = np.exp(np.log(np.maximum(rates, 1e-6)).mean(axis=0))
    changed = np.asarray(columns["test_changed"]) * _NARROW / max(float(columns["n_tests"]), _NARROW)
    linked = _COFAILURE * np.asarray(columns["cofailure_max"]) + _WORDS * np.asarray(columns["word_similarity"])
    covered = _COVERED * np.asarray(columns["is_covered"]) + _MUTATED * np.asarray(columns["mutation_rate"])
    return np.asarray(np.minimum(history + changed + linked + covered, _MOST), np.float32)
