"""The Python API of performance regressions: `CIPerfRegressionDetector`, named and shaped as in the brief.

What decides is `perf.compare`: rank tests over runs, corrected for the number of benchmarks, or the benchmarks' own
history where a noise profile is given. It needs the extra `perf`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import TypedDict

from cipredict.perf.align import JobPair
from cipredict.perf.compare import CompareOptions, compare
from cipredict.plans.comparison import Comparison, SeriesFinding, Standing, worse_percent
from cipredict.plans.noise_profile import NO_PROFILE, NoiseProfile
from cipredict.records import BenchmarkRecord, BenchmarkRun

__all__ = ["BenchmarkMetrics", "CIPerfRegressionDetector", "RegressionInfo", "RegressionReport"]


class BenchmarkMetrics(TypedDict, total=False):
    """What was measured of a benchmark: a sample per run, and their mean, which is computed where it is missing.

    Samples of one process are not independent runs: give the median of each process. `unit` and `higher_is_better` as
    in docs/performance.md.
    """

    samples: Sequence[float]
    mean: float
    unit: str
    higher_is_better: bool


class RegressionInfo(TypedDict):
    """A benchmark that became worse.

    `regression_percent` compares the means, as the brief has it: above 0 where the value grew. `confidence` is 1 minus
    the corrected p-value, or without one the share of unchanged runs on which the rule kept quiet; None where neither
    is known.
    """

    benchmark: str
    baseline_mean: float
    current_mean: float
    regression_percent: float
    confidence: float | None
    p_value: float | None
    recommendation: str


class RegressionReport(TypedDict):
    """What `analyze_benchmark_results` gives; `summary` counts the benchmarks by standing, in words."""

    has_regressions: bool
    regressions: list[RegressionInfo]
    summary: str


class CIPerfRegressionDetector:
    """Tells which benchmarks became worse than a baseline.

    Parameters
    ----------
    baseline_metrics : what was measured of every benchmark before the change
    noise : of unchanged code, by `cipredict perf calibrate`
    paired : baseline and current results were measured in one job, in turns
    """

    def __init__(
        self,
        baseline_metrics: Mapping[str, BenchmarkMetrics],
        *,
        noise: NoiseProfile = NO_PROFILE,
        paired: bool = False,
    ) -> None:
        self.baseline_metrics = baseline_metrics
        self._options = CompareOptions(profile=noise)
        self._paired = paired

    def compare(self, current_results: Mapping[str, BenchmarkMetrics]) -> Comparison:
        """Give the whole comparison, with what could not be judged and why."""
        pair = JobPair(_run(self.baseline_metrics), _run(current_results), same_job=self._paired)
        return compare([pair], self._options)

    def analyze_benchmark_results(self, current_results: Mapping[str, BenchmarkMetrics]) -> RegressionReport:
        """Give the benchmarks that became worse: candidates, until another machine sees them too."""
        comparison = self.compare(current_results)
        found = [one for one in comparison.findings if one.standing in {Standing.REGRESSION, Standing.CANDIDATE}]
        regressions = [self._info(one, current_results[one.series]) for one in found]
        return {"has_regressions": bool(regressions), "regressions": regressions, "summary": comparison.summary}

    def implement_performance_gates(self) -> dict[str, dict[str, object]]:
        """Give the brief's four gates as a `[tool.cipredict.gates]` table holds them."""
        return {
            "latency_gate": {
                "metric": "p99_latency",
                "threshold": "10ms",
                "comparison": "less_than",
                "action": "block_deployment",
                "exceptions": ["hotfix", "security"],
            },
            "throughput_gate": {
                "metric": "requests_per_second",
                "threshold": "1000",
                "comparison": "greater_than",
                "action": "warn",
                "escalation": "performance_team",
            },
            "memory_gate": {
                "metric": "peak_memory_usage",
                "threshold": "2GB",
                "comparison": "less_than",
                "action": "block_deployment",
            },
            "regression_gate": {
                "metric": "performance_regression",
                "threshold": "5%",
                "comparison": "less_than",
                "action": "require_approval",
                "approvers": ["tech_lead", "performance_engineer"],
            },
        }

    def _info(self, one: SeriesFinding, current: BenchmarkMetrics) -> RegressionInfo:
        before, after = _mean(self.baseline_metrics[one.series]), _mean(current)
        return {
            "benchmark": one.series,
            "baseline_mean": before,
            "current_mean": after,
            "regression_percent": (after - before) / before * 100,
            "confidence": self._confidence(one),
            "p_value": one.p_value,
            "recommendation": _recommend(one),
        }

    def _confidence(self, one: SeriesFinding) -> float | None:
        if one.p_adjusted is not None:
            return 1 - one.p_adjusted
        rate = self._options.profile.rates.get("paired" if self._paired else "unpaired")
        return None if rate is None or not rate.runs else 1 - rate.alarms / rate.runs


def _recommend(one: SeriesFinding) -> str:
    worse = f"{one.series} is {worse_percent(one):.1f} % worse ({one.reason})."
    if one.standing is Standing.REGRESSION:
        return f"{worse} `cipredict perf explain` names the commits and files in question."
    return f"{worse} Measure it again on another machine before anybody looks for the cause."


def _run(metrics: Mapping[str, BenchmarkMetrics]) -> BenchmarkRun:
    return BenchmarkRun(tuple(_record(name, entry) for name, entry in metrics.items()))


def _record(name: str, entry: BenchmarkMetrics) -> BenchmarkRecord:
    samples = entry.get("samples") or ([entry["mean"]] if "mean" in entry else [])
    processes = tuple((float(sample),) for sample in samples)
    higher = entry.get("higher_is_better", False)
    return BenchmarkRecord(name, processes, unit=entry.get("unit", ""), higher_is_better=higher)


def _mean(entry: BenchmarkMetrics) -> float:
    stated = entry.get("mean")
    if stated is not None and isfinite(stated):
        return stated
    samples = entry["samples"]
    return sum(samples) / len(samples)
