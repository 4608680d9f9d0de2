"""pytest-benchmark's `--benchmark-json`: seconds, the rounds of one process in `stats.data` unless left out."""

from __future__ import annotations

from cipredict.ingest.benchmarks.interface import Decoded, Json, make_record

NAME = "pytest-benchmark"


def looks_like(document: Json) -> bool:
    """Tell by the machine beside the benchmarks."""
    return isinstance(document, dict) and "machine_info" in document and isinstance(document.get("benchmarks"), list)


def decode(document: Json) -> Decoded:
    """Give every benchmark; of a file without raw data its mean, and say so."""
    for entry in document["benchmarks"]:
        stats = entry.get("stats", {})
        name = str(entry.get("fullname") or entry.get("name"))
        if stats.get("data"):
            yield make_record(name, [stats["data"]], unit="s")
        else:
            yield f"{name}: no raw data, its mean counts as the only sample"
            yield make_record(name, [[stats.get("mean")]], unit="s")
