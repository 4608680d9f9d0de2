"""Cucumber's JSON (Ruby, JVM, JavaScript); durations in ns.

::

    [{"uri": "features/cart.feature", "name": "Cart", "elements": [
       {"type": "background", "steps": [...]},
       {"type": "scenario", "id": "cart;total", "name": "Total", "before": [...], "after": [...], "steps": [
         {"name": "an empty cart", "result": {"status": "passed", "duration": 1200000}, "after": [...]}]}]}]

A background is listed before each scenario that it belongs to. A row of an outline is told by its place in the table,
which its id ends in: `cart;total;;2` is the first example.
"""

from __future__ import annotations

from collections.abc import Iterator

from cipredict.ingest.formats.interface import Findings, Json, join_id
from cipredict.ingest.formats.json_values import as_object, name, objects, seconds
from cipredict.ingest.spellings import parse_timestamp
from cipredict.records import CaseRun, Verdict

_FAILING = frozenset({"failed", "ambiguous"})


def is_cucumber(document: object) -> bool:
    """Tell by features with scenarios."""
    features = list(objects(document))
    return bool(features) and all("elements" in feature and "uri" in feature for feature in features)


def decode_cucumber(document: object, findings: Findings) -> Iterator[CaseRun]:
    """Give the scenarios as `file::feature::scenario`."""
    for feature in objects(document):
        uri = name(feature.get("uri")).removeprefix("file:").removeprefix("classpath:")
        owner = (findings.path(uri), name(feature.get("name")))
        background: list[Json] = []
        for element in objects(feature.get("elements")):
            results = list(_results(element))
            if element.get("type") == "background":
                background = results
            else:
                findings.note_start(parse_timestamp(name(element.get("start_timestamp"))))
                title = name(element.get("name"))
                case_id = join_id(*owner, title and title + _row(element))
                yield from _case(case_id, [*background, *results], findings)
                background = []


def _results(element: Json) -> Iterator[Json]:
    """Give what became of every hook and step, in no order."""
    steps = list(objects(element.get("steps")))
    hooks = [hook for holder in (element, *steps) for key in ("before", "after") for hook in objects(holder.get(key))]
    for item in (*steps, *hooks):
        yield as_object(item.get("result"))


def _case(case_id: str, results: list[Json], findings: Findings) -> list[CaseRun]:
    times = [seconds(result.get("duration"), units_per_second=1e9) for result in results]
    known = [time for time in times if time is not None]
    statuses = {name(result.get("status")) for result in results} - {""}
    return findings.case(case_id, _verdict(statuses), sum(known) if known else None)


def _verdict(statuses: set[str]) -> Verdict:
    """Judge as Cucumber's JUnit does: a step without a definition skips its scenario."""
    if statuses & _FAILING:
        return Verdict.FAILED
    return Verdict.PASSED if statuses and statuses <= {"passed"} else Verdict.SKIPPED


def _row(element: Json) -> str:
    """Name the row of an outline's table, `;examples;row` at the end of its id, of which the first is the header."""
    parts = name(element.get("id")).split(";")
    row = int(parts[-1]) if len(parts) > 3 and parts[-1].isdecimal() and len(parts[-1]) < 7 else 0
    examples = f"{parts[-2]} " if row and parts[-2] else ""
    return f" (example {examples}{row - 1})" if row > 1 else ""
