"""Google Benchmark's `--benchmark_format=json`: repetitions of one process, wall and CPU time, counters of rates."""

from __future__ import annotations

from collections import defaultdict

from cipredict.ingest.benchmarks.interface import Decoded, Json, make_record

NAME = "google-benchmark"
_RATES = {"items_per_second": "items/s", "bytes_per_second": "bytes/s"}


def looks_like(document: Json) -> bool:
    """Tell by the context beside the benchmarks."""
    return isinstance(document, dict) and "context" in document and isinstance(document.get("benchmarks"), list)


def decode(document: Json) -> Decoded:
    """Give the repetitions of every benchmark; of a file of aggregates only, the means."""
    entries = document["benchmarks"]
    plain = [entry for entry in entries if entry.get("run_type", "iteration") == "iteration"]
    means = [entry for entry in entries if entry.get("aggregate_name") == "mean"]
    if not plain and means:
        yield "only aggregates: each mean counts as the only sample"
    samples: dict[tuple[str, str, str], list[object]] = defaultdict(list)
    for entry in plain or means:
        name = str(entry.get("run_name") or entry.get("name"))
        if entry.get("error_occurred"):
            yield f"{name}: {entry.get('error_message', 'failed')}, left out"
            continue
        unit = str(entry.get("time_unit", "ns"))
        samples[name, "time", unit].append(entry.get("real_time"))
        samples[name, "cpu_time", unit].append(entry.get("cpu_time"))
        for counter, rate in _RATES.items():
            if counter in entry:
                samples[name, counter, rate].append(entry[counter])
    for (name, metric, unit), values in samples.items():
        yield make_record(name, [values], unit=unit, metric=metric)
