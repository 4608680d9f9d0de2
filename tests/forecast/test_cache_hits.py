from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cipredict.forecast.bundle import Bundle, extend_bundle, open_bundle
from cipredict.forecast.cache_hits import (
    ENTRY,
    EWMA,
    FEATURES,
    Committed,
    HitModel,
    HitState,
    forecast_hit,
    next_offset,
    read_hit_model,
)
from cipredict.forecast.state import State

MakeBundle = Callable[..., Bundle]
HOUR_S = 3600.0


def rolled(commits: list[tuple[str, bool, float]]) -> HitState:
    """Absorb (author, touched, hours since the last) in order."""
    state, now_s = HitState(), 0.0
    for author, touched, hours in commits:
        now_s += hours * HOUR_S
        state.absorb(Committed(now_s, author), touched=touched, hit=not touched)
    return state


def named(state: HitState, commit: Committed) -> dict[str, float]:
    return dict(zip(FEATURES, state.features(commit)[0].tolist(), strict=True))


def test_there_is_a_value_per_feature() -> None:
    assert (1, len(FEATURES)) == HitState().features(Committed(0.0, "ann")).shape


def test_an_author_who_always_touches_the_lock_file_is_known_for_it() -> None:
    state = rolled([("ann", False, 1), *[("renovate[bot]", True, 1), ("ann", False, 1)] * 20])
    now_s = 50 * HOUR_S

    assert named(state, Committed(now_s, "renovate[bot]"))["author_share"] > 0.8
    assert named(state, Committed(now_s, "ann"))["author_share"] < 0.1
    assert named(state, Committed(now_s, "other[bot]"))["kind_share"] > 0.8
    assert 1.0 == named(state, Committed(now_s, "other[bot]"))["is_bot"]


def test_a_long_break_is_seen() -> None:
    state = rolled([("ann", False, 1), ("ann", False, 1)])

    assert 0.0 == named(state, Committed(2 * HOUR_S + 168 * HOUR_S, "ann"))["is_idle"]
    assert 1.0 == named(state, Committed(2 * HOUR_S + 169 * HOUR_S, "ann"))["is_idle"]


def test_the_baseline_follows_the_hits() -> None:
    assert rolled([("ann", False, 1)] * 200).hit_ewma > 0.99
    assert rolled([("ann", True, 1)] * 200).hit_ewma < 0.01


COMMITS = st.lists(st.tuples(st.sampled_from(["ann", "bob", "x[bot]"]), st.booleans(), st.floats(0, 500)), max_size=30)


@given(COMMITS)
def test_a_state_survives_json(commits: list[tuple[str, bool, float]]) -> None:
    state = rolled(commits)
    again = HitState.from_json(json.loads(json.dumps(asdict(state))))
    commit = Committed(20_000 * HOUR_S, "ann")

    assert state == again
    assert np.array_equal(state.features(commit), again.features(commit))


@given(COMMITS)
def test_asking_changes_nothing_and_features_are_finite(commits: list[tuple[str, bool, float]]) -> None:
    state = rolled(commits)
    before = asdict(state)
    values = state.features(Committed(20_000 * HOUR_S, "new"))

    assert before == asdict(state)
    assert np.isfinite(values).all()


def test_no_more_than_so_many_authors_are_remembered() -> None:
    state = rolled([(f"author{number}", False, 1) for number in range(2_100)])

    assert 2_000 == len(state.authors)
    assert "author0" not in state.authors


def model_of(state: HitState) -> HitModel:
    return HitModel(
        EWMA, {}, {"deps": 0.0}, {EWMA: {"auc": 0.6, "brier": 0.1}}, ("too little history",), {"deps": state}
    )


def test_a_bundle_carries_the_state_and_the_baseline_serves(make_bundle: MakeBundle) -> None:
    path = make_bundle(State.blank(["tests/test_a.py::test_b"])).path
    state = rolled([("ann", False, 1)] * 30)
    old = open_bundle(path)
    extend_bundle(path, {ENTRY: model_of(state).to_bytes()})
    bundle = open_bundle(path)
    model = read_hit_model(bundle)

    assert model is not None
    assert model_of(state) == model
    found = forecast_hit(bundle, model, stage="deps", commit=Committed(40 * HOUR_S, "ann"))
    assert found is not None
    assert (state.hit_ewma, EWMA) == (found.p_exact, found.served_by)
    assert forecast_hit(bundle, model, stage="other", commit=Committed(0.0, "ann")) is None
    assert old.manifest == bundle.manifest
    assert old.entries().items() <= bundle.entries().items()


@given(st.floats(-3, 3), st.floats(0, 1))
def test_an_offset_moves_towards_what_happened(offset: float, p_exact: float) -> None:
    assert next_offset(offset, p_exact, hit=False) <= offset <= next_offset(offset, p_exact, hit=True)


def test_a_bundle_without_caches_says_nothing(make_bundle: MakeBundle) -> None:
    assert read_hit_model(make_bundle(State.blank(["tests/test_a.py::test_b"]))) is None
