"""Metrics whose direction and unit are known, so that a gate may be written as `test_coverage = 85`."""

from __future__ import annotations

from typing import NamedTuple

from cipredict.decide.gating.definition import Comparison

AT_LEAST = Comparison.GREATER_THAN_OR_EQUAL
AT_MOST = Comparison.LESS_THAN_OR_EQUAL


class KnownMetric(NamedTuple):
    """Which side of the threshold is good, and the unit of a number without one."""

    comparison: Comparison
    unit: str = ""


SEVERITIES = ("critical", "high", "medium", "low", "unknown")

KNOWN: dict[str, KnownMetric] = {
    "test_coverage": KnownMetric(AT_LEAST, "%"),
    "line_coverage": KnownMetric(AT_LEAST, "%"),
    "diff_coverage": KnownMetric(AT_LEAST, "%"),
    "audio_quality_score": KnownMetric(AT_LEAST),
    "pesq_nb": KnownMetric(AT_LEAST),
    "pesq_wb": KnownMetric(AT_LEAST),
    "stoi": KnownMetric(AT_LEAST),
    "estoi": KnownMetric(AT_LEAST),
    "si_sdr": KnownMetric(AT_LEAST, "dB"),
    "audio_files_unscored": KnownMetric(AT_MOST),
    "performance_regression": KnownMetric(AT_MOST, "%"),
    "p99_latency": KnownMetric(AT_MOST, "ms"),
    "p95_latency": KnownMetric(AT_MOST, "ms"),
    "requests_per_second": KnownMetric(AT_LEAST),
    "peak_memory_usage": KnownMetric(AT_MOST, "B"),
    **{
        prefix + name: KnownMetric(AT_MOST)
        for prefix in ("", "new_")
        for name in ("security_vulnerabilities", *(f"security_vulnerabilities_{level}" for level in SEVERITIES))
    },
    "lint_findings": KnownMetric(AT_MOST),
    "type_errors": KnownMetric(AT_MOST),
    "format_findings": KnownMetric(AT_MOST),
    "tests_failed": KnownMetric(AT_MOST),
    "tests_passed": KnownMetric(AT_LEAST),
    "test_pass_rate": KnownMetric(AT_LEAST, "%"),
    "test_seconds": KnownMetric(AT_MOST, "s"),
    "pipeline_seconds": KnownMetric(AT_MOST, "s"),
    "pipeline.success_rate": KnownMetric(AT_LEAST, "%"),
    "pipeline.p50_seconds": KnownMetric(AT_MOST, "s"),
    "pipeline.p90_seconds": KnownMetric(AT_MOST, "s"),
    "pipeline.queue_p90_seconds": KnownMetric(AT_MOST, "s"),
    "pipeline.flaky_share": KnownMetric(AT_MOST, "%"),
    "pipeline.cache_hit_rate": KnownMetric(AT_LEAST, "%"),
    "dora.deployment_frequency": KnownMetric(AT_LEAST),
    "dora.lead_time": KnownMetric(AT_MOST, "s"),
    "dora.change_failure_rate": KnownMetric(AT_MOST, "%"),
    "dora.recovery_time": KnownMetric(AT_MOST, "s"),
}
