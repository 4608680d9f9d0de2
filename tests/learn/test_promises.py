"""Confidences held against the runs that followed."""

from __future__ import annotations

import numpy as np
import pytest

from cipredict.learn.backtest import PROMISES, keep_promises
from cipredict.stats import fewest_trials

pytestmark = pytest.mark.learn


def test_too_few_runs_promise_nothing() -> None:
    assert keep_promises([0.1] * fewest_trials(min(PROMISES))) == ()


def test_a_level_is_judged_as_soon_as_the_curve_can_show_it() -> None:
    promises = keep_promises([0.1] * 50)
    assert [promise.promised for promise in promises] == [0.5, 0.8, 0.9]
    assert [promise.runs for promise in promises] == [50 - fewest_trials(level) for level in (0.5, 0.8, 0.9)]
    assert all(promise.missed == 0 and promise.is_kept for promise in promises)


def test_exchangeable_runs_keep_their_promises() -> None:
    """Over many histories the observed miss rate is at most the promised one."""
    missed: dict[float, list[float]] = {}
    for seed in range(60):
        for promise in keep_promises(np.random.default_rng(seed).beta(0.3, 3, 120).tolist(), levels=(0.8, 0.9)):
            missed.setdefault(promise.promised, []).append(promise.missed / promise.runs)
    assert {level: float(np.mean(rates)) <= 1 - level + 0.01 for level, rates in missed.items()} == {
        0.8: True,
        0.9: True,
    }


def test_a_project_that_changes_breaks_them_and_it_shows() -> None:
    """Every failing run needs more than any before it."""
    promise = keep_promises(np.linspace(0.1, 0.9, 60).tolist(), levels=(0.8,))[0]
    assert promise.missed == promise.runs
    assert not promise.is_kept


def test_later_runs_change_no_earlier_promise() -> None:
    shares = np.random.default_rng(3).beta(0.3, 3, 60).tolist()
    short = keep_promises(shares[:50], levels=(0.8,))[0]
    long = keep_promises([*shares[:50], *[1.0] * 10], levels=(0.8,))[0]
    assert (long.runs, long.missed >= short.missed) == (short.runs + 10, True)
