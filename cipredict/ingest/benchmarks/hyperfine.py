"""hyperfine's `--export-json`: every time is a process of its own."""

from __future__ import annotations

from cipredict.ingest.benchmarks.interface import Decoded, Json, make_record, with_parameters

NAME = "hyperfine"


def looks_like(document: Json) -> bool:
    """Tell by commands among the results."""
    results = document.get("results") if isinstance(document, dict) else None
    return (
        isinstance(results, list)
        and bool(results)
        and all(isinstance(one, dict) and "command" in one for one in results)
    )


def decode(document: Json) -> Decoded:
    """Give every command; of a file without times its mean, and say so."""
    for result in document["results"]:
        name = with_parameters(str(result["command"]), result.get("parameters"))
        times = result.get("times")
        if not times:
            yield f"{name}: no times, its mean counts as the only run"
        yield make_record(name, [[value] for value in times or [result.get("mean")]], unit="s")
