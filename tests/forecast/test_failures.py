"""Forecasts of candidates, and the words that explain them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from cipredict.errors import ForecastUnusable
from cipredict.forecast.bundle import Bundle, Served
from cipredict.forecast.durations import DurationTable
from cipredict.forecast.failures import FailureForecaster, explain
from cipredict.forecast.features import FEATURES, ChangeFacts, decayed_rate
from cipredict.forecast.interface import Basis
from cipredict.forecast.state import HALF_LIVES, State

MakeBundle = Callable[..., Bundle]
MODEL = Served("cipredict", {"net": 1.0}, (), {})


def seen_state() -> State:
    state = State.blank(["a.py::x", "a.py::y", "b.py::skipped"])
    state.tick = 4
    state.columns["runs"][:2] = 4
    state.columns["failures"][0] = 2
    state.columns["decayed_runs_10"][:2] = 4
    state.columns["decayed_failures_10"][0] = 2
    state.columns["base_verdict"][:2] = 1, 0
    state.columns["last_verdict"][:2] = 1, 0
    state.branch_failures["topic"] = np.array([1], np.int32)
    return state


def forecaster(bundle: Bundle) -> FailureForecaster:
    return FailureForecaster(bundle, DurationTable.from_bundle(bundle))


def test_without_a_model_the_prior_answers(make_bundle: MakeBundle) -> None:
    state = seen_state()
    teller = forecaster(make_bundle(state))
    answers = teller.forecast(["a.py::y", "new.py::z", "a.py::x"], ChangeFacts((), "topic"))
    assert [answer.case_id for answer in answers] == ["a.py::y", "new.py::z", "a.py::x"]
    rates = np.stack([decayed_rate(state, half_life) for half_life in HALF_LIVES])
    rate = np.exp(np.log(rates).mean(axis=0))
    assert [float(rate[1]), 0.5, float(rate[0])] == pytest.approx([answer.p_fail for answer in answers], abs=1e-6)
    assert [answer.basis for answer in answers] == [Basis.HISTORY, Basis.FALLBACK, Basis.HISTORY]
    assert [answer.runs for answer in answers] == [4, 0, 4]
    assert [(a.is_red_at_base, a.failed_recently) for a in answers] == [(False, True), (False, False), (True, False)]
    assert [answer.failed_last for answer in answers] == [False, False, True]
    assert [answer.expected_s for answer in answers] == [2.0, 2.0, 2.0]
    assert [answer.evidence for answer in answers] == [
        "failed in this branch's last run",
        "never seen",
        "fails on the default branch",
    ]


def test_the_curve_is_the_bundles(make_bundle: MakeBundle) -> None:
    teller = forecaster(make_bundle(seen_state()))
    assert (teller.curve.needed_shares, teller.basis) == ((0.1, 0.4), Basis.HISTORY)


def test_a_model_of_other_features_is_refused(make_bundle: MakeBundle) -> None:
    served = {"failure": MODEL, "case_time": MODEL, "run_time": MODEL}
    bundle = make_bundle(seen_state(), served=served, features=("something", "else"))
    with pytest.raises(ForecastUnusable) as caught:
        forecaster(bundle).forecast(["a.py::x"], ChangeFacts(()))
    assert caught.value.slug == "forecast-schema"


def test_a_graph_that_is_none_is_refused(make_bundle: MakeBundle) -> None:
    served = {"failure": MODEL, "case_time": MODEL, "run_time": MODEL}
    bundle = make_bundle(seen_state(), served=served, entries={"graphs/failure/net.onnx": b"not a graph"})
    teller = forecaster(bundle)
    assert teller.basis == Basis.MODEL
    with pytest.raises(ForecastUnusable) as caught:
        teller.forecast(["a.py::x"], ChangeFacts(()))
    assert caught.value.slug == "forecast-graph"


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"test_changed": 1, "base_verdict": 1}, "its file is in the change"),
        ({"base_verdict": 1, "runs": 3}, "fails on the default branch"),
        ({"cofailure_max": 0.25, "cofailure_lift": 1}, "newly failed 25% of the times these paths changed"),
        ({"cofailure_max": 1.3, "cofailure_lift": 1}, "newly failed 100% of the times these paths changed"),
        ({"failure_rate_10": 0.5, "runs": 3}, "fails in 50% of its recent runs"),
        ({"runs": 3}, "nothing ties it to the change"),
        ({}, ""),
    ],
)
def test_the_strongest_evidence_speaks(values: dict[str, float], expected: str) -> None:
    row = np.zeros((1, len(FEATURES)), np.float32)
    for name, value in values.items():
        row[0, FEATURES.index(name)] = value
    assert [expected] == explain(row)


def test_no_case_needs_no_words() -> None:
    assert explain(np.zeros((0, len(FEATURES)), np.float32)) == []
