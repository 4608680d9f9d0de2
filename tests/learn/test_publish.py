"""From fitted members to a served forecast, and what is refused on the way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from cipredict.errors import CipredictError, ForecastUnusable
from cipredict.forecast.bundle import Served, open_bundle
from cipredict.forecast.case_index import build_case_index
from cipredict.forecast.durations import DurationTable
from cipredict.forecast.failures import FailureForecaster
from cipredict.forecast.features import FEATURES, ChangeFacts, failure_features
from cipredict.forecast.graphs import score_graph
from cipredict.forecast.interface import Basis
from cipredict.forecast.runs import forecast_run
from cipredict.forecast.state import Episode, Floats, Ints, PathMemory
from cipredict.learn import publish as publishing
from cipredict.learn import train as training_module
from cipredict.learn.bands import AdaptiveBands
from cipredict.learn.ensemble import Ensemble, fit_members
from cipredict.learn.history import History
from cipredict.learn.publish import PARITY, Learned, publish, to_graphs
from cipredict.learn.recipe import Recipe
from cipredict.learn.replay import final_state
from cipredict.learn.run_time import TimedRun
from cipredict.learn.train import Training, train
from cipredict.records import Change

pytestmark = pytest.mark.learn
NOW = datetime(2026, 2, 1, tzinfo=UTC)
CHANGE = ChangeFacts((Change("pkg/m3.x", 4, 1),), "topic")


@pytest.fixture(scope="module")
def trained(
    make_history: Callable[..., History], timed_runs: list[TimedRun], small_recipes: Callable[..., Recipe]
) -> tuple[History, Training]:
    history = make_history("planted")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training_module, "read_recipe", small_recipes)
        return history, train(history, timed_runs)


def bare(served_by: str = "last") -> Learned:
    """What a training without a single model leaves."""
    served = {name: Served(served_by, {}, ("nothing learned",), {}) for name in ("case_time", "run_time")}
    interval = AdaptiveBands(0.9).table(1.0)
    return Learned(
        graphs={},
        served={"failure": Served("decay10/time", {}, ("nothing learned",), {}), **served},
        sigmoid=(1.0, 0.0),
        needed_shares=(),
        conformal={"case_time": interval, "run_time": interval},
        anchors={"case_time": "last", "run_time": "last"},
        observed_coverage={"case_time": 0.9, "run_time": 0.9},
        trained_to="2026-01-01",
    )


@pytest.mark.parametrize("task", ["probability", "seconds"])
def test_graphs_answer_as_their_members(task: str, small_recipe: Recipe) -> None:
    generator = np.random.default_rng(0)
    rows = generator.normal(size=(400, 5)).astype(np.float32) * np.float32(3)
    target = (rows[:, 0] + 0.3 * rows[:, 1] > 0).astype(np.float32)
    weight = np.ones(400, np.float32)
    members = fit_members(small_recipe, task, X=rows, y=target, sample_weight=weight)  # type: ignore[arg-type]  # both
    graphs = to_graphs("p", Ensemble(task, members, dict.fromkeys(members, 1 / 3)), rows)  # type: ignore[arg-type]  # both
    other = generator.normal(size=(999, 5)).astype(np.float32)
    for name, member in members.items():
        answers = member.predict(other)
        assert answers.shape == (999,)
        assert float(np.abs(score_graph(graphs[f"p/{name}"], other) - answers).max()) <= PARITY
        assert np.corrcoef(answers, other[:, 0])[0, 1] > 0.5


def test_the_same_seed_gives_the_same_member(small_recipe: Recipe) -> None:
    rows = np.random.default_rng(0).normal(size=(200, 3)).astype(np.float32)
    y, weight = (rows[:, 0] > 0).astype(np.float32), np.ones(200, np.float32)
    first, second = (fit_members(small_recipe, "probability", X=rows, y=y, sample_weight=weight) for _ in range(2))
    for name, member in first.items():
        # A forest adds its trees' answers in the order in which its threads finish.
        np.testing.assert_allclose(member.predict(rows), second[name].predict(rows), atol=1e-12, err_msg=name)


def test_a_graph_that_answers_otherwise_is_never_published(
    trained: tuple[History, Training], monkeypatch: pytest.MonkeyPatch
) -> None:
    fake: Any = SimpleNamespace(to_onnx=lambda: b"", predict=lambda rows: np.zeros(len(rows)))
    ensemble = Ensemble("probability", {"fake": fake}, {"fake": 1.0})
    monkeypatch.setattr(publishing, "score_graph", lambda _, rows: np.full(len(rows), 2e-5))
    with pytest.raises(CipredictError) as caught:
        to_graphs("failure", ensemble, trained[1].failure.parity_rows)
    assert (caught.value.slug, caught.value.exit_code) == ("graph-parity", 70)


def test_what_is_served_is_what_was_trained(
    trained: tuple[History, Training], timed_runs: list[TimedRun], tmp_path: Path
) -> None:
    history, training = trained
    model = training.failure.model
    assert model is not None
    path = tmp_path / "forecast.bundle"
    forecast_id = publish(training.learned.registered_as("7"), history, timed_runs, path=path, now=NOW)
    bundle = open_bundle(path)
    forecaster = FailureForecaster(bundle, DurationTable.from_bundle(bundle))
    answers = forecaster.forecast(history.case_ids, CHANGE)
    features: Floats = failure_features(final_state(history), build_case_index(history.case_ids), CHANGE)
    np.testing.assert_allclose([answer.p_fail for answer in answers], model.p_fail(features), atol=1e-4)
    assert {answer.basis for answer in answers} == {Basis.MODEL}
    assert (bundle.forecast_id, bundle.manifest.model_version) == (forecast_id, "7")
    assert forecaster.curve.needed_shares == tuple(sorted(training.failure.needed_shares))
    assert Learned.from_bundle(bundle) == training.learned.registered_as("7")


def test_seconds_are_served_with_each_learners_own(
    trained: tuple[History, Training], timed_runs: list[TimedRun], tmp_path: Path
) -> None:
    history, training = trained
    path = tmp_path / "forecast.bundle"
    publish(training.learned, history, timed_runs, path=path, now=NOW)
    bundle = open_bundle(path)
    table = DurationTable.from_bundle(bundle)
    last = history.case_ids[-1]
    assert table.expected(last).expected_s == pytest.approx(2.0, rel=0.25)
    learners = {"xgboost", "neural_net", "random_forest"}
    assert set(table.individual(bundle, [last])[last]) == learners
    forecast = forecast_run(bundle, "ci", CHANGE, started_at=NOW)
    assert set(forecast.individual) == learners
    assert forecast.low_s <= forecast.expected_s <= forecast.high_s
    assert forecast.expected_s == pytest.approx(303, rel=0.05)
    assert bundle.manifest.overhead_s == pytest.approx(243, abs=3)


def test_the_same_training_gives_the_same_file(
    trained: tuple[History, Training], timed_runs: list[TimedRun], tmp_path: Path
) -> None:
    history, training = trained
    for name in ("one", "two"):
        publish(training.learned, history, timed_runs, path=tmp_path / name, now=NOW)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_a_history_without_failures_is_served_by_the_baseline(
    make_history: Callable[..., History],
    small_recipes: Callable[..., Recipe],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(training_module, "read_recipe", small_recipes)
    history = make_history("green", n_runs=4, n_cases=3)
    training = train(history, [])
    path = tmp_path / "forecast.bundle"
    publish(training.learned, history, [], path=path, now=NOW)
    bundle = open_bundle(path)
    answers = FailureForecaster(bundle, DurationTable.from_bundle(bundle)).forecast(history.case_ids, CHANGE)
    assert {answer.basis for answer in answers} == {Basis.HISTORY}
    assert bundle.manifest.served["failure"].reasons == ("no failing run early enough to learn from",)


def test_learners_of_seconds_survive_a_history_that_measured_nothing(
    trained: tuple[History, Training], tmp_path: Path
) -> None:
    history, training = trained
    blind = replace(history, runs=[replace(run, seconds=np.full(40, np.nan, np.float32)) for run in history.runs[:2]])
    publish(training.learned, blind, [], path=tmp_path / "forecast.bundle", now=NOW)
    bundle = open_bundle(tmp_path / "forecast.bundle")
    assert DurationTable.from_bundle(bundle).individual(bundle, history.case_ids[:1]) == {history.case_ids[0]: {}}


def test_a_champion_of_other_features_keeps_their_names(trained: tuple[History, Training], tmp_path: Path) -> None:
    """Published anew under this version it must not pass for one that reads this version's features."""
    history, training = trained
    older = replace(training.learned, features=FEATURES[:-1])
    publish(older, history, [], path=tmp_path / "forecast.bundle", now=NOW)
    bundle = open_bundle(tmp_path / "forecast.bundle")
    with pytest.raises(ForecastUnusable, match="other features"):
        FailureForecaster(bundle, DurationTable.from_bundle(bundle)).forecast(history.case_ids, CHANGE)


@pytest.mark.parametrize("mass_failures", [0, 40], ids=["usual", "the whole suite fails at times"])
def test_ten_thousand_cases_fit_into_ten_megabytes(
    make_history: Callable[..., History], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mass_failures: int
) -> None:
    """Two thousand paths, as many episodes as are kept, coverage, and graphs as large as those of the recipes."""
    generator = np.random.default_rng(0)
    history = make_history("green", n_runs=2, n_cases=10_000)
    ids = [f"tests/area{n % 40}/test_module{n % 400}.py::TestThing{n % 1700}::test_does_{n}[x]" for n in range(10_000)]
    history = replace(history, case_ids=ids)
    state = final_state(history)
    for name, column in state.columns.items():
        column[:] = generator.integers(0, 500, 10_000) if "decayed" not in name else generator.uniform(0, 9, 10_000)

    def some(size: int) -> Ints:
        return np.sort(generator.choice(10_000, size, replace=False)).astype(np.int32)

    def failing(path: int) -> Ints:
        size = 10_000 if path < mass_failures else int(generator.integers(0, 40))
        return some(size)

    for path in range(2000):
        cases = failing(path)
        state.paths[f"pkg/area{path % 50}/module{path}.py"] = PathMemory(
            9.0, cases, generator.uniform(0, 5, len(cases)).astype(np.float32)
        )
    names = list(state.paths)
    state.episodes = [Episode(n, frozenset(names[n : n + 5]), some(600)) for n in range(300)]
    state.covered = {path: some(300) for path in names[:500]}

    monkeypatch.setattr(publishing, "final_state", lambda _: state)
    learned = replace(
        bare(), graphs={f"{name}/a": generator.bytes(700_000) for name in ("failure", "more", "run_time")}
    )
    bundle = tmp_path / "forecast.bundle"
    publish(learned, history, [], path=bundle, now=NOW)
    assert bundle.stat().st_size < 10_000_000
