"""asv's result files (`results/<machine>/<commit>-<environment>.json`, version 2).

A file does not state units: they follow from the kind of benchmark, which is the prefix of its name.
"""

from __future__ import annotations

from itertools import product, zip_longest

from cipredict.ingest.benchmarks.interface import Decoded, Json, make_record

NAME = "asv"
_KINDS = {"time": ("time", "s"), "mem": ("memory", "B"), "peakmem": ("memory", "B"), "track": ("value", "")}


def looks_like(document: Json) -> bool:
    """Tell by the columns that version 2 declares."""
    return isinstance(document, dict) and "result_columns" in document and isinstance(document.get("results"), dict)


def decode(document: Json) -> Decoded:
    """Give every benchmark and combination of parameters; without recorded samples asv's own median."""
    for name, row in sorted(document["results"].items()):
        if not isinstance(row, list):
            continue
        columns = dict(zip_longest(document["result_columns"], row[: len(document["result_columns"])]))
        results = columns.get("result") or []
        samples = columns.get("samples") or [None] * len(results)
        kind = name.rpartition(".")[2].partition("_")[0]
        metric, unit = _KINDS.get(kind, ("value", ""))
        for parameters, result, raw in zip(product(*columns.get("params") or []), results, samples, strict=False):
            label = f"{name}({', '.join(parameters)})" if parameters else name
            if result is None:
                yield f"{label}: failed or was skipped, left out"
            else:
                yield make_record(label, [raw or [result]], unit=unit, metric=metric)
