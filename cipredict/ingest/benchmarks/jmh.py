"""JMH's `-rf json`: per fork the iterations, in `rawData`; a fork is a process of its own."""

from __future__ import annotations

from cipredict.ingest.benchmarks.interface import Decoded, Json, make_record, with_parameters

NAME = "jmh"


def looks_like(document: Json) -> bool:
    """Tell by the primary metric."""
    return (
        isinstance(document, list)
        and bool(document)
        and all(isinstance(entry, dict) and "primaryMetric" in entry for entry in document)
    )


def decode(document: Json) -> Decoded:
    """Give the primary metric of every benchmark, mode and combination of parameters."""
    for entry in document:
        metric = entry["primaryMetric"]
        name = with_parameters(str(entry.get("benchmark")), entry.get("params"))
        kind = "throughput" if entry.get("mode") == "thrpt" else "time"
        raw = metric.get("rawData")
        if not raw and "rawDataHistogram" in metric:
            raw = [_percentile_of(fork) for fork in metric["rawDataHistogram"]]
        yield make_record(name, raw or [[metric.get("score")]], unit=str(metric.get("scoreUnit", "")), metric=kind)


def _percentile_of(fork: Json) -> list[float]:
    """Give the medians of a fork's iterations, from their histograms of [value, count]."""
    medians = []
    for iteration in fork:
        middle, seen = sum(count for _, count in iteration) / 2, 0
        for value, count in sorted(iteration):
            seen += count
            if seen >= middle:
                medians.append(value)
                break
    return medians
