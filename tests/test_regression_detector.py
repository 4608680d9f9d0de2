from __future__ import annotations

import pytest

pytest.importorskip("scipy", reason="the perf extra is not installed")

import numpy as np  # after the skip

from cipredict.plans.noise_profile import Noise, NoiseProfile, RuleRate
from cipredict.regression_detector import BenchmarkMetrics, CIPerfRegressionDetector

pytestmark = pytest.mark.learn


def metrics(factor: float, *, runs: int = 8, seed: int = 0) -> BenchmarkMetrics:
    return {"samples": (factor * np.random.default_rng(seed).normal(1, 0.01, runs)).tolist()}


BASELINE = {"parse": metrics(1.0), "load": metrics(1.0, seed=1)}


def test_a_slower_benchmark_is_reported_with_the_briefs_fields() -> None:
    report = CIPerfRegressionDetector(BASELINE).analyze_benchmark_results(
        {"parse": metrics(1.2, seed=2), "load": metrics(1.0, seed=3), "new": metrics(1.0)}
    )
    [found] = report["regressions"]

    assert report["has_regressions"] is True
    assert (found["benchmark"], report["summary"]) == ("parse", "1 candidate, 1 new, 1 unchanged")
    assert found["baseline_mean"] == pytest.approx(1.0, abs=0.01)
    assert found["current_mean"] == pytest.approx(1.2, abs=0.02)
    assert found["regression_percent"] == pytest.approx(20, abs=2)
    assert found["p_value"] is not None
    assert found["p_value"] < 0.01
    assert found["confidence"] is not None
    assert found["confidence"] > 0.95
    assert "another machine" in found["recommendation"]


def test_the_same_again_has_no_regressions() -> None:
    report = CIPerfRegressionDetector(BASELINE).analyze_benchmark_results(BASELINE)

    assert (report["has_regressions"], report["regressions"]) == (False, [])


def test_five_runs_of_sixty_benchmarks_conclude_nothing() -> None:
    names = [f"b{k}" for k in range(60)]
    before = {name: metrics(1.0, runs=5, seed=k) for k, name in enumerate(names)}
    after = {name: metrics(1.1, runs=5, seed=k + 100) for k, name in enumerate(names)}

    assert CIPerfRegressionDetector(before).analyze_benchmark_results(after)["summary"] == "60 inconclusive"


def test_with_a_noise_profile_one_run_is_enough_and_confidence_is_its_rate() -> None:
    noise = NoiseProfile({"parse": Noise(0.01, 30)}, {}, {"paired": RuleRate(2, 50)})
    detector = CIPerfRegressionDetector({"parse": {"mean": 1.0}}, noise=noise, paired=True)
    [found] = detector.analyze_benchmark_results({"parse": {"mean": 1.2}})["regressions"]

    assert found["confidence"] == pytest.approx(0.96)
    assert found["p_value"] is None


@pytest.mark.parametrize("samples", [[float("nan")], [-1.0], [float("inf")], []])
def test_what_is_no_measurement_is_no_regression(samples: list[float]) -> None:
    report = CIPerfRegressionDetector({"parse": metrics(1.0)}).analyze_benchmark_results(
        {"parse": {"samples": samples}}
    )

    assert (report["has_regressions"], report["summary"]) == (False, "1 invalid")


def test_the_four_gates_of_the_brief() -> None:
    gates = CIPerfRegressionDetector({}).implement_performance_gates()

    assert {name: (gate["metric"], gate["threshold"], gate["action"]) for name, gate in gates.items()} == {
        "latency_gate": ("p99_latency", "10ms", "block_deployment"),
        "throughput_gate": ("requests_per_second", "1000", "warn"),
        "memory_gate": ("peak_memory_usage", "2GB", "block_deployment"),
        "regression_gate": ("performance_regression", "5%", "require_approval"),
    }
    assert gates["latency_gate"]["exceptions"] == ["hotfix", "security"]
