"""The five optimisations: each does what it says, and nothing that must keep its place moves."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from cipredict.decide.pipelines.graph_rules import GateDecision, implied_needs, without_needs
from cipredict.decide.pipelines.improvement import CacheAdvice
from cipredict.decide.pipelines.stage_rules import Knowledge, Optimised, optimise_stages
from cipredict.plans.pipeline_model import Pipeline, Stage


def optimise(
    *stages: Stage, p_fail: dict[str, float] | None = None, caches: dict[str, CacheAdvice] | None = None, jobs: int = 20
) -> Optimised:
    pipeline = Pipeline(stages=stages, max_parallel_jobs=jobs)
    return optimise_stages(pipeline, Knowledge(p_fail=p_fail or {}, caches=caches or {}))


def needs(found: Optimised) -> dict[str, tuple[str, ...]]:
    return {stage.name: stage.needs for stage in found.stages}


def stage(name: str, seconds: float, *needs: str, **more: object) -> Stage:
    return replace(Stage(name, run=f"run {name}", expected_s=seconds, needs=needs), **more)  # type: ignore[arg-type]  # fields by name


def test_a_stage_that_repeats_another_is_dropped_and_its_dependents_repointed() -> None:
    found = optimise(Stage("a", run="x", expected_s=9), Stage("b", run="x", expected_s=9), stage("c", 5, "b"), jobs=1)

    assert needs(found) == {"a": (), "c": ("a",)}
    assert found.applied == ("eliminate_redundant_stages",)
    assert found.improvements[0].gain_s == 9.0
    assert found.improvements[0].unlimited_gain_s == 0.0


def test_implied_needs_go_unless_an_artifact_comes_along() -> None:
    stages = (stage("a", 1), stage("b", 2, "a"), stage("c", 3, "a", "b"))
    assert needs(optimise(*stages))["c"] == ("b",)

    with_artifact = (replace(stages[0], artifacts=("x",)), *stages[1:])
    assert needs(optimise(*with_artifact))["c"] == ("a", "b")


def test_a_gate_that_rarely_fails_and_delays_much_no_longer_holds_others_up() -> None:
    found = optimise(stage("lint", 60), stage("e2e", 600, "lint", matrix={"os": ("a", "b")}), p_fail={"lint": 0.01})

    assert needs(found)["e2e"] == ()
    assert found.applied == ("parallelize_independent_stages",)
    assert (found.before_s, found.after_s) == ((660.0, 660.0), (600.0, 600.0))


def test_a_gate_that_often_fails_is_put_in_front() -> None:
    found = optimise(stage("lint", 10), stage("e2e", 600, matrix={"os": ("a", "b")}), p_fail={"lint": 0.2})

    assert needs(found)["e2e"] == ("lint",)
    assert found.applied == ("implement_early_termination",)


def test_the_same_decision_is_stable_both_ways() -> None:
    for p in (0.0, 0.005, 0.05, 0.5, 1.0):
        behind = optimise(stage("g", 30), stage("j", 600, "g"), p_fail={"g": p})
        beside = optimise(stage("g", 30), stage("j", 600), p_fail={"g": p})
        assert needs(behind) == needs(beside)


def test_without_a_prediction_no_edge_moves() -> None:
    found = optimise(stage("lint", 60), stage("e2e", 600, "lint"))

    assert (needs(found)["e2e"], found.applied) == (("lint",), ())


def test_fixed_stages_keep_their_edges() -> None:
    kept = optimise(
        stage("smoke", 60, intent="smoke"),
        stage("e2e", 600, "smoke"),
        stage("publish", 5, "smoke", "e2e", side_effects=True),
        p_fail={"smoke": 0.0, "e2e": 0.0},
    )

    assert needs(kept) == {"smoke": (), "e2e": ("smoke",), "publish": ("smoke", "e2e")}


def test_stages_merge_only_where_no_run_ends_later() -> None:
    assert [one.name for one in optimise(stage("a", 60), stage("b", 30), stage("c", 600)).stages] == ["a-b", "c"]
    assert len(optimise(stage("a", 60), stage("b", 60)).stages) == 2
    merged = optimise(stage("a", 60), stage("b", 30), stage("c", 5, "b"), stage("d", 600))
    assert needs(merged)["c"] == ("a-b",)
    assert next(one for one in merged.stages if one.name == "a-b").command == "run a\nrun b"


def test_a_cache_that_pays_is_added() -> None:
    found = optimise(stage("a", 60), caches={"a": CacheAdvice(("~/.cache/pip",), ("constraints.txt",), 40.0)})

    assert found.stages[0].cache == ("~/.cache/pip",)
    assert found.applied == ("add_intelligent_caching",)


def test_a_decision_says_its_sums() -> None:
    assert str(GateDecision(0.1, 600, 30)) == "10.0% of 600 s > 30 s of waiting"
    assert not GateDecision(0.0, 600, 0.0).keeps


@st.composite
def graphs(draw: st.DrawFn) -> tuple[Stage, ...]:
    return tuple(
        stage(f"s{at}", draw(st.integers(1, 99)), *(f"s{one}" for one in sorted(draw(st.sets(st.integers(0, at - 1))))))
        if at
        else stage("s0", 5)
        for at in range(draw(st.integers(1, 6)))
    )


def order(stages: tuple[Stage, ...]) -> set[tuple[str, str]]:
    """Give every pair of which one waits for the other, directly or not."""
    above: dict[str, set[str]] = {}
    for one in stages:
        above[one.name] = set(one.needs).union(*(above[need] for need in one.needs))
    return {(name, other) for name, others in above.items() for other in others}


@given(graphs())
@settings(deadline=None)
def test_dropping_implied_needs_keeps_the_order_and_leaves_none(stages: tuple[Stage, ...]) -> None:
    reduced = stages
    for name, implied in implied_needs(stages).items():
        reduced = without_needs(reduced, name, implied)

    assert order(reduced) == order(stages)
    assert implied_needs(reduced) == {}


@given(graphs(), st.integers(1, 3))
@settings(deadline=None, max_examples=25)
def test_optimising_without_predictions_never_ends_later(stages: tuple[Stage, ...], jobs: int) -> None:
    found = optimise(*stages, jobs=jobs)

    assert found.after_s[0] <= found.before_s[0] + 0.001
