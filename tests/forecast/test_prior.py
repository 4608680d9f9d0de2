"""The risk that needs no learner."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cipredict.forecast.prior import prior_risk

QUIET = {
    "failure_rate_3": 0.1,
    "failure_rate_10": 0.1,
    "failure_rate_50": 0.1,
    "cofailure_max": 0.0,
    "word_similarity": 0.0,
    "is_covered": 0.0,
    "mutation_rate": 0.0,
    "test_changed": 0.0,
    "n_tests": 0.0,
}
EVIDENCE = ("cofailure_max", "word_similarity", "is_covered", "mutation_rate", "test_changed", "failure_rate_10")


def risk(**changed: float) -> float:
    columns = {name: np.array([value], np.float32) for name, value in {**QUIET, **changed}.items()}
    return float(prior_risk({**columns, "n_tests": changed.get("n_tests", 0.0)})[0])


def test_a_change_that_says_nothing_leaves_history() -> None:
    assert risk() == pytest.approx(0.1)


def test_history_is_the_geometric_mean_of_the_half_lives() -> None:
    assert risk(failure_rate_3=0.4, failure_rate_10=0.2, failure_rate_50=0.1) == pytest.approx(0.2)


@given(name=st.sampled_from(EVIDENCE), low=st.floats(0, 1, width=32), high=st.floats(0, 1, width=32))
def test_more_evidence_never_means_less_risk(name: str, low: float, high: float) -> None:
    less, more = sorted((low, high))
    assert 0 < risk(**{name: less}) <= risk(**{name: more}) < 1


def test_a_case_without_history_is_ranked_by_the_change() -> None:
    fresh = {f"failure_rate_{half_life}": 0.001 for half_life in (3, 10, 50)}
    assert risk(**fresh, word_similarity=0.9) > risk(**fresh, word_similarity=0.3) > risk(**fresh)


def test_a_change_of_many_test_files_says_little_of_each() -> None:
    assert risk(test_changed=1, n_tests=1) == risk(test_changed=1, n_tests=2) > 0.99
    assert risk(test_changed=1, n_tests=20) == pytest.approx(0.2)
