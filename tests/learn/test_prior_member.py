"""The naive member and the ranker, also as graphs; and how weights are kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cipredict.forecast.case_index import build_case_index
from cipredict.forecast.features import FEATURES
from cipredict.forecast.graphs import score_graph
from cipredict.learn.calibration import Reliability, expected_error
from cipredict.learn.ensemble import halfway
from cipredict.learn.failure import MODEL, study_failure, study_window
from cipredict.learn.history import History
from cipredict.learn.members.prior import Prior
from cipredict.learn.members.ranker import RankingTrees
from cipredict.learn.policies import as_planned, order_of
from cipredict.learn.recipe import Recipe
from cipredict.learn.rows import collect_rows

pytestmark = pytest.mark.learn


def test_the_member_repeats_its_feature_and_so_does_its_graph() -> None:
    rows = np.random.default_rng(0).uniform(size=(7, len(FEATURES))).astype(np.float32)
    member = Prior("probability").fit(rows, rows[:, 0], rows[:, 0])
    expected = rows[:, FEATURES.index("prior")].astype(np.float64)
    assert member.predict(rows).tolist() == expected.tolist()
    assert score_graph(member.to_onnx(), rows).tolist() == expected.tolist()


def test_a_ranker_learns_within_runs_and_its_graph_answers_alike() -> None:
    """Which runs fail more is told by column 1, and is nothing to a ranker; which case fails by column 0."""
    generator = np.random.default_rng(1)
    groups = np.repeat(np.arange(60), 20).astype(np.float32)
    rows = generator.uniform(size=(1200, 3)).astype(np.float32)
    rows[:, 1] = groups / 60
    y = (generator.uniform(size=1200) < 0.8 * (rows[:, 0] > 0.8) * (groups > 20)).astype(np.float32)
    ranker = RankingTrees("probability", n_estimators=30).fit(rows, y, np.ones(1200, np.float32), groups=groups)
    answers = ranker.predict(rows)
    assert answers.min() > 0
    assert answers.max() < 1
    assert answers[rows[:, 0] > 0.8].min() > np.median(answers[rows[:, 0] < 0.7])
    assert score_graph(ranker.to_onnx(), rows) == pytest.approx(answers, abs=1e-5)


def test_a_recipe_may_ask_for_a_ranker(make_history: Callable[..., History], small_recipe: Recipe) -> None:
    members = {**small_recipe.members, "xgboost_ranker": {"n_estimators": 10}}
    recipe = replace(small_recipe, members=members, weights={**small_recipe.weights, "xgboost_ranker": 0.2})
    study = study_failure(make_history("planted"), recipe)
    assert study.model is not None
    assert study.model.ensemble.weights["xgboost_ranker"] > 0


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0.01, 1)), min_size=1, max_size=5))
def test_halfway_weights_are_convex_and_no_member_dies(pairs: list[tuple[float, float]]) -> None:
    total = sum(fitted for fitted, _ in pairs) or 1.0
    fitted = {str(at): (weight / total if total else 0.0) for at, (weight, _) in enumerate(pairs)}
    if sum(fitted.values()) < 0.5:
        fitted["0"] = 1.0
    start = {str(at): share for at, (_, share) in enumerate(pairs)}
    weights = halfway(fitted, start)
    assert sum(weights.values()) == pytest.approx(1, abs=1e-6)
    assert min(weights.values()) > 0


def test_a_study_of_the_past_is_the_study_of_that_night(
    make_history: Callable[..., History], small_recipe: Recipe
) -> None:
    """A replay that knows later runs finds what a night without them found: nothing leaks backwards."""
    whole = make_history("planted", n_runs=60)
    night = replace(whole, runs=whole.runs[:45])
    replayed = collect_rows(whole, build_case_index(whole.case_ids), judge_from=0, seed=small_recipe.random_state)
    then = study_window(replayed, small_recipe, case_ids=whole.case_ids, runs=45)
    alone = study_failure(night, small_recipe)
    assert then.results["decay10/time"] == alone.results["decay10/time"]
    assert then.results["prior/time"] == alone.results["prior/time"]
    assert then.holdout_start == alone.holdout_start
    assert set(then.judged) == set(alone.judged)
    assert then.results[MODEL].apfdc == pytest.approx(alone.results[MODEL].apfdc, abs=0.03)


def test_a_planned_order_ignores_the_names_of_equal_cases(
    make_history: Callable[..., History], small_recipe: Recipe
) -> None:
    """Among equals chance decides, so that a score that says nothing is worth as much as chance."""
    study = study_failure(make_history("planted"), small_recipe)
    run = next(iter(study.judged.values()))
    run = replace(run, expected_s=np.ones(len(run.slots), np.float32))
    order = order_of(as_planned(np.full(len(run.slots), 0.1), run), seed=(0,))
    assert order.tolist() != sorted(order.tolist())


def test_calibration_error_of_nothing_is_none() -> None:
    assert expected_error([]) == 0.0
    assert expected_error([Reliability(0, 1, 4, 0.5, 0.5)]) == 0.0
