"""Who is promoted: a planted signal is, noise is not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from cipredict.decide.rules import always_running
from cipredict.decide.select import in_plan_order
from cipredict.forecast.features import FEATURES
from cipredict.forecast.interface import Basis, CaseForecast
from cipredict.learn.backtest import judge_policies, needed_shares
from cipredict.learn.failure import FALLBACK, MODEL, FailureStudy, reasons_against, study_failure
from cipredict.learn.history import History
from cipredict.learn.policies import BASELINES, decay10
from cipredict.learn.recipe import Recipe, read_recipe
from cipredict.learn.seconds import SecondsRows, study_seconds, wape
from cipredict.learn.summary import summarise

pytestmark = pytest.mark.learn


@pytest.fixture(scope="module")
def planted(make_history: Callable[..., History], small_recipe: Recipe) -> tuple[History, FailureStudy]:
    history = make_history("planted")
    return history, study_failure(history, small_recipe)


def test_a_planted_signal_is_promoted(planted: tuple[History, FailureStudy]) -> None:
    study = planted[1]
    assert study.reasons == ()
    assert study.results[MODEL].apfdc > study.results["decay10/time"].apfdc + 0.1
    assert study.results[MODEL].apfdc > study.results[FALLBACK].apfdc + 0.02
    assert study.results["oracle"].apfdc >= study.results[MODEL].apfdc
    assert study.results["random"].apfdc == pytest.approx(0.5, abs=0.04)
    assert study.holdout_start == 42
    assert study.parity_rows.shape == (256, len(FEATURES))


def test_noise_is_not_promoted(make_history: Callable[..., History], small_recipe: Recipe) -> None:
    study = study_failure(make_history("noise", n_runs=90), small_recipe)
    assert any("does not beat" in reason for reason in study.reasons)


def test_too_few_failing_runs_are_no_evidence(planted: tuple[History, FailureStudy], small_recipe: Recipe) -> None:
    strict = replace(small_recipe, promotion={**small_recipe.promotion, "min_failing_runs": 20})
    assert reasons_against(planted[1].results, strict) == ("only 9 failing runs in the holdout, 20 needed",)


def test_without_failures_there_is_nothing_to_learn(make_history: Callable[..., History], small_recipe: Recipe) -> None:
    study = study_failure(make_history("green"), small_recipe)
    assert (study.model, study.needed_shares, study.baseline_shares) == (None, (), ())
    assert study.reasons == ("no failing run early enough to learn from",)
    assert summarise(study, make_history("green"))["served_by"] == FALLBACK


def test_a_summary_names_what_was_missed(planted: tuple[History, FailureStudy]) -> None:
    history, study = planted
    summary = summarise(study, history)
    assert summary["served_by"] == MODEL
    assert sorted(summary["policies"]) == sorted([*BASELINES, MODEL, "oracle"])  # type: ignore[call-overload]  # a dict
    assert summary["holdout"]["failing_runs"] == 9  # type: ignore[index]  # a dict
    missed = study.results["random"].missed
    assert all(len(names) == 2 and set(names) <= set(history.case_ids) for _, names in missed)


def test_needed_shares_are_what_a_served_plan_spends(planted: tuple[History, FailureStudy]) -> None:
    """The curve that `--confidence` reads was measured in the order in which a plan runs cases."""
    history, study = planted
    assert study.model is not None
    judged = dict(study.judged)
    position, run = next(iter(judged.items()))
    always = run.always_runs.copy()
    always[[3, 17]] = True
    run = replace(run, always_runs=always, is_red_at_base=np.arange(len(always)) == 17)
    p_fail = study.model.p_fail(run.X)
    forecasts = [
        CaseForecast(
            history.case_ids[slot],
            float(p_fail[slot]),
            float(run.expected_s[slot]),
            Basis.MODEL,
            runs=5,
            is_red_at_base=slot == 17,
            failed_recently=slot == 3,
        )
        for slot in run.slots
    ]
    rules = always_running(forecasts, changed=frozenset(), must_run=())
    assert sorted(rules) == sorted(history.case_ids[slot] for slot in (3, 17))
    plan = in_plan_order(forecasts, rules)
    failing = {history.case_ids[slot] for slot in run.slots[run.failed & ~run.is_red_at_base]}
    spent = 0.0
    for case in plan:
        spent += case.expected_s
        if case.case_id in failing:
            break
    expected = spent / sum(case.expected_s for case in plan)
    assert needed_shares({position: run}, study.model.per_time) == pytest.approx((expected,), rel=1e-5)


def test_known_red_is_not_worth_finding_again(planted: tuple[History, FailureStudy]) -> None:
    judged = {p: replace(run, is_red_at_base=run.failed) for p, run in planted[1].judged.items()}
    assert needed_shares(judged, decay10) == ()


def test_policies_see_the_same_runs(planted: tuple[History, FailureStudy]) -> None:
    history, study = planted
    results = judge_policies(study.judged, {"decay10": decay10}, history.case_ids)
    assert results["decay10"] == study.results["decay10"]
    assert 0 <= results["decay10"].headline()["time_to_red_saved"] <= 1


def seconds_rows(*, signal: bool, n: int = 3000) -> SecondsRows:
    generator = np.random.default_rng(4)
    features = generator.normal(size=(n, 4)).astype(np.float32)
    last = generator.uniform(5, 50, n)
    noise = generator.normal(0, 0.1, n)
    actual = last * np.exp(noise + (0.8 * (features[:, 0] > 0) if signal else 0))
    return SecondsRows(
        X=features,
        actual_s=actual,
        baselines={"last": last, "double": 2 * last},
        position=np.arange(n) * 100 // n,
        doubt=np.zeros(n, np.intp),
    )


def test_a_learnable_duration_is_promoted(small_recipes: Callable[..., Recipe]) -> None:
    found = study_seconds(
        seconds_rows(signal=True), small_recipes("case_time"), fit_end=55, train_end=70, offset_s=1e-3
    )
    assert (found.served_by, found.reasons) == (MODEL, ())
    assert found.wape[MODEL] < 0.8 * found.wape["last"]
    assert found.observed_coverage == pytest.approx(0.9, abs=0.04)
    assert found.model is not None
    rows = seconds_rows(signal=True).window(70, 100)
    again_s = found.model.predict(rows.X, rows.baselines[found.model.anchor])
    assert wape(again_s, rows.actual_s) == pytest.approx(found.wape[MODEL])  # threads add up trees in any order
    assert set(found.model.individual(rows.X, rows.baselines[found.model.anchor])) == {
        "xgboost",
        "neural_net",
        "random_forest",
    }


def test_a_duration_without_signal_stays_with_its_baseline(small_recipes: Callable[..., Recipe]) -> None:
    rows = seconds_rows(signal=False)
    found = study_seconds(rows, small_recipes("case_time"), fit_end=55, train_end=70, offset_s=1e-3)
    assert found.served_by == "last"
    assert any(reason.startswith("no gain") for reason in found.reasons)


def test_few_measurements_are_served_by_a_baseline() -> None:
    rows = seconds_rows(signal=True, n=30)
    found = study_seconds(rows, read_recipe("case_time"), fit_end=1, train_end=2, offset_s=1e-3)
    assert (found.model, found.served_by, found.reasons) == (None, "last", ("only 30 measurements",))
    none = study_seconds(rows.window(99, 100), read_recipe("case_time"), fit_end=1, train_end=2, offset_s=1e-3)
    assert none.served_by == "last"
