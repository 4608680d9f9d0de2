"""Synthetic histories with a planted signal, or none.

Without the learn extra no module here is even imported: most of them could not be.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from cipredict.forecast.features import ChangeFacts
from cipredict.learn.history import FAILED, PASSED, History, PastRun
from cipredict.learn.recipe import Recipe, read_recipe
from cipredict.records import Change

if TYPE_CHECKING:
    from cipredict.learn.run_time import TimedRun

_LIBRARIES = ("matplotlib", "mlflow", "onnxmltools", "scipy", "skl2onnx", "sklearn", "torch", "xgboost")
_MISSING = [name for name in _LIBRARIES if find_spec(name) is None]
collect_ignore_glob = ["test_*.py"] if _MISSING else []

START = datetime(2026, 1, 1, tzinfo=UTC)
SMALL_MEMBERS: dict[str, dict[str, float]] = {
    "xgboost": {"n_estimators": 30, "max_depth": 3, "min_child_weight": 1.0},
    "neural_net": {"hidden": 16, "epochs": 4, "batch_size": 256},
    "random_forest": {"n_estimators": 20, "max_depth": 6, "min_samples_leaf": 5},
}


def case_name(number: int) -> str:
    """Names say nothing about the paths that move them."""
    return f"tests/test_area{number % 4}.py::test_number{number}"


def _run(number: int, path: str, failed: Sequence[int], *, n_cases: int, seconds: np.ndarray) -> PastRun:
    verdicts = np.full(n_cases, PASSED, np.int8)
    verdicts[list(failed)] = FAILED
    started = START + timedelta(hours=number)
    return PastRun(
        run_id=f"r{number}",
        started_at=started,
        finished_at=started + timedelta(minutes=10),
        facts=ChangeFacts((Change(path, 5, 2),), f"topic{number}"),
        event="pull_request",
        slots=np.arange(n_cases, dtype=np.int32),
        verdicts=verdicts,
        seconds=np.asarray(seconds, np.float32),
        is_flaky=np.zeros(n_cases, np.bool_),
        wall_s=600.0,
        workflow="ci",
    )


def _history(signal: str, *, n_runs: int = 60, n_cases: int = 40, seed: int = 5) -> History:
    """Give runs whose failures follow the changed path (`planted`), nothing (`noise`), or never happen (`green`)."""
    generator = np.random.default_rng(seed)
    moved_by = {path: generator.choice(n_cases, 2, replace=False) for path in range(10)}
    runs = []
    for number in range(n_runs):
        path = int(generator.integers(10))
        by_signal: dict[str, Sequence[int]] = {
            "planted": moved_by[path].tolist() if number % 2 == 0 else [],
            "noise": generator.choice(n_cases, 2, replace=False).tolist() if number % 2 == 0 else [],
            "green": [],
        }
        seconds = np.linspace(0.5, 2.0, n_cases) * generator.uniform(0.9, 1.1, n_cases)
        runs.append(_run(number, f"pkg/m{path}.x", by_signal[signal], n_cases=n_cases, seconds=seconds))
    case_ids = [case_name(number) for number in range(n_cases)]
    return History(case_ids, runs, as_of=START + timedelta(hours=n_runs + 1), repository="o/n", default_branch="main")


@pytest.fixture(scope="session")
def make_history() -> Callable[..., History]:
    return _history


@pytest.fixture(scope="session")
def small_recipe() -> Recipe:
    """The shipped failure recipe with few trees and epochs, satisfied with few failing runs."""
    return shrink(read_recipe("failure"))


def shrink(recipe: Recipe) -> Recipe:
    promotion = (
        {**recipe.promotion, "min_failing_runs": 5} if "min_failing_runs" in recipe.promotion else recipe.promotion
    )
    return replace(recipe, members=SMALL_MEMBERS, promotion=promotion)


@pytest.fixture(scope="session")
def small_recipes() -> Callable[..., Recipe]:
    """Stand in for `read_recipe`."""

    def read(name: str, folder: Path | None = None) -> Recipe:
        return shrink(read_recipe(name, folder))

    return read


@pytest.fixture(scope="session")
def timed_runs(make_history: Callable[..., History]) -> list[TimedRun]:
    """A timed run and two jobs of it, per run of a history of sixty."""
    from cipredict.learn.run_time import TimedRun  # noqa: PLC0415  # imports scipy, which the extra brings

    return [
        TimedRun(series, position, run.started_at, run.finished_at, run.facts, 300.0 + position % 7, 60.0)
        for position, run in enumerate(make_history("green").runs)
        for series in ("ci", "ci / test", "ci / lint")
    ]


def pytest_report_header() -> str:
    return f"tests/learn: left out, {', '.join(_MISSING)} missing" if _MISSING else "tests/learn: collected"
