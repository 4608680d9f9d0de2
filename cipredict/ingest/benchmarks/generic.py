"""JSON of nobody in particular: ours, github-action-benchmark's lists, and objects of numbers by name.

::

    {"benchmarks": [{"name": …, "metric": …, "unit": "ms", "samples": […], "higher_is_better": …}]}
    [{"name": …, "unit": "ms", "value": 1.5}]
    {"parse": [1.5, 1.6], "load": {"samples": [3.1], "unit": "ms"}, "start": 0.2}

`processes`, lists of samples, may stand for `samples`, which count as those of one process.
"""

from __future__ import annotations

from cipredict.ingest.benchmarks.interface import Decoded, Json, make_record

NAME = "json"
_VALUES = ("samples", "values", "data", "times")
_SINGLE = ("value", "mean", "median", "score")


def looks_like(document: Json) -> bool:
    """Take any object, or list of objects."""
    return isinstance(document, dict) or (isinstance(document, list) and all(isinstance(one, dict) for one in document))


def decode(document: Json) -> Decoded:
    """Give whatever has a name and numbers."""
    entries = document.get("benchmarks", document) if isinstance(document, dict) else document
    if isinstance(entries, dict):
        entries = [_named(name, value) for name, value in entries.items() if not str(name).startswith("$")]
    for entry in entries if isinstance(entries, list) else []:
        if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
            yield "an entry without a name, left out"
            continue
        higher = entry.get("higher_is_better")
        yield make_record(
            entry["name"],
            _processes(entry),
            unit=str(entry.get("unit", "")),
            metric=str(entry.get("metric", "time")),
            higher=higher if isinstance(higher, bool) else None,
        )


def _named(name: str, value: Json) -> dict[str, Json]:
    if isinstance(value, dict):
        return {"name": name, **value}
    return {"name": name, "samples": value if isinstance(value, list) else [value]}


def _processes(entry: dict[str, Json]) -> list[object]:
    if isinstance(entry.get("processes"), list):
        return list(entry["processes"])
    for key in _VALUES:
        if entry.get(key):
            return [entry[key]]
    single = next((entry[key] for key in _SINGLE if key in entry), None)
    return [[single]]
