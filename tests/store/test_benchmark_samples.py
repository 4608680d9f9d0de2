"""What jobs measured, from the event file into the store."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("duckdb", reason="the store extra is not installed")
pytest.importorskip("pyarrow", reason="the store extra is not installed")

from cipredict.events import Event  # after the skips
from cipredict.store.database import Store
from cipredict.store.ledger import add_events
from cipredict.store.queries import load_benchmark_events

if TYPE_CHECKING:
    from tests.store.conftest import At

pytestmark = pytest.mark.learn


def event(at: At, number: int, *values: float, side: str = "head", run_id: str = "1") -> Event:
    entry = {"benchmark": "parse", "metric": "time", "unit": "s", "processes": [list(values), [9.0]]}
    key = {"provider": "github", "repository": "me/it", "run_id": run_id, "attempt": 1}
    return Event("benchmarks", at(number), key, {"job": "j", "side": side, "sha": "a", "benchmarks": [entry]})


def samples(store: Store) -> list[tuple[object, ...]]:
    query = (
        "select run_id, benchmark, unit, sample, value from benchmark_samples join runs using (run_seq) order by all"
    )
    return store.connection.execute(query).fetchall()


def test_head_becomes_samples_of_its_run_known_or_not(store: Store, at: At) -> None:
    add_events(store, [event(at, 1, 1.0, 2.0), event(at, 1, 7.0, side="base")])

    assert samples(store) == [("1", "parse", "s", 0, 1.0), ("1", "parse", "s", 1, 2.0), ("1", "parse", "s", 2, 9.0)]


def test_twice_is_once_and_measured_again_replaces(store: Store, at: At) -> None:
    add_events(store, [event(at, 1, 1.0)])
    add_events(store, [event(at, 1, 1.0), event(at, 2, 3.0, run_id="2")])
    add_events(store, [event(at, 3, 5.0)])

    assert [(run, value) for run, _, _, _, value in samples(store)] == [("1", 5.0), ("1", 9.0), ("2", 3.0), ("2", 9.0)]


def test_both_sides_come_back_in_order_of_time_and_later_ones_do_not(store: Store, at: At) -> None:
    add_events(store, [event(at, 2, 2.0), event(at, 1, 1.0, side="base"), event(at, 9, 9.0)])
    bodies = [json.loads(row["body"]) for row in load_benchmark_events(store, at(5)).to_pylist()]

    assert [body["side"] for body in bodies] == ["base", "head"]


@pytest.mark.parametrize("benchmarks", [None, 3, [3], [{"processes": 3}], [{"processes": [["x"]]}]])
def test_an_odd_body_is_kept_as_an_event_and_gives_no_samples(store: Store, at: At, benchmarks: object) -> None:
    odd = Event("benchmarks", at(1), {"run_id": "1"}, {"benchmarks": benchmarks})

    assert add_events(store, [odd]) == 1
    assert samples(store) == []
