"""Events into the ledger: what CI jobs planned, to be held against what happened afterwards (`queries.load_ledger`).

A `benchmarks` event also fills `benchmark_samples`, under its run.

A plan event's body is the plan document. Of a selection plan the ledger reads `id`, `schema`, `observe`, `order_only`,
`fallback` and per entry of `cases`: `id`, `decision` (`skip` or else it runs), `p_fail`, `expected_s`. Whatever is
missing or oddly typed stays unknown: an event is a fact about the past and is never refused.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice

from cipredict.events import Event
from cipredict.store.columns import event_tables, sample_tables, utc
from cipredict.store.database import Store
from cipredict.store.statements import upsert

EVENTS_PER_STEP = 20
"""A plan decides on up to tens of thousands of cases."""


def add_events(store: Store, events: Iterable[Event]) -> int:
    """Take events into the ledger; give the number of events read, known ones included."""
    remaining = iter(events)
    taken = 0
    while step := list(islice(remaining, EVENTS_PER_STEP)):
        plans = [event for event in step if event.kind == "plan"]
        tables = event_tables(
            map(_event_row, step), map(_plan_row, plans), (row for plan in plans for row in _prediction_rows(plan))
        )
        upsert(store.connection, ("cases", "events"), tables)
        samples = [row for event in step if event.kind == "benchmarks" for row in _sample_rows(event)]
        if samples:
            upsert(store.connection, ("unknown_runs", "benchmark_samples"), sample_tables(samples))
        taken += len(step)
    return taken


def _event_row(event: Event) -> tuple[object, ...]:
    run, body = event.run, json.dumps(dict(event.body), sort_keys=True)
    key = (_text(run, "provider"), _text(run, "repository"), _text(run, "run_id"), _attempt(run))
    return event.event_id, event.kind, utc(event.at), *key, body


def _plan_row(event: Event) -> tuple[object, ...]:
    body = event.body
    skips_nothing = any(bool(body.get(word)) for word in ("observe", "order_only", "fallback"))
    return event.event_id, _text(body, "id"), _text(body, "schema"), skips_nothing


def _prediction_rows(event: Event) -> Iterator[tuple[object, ...]]:
    event_id = event.event_id  # a hash of the whole plan, whose cases are thousands
    for case in _cases(event.body.get("cases")):
        if isinstance(case, dict) and isinstance(case.get("id"), str):
            is_selected = case.get("decision") != "skip"
            yield event_id, case["id"], is_selected, _number(case, "p_fail"), _number(case, "expected_s")


def _sample_rows(event: Event) -> Iterator[tuple[object, ...]]:
    """Give what head measured, a row per sample; the base of a pair is another run's code and stays in its event."""
    run, benchmarks = event.run, event.body.get("benchmarks")
    key = (_text(run, "provider"), _text(run, "repository"), _text(run, "run_id"), _attempt(run))
    if not key[2] or event.body.get("side") == "base" or not isinstance(benchmarks, list):
        return
    for entry in benchmarks:
        if isinstance(entry, dict) and isinstance(entry.get("processes"), list):
            name = tuple(_text(entry, word) for word in ("benchmark", "metric", "unit"))
            values = [value for process in entry["processes"] for value in process if isinstance(value, int | float)]
            yield from ((*key, *name, number, float(value)) for number, value in enumerate(values))


def _cases(cases: object) -> Iterator[object]:
    """Give the cases of a plan, from its list of objects or from the columns that `select-tests` remembers."""
    if isinstance(cases, list):
        yield from cases
    elif isinstance(cases, dict) and all(isinstance(column, list) for column in cases.values()):
        yield from (dict(zip(cases, row, strict=True)) for row in zip(*cases.values(), strict=False))


def _text(document: Mapping[str, object], key: str) -> str:
    value = document.get(key)
    return "" if value is None else str(value)


def _number(document: Mapping[str, object], key: str) -> float | None:
    value = document.get(key)
    return float(value) if isinstance(value, int | float) else None


def _attempt(run: Mapping[str, object]) -> int:
    text = _text(run, "attempt")
    return int(text) if text.isascii() and text.isdigit() else 1
