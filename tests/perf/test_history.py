from __future__ import annotations

import pytest

pytest.importorskip("scipy", reason="the perf extra is not installed")

from dataclasses import replace  # after the skip

from cipredict.perf.history import EVERYTHING, find_turns, table_of
from cipredict.records import BenchmarkRecord
from tests.perf.histories import make_history

pytestmark = pytest.mark.learn


def test_a_slower_benchmark_is_found_between_two_commits() -> None:
    pairs = make_history(80, slower={"b3": 1.2}, since=50)
    [turn] = find_turns([pair.head for pair in pairs])

    assert (turn.series, turn.is_worse) == ("b3", True)
    assert turn.change == pytest.approx(0.2, abs=0.03)
    assert (turn.last_good.sha, turn.first_bad.sha) == (pairs[49].head.sha, pairs[50].head.sha)
    assert turn.since == pairs[50].head.measured_at


def test_machines_alone_are_no_change() -> None:
    assert find_turns([pair.head for pair in make_history(80)]) == []


def test_everything_slower_is_one_finding() -> None:
    quiet = [pair.head for pair in make_history(80)]
    slow = [
        replace(
            run,
            records=tuple(
                r._replace(processes=tuple(tuple(3 * x for x in p) for p in r.processes)) for r in run.records
            ),
        )
        for run in quiet[40:]
    ]
    [turn] = find_turns([*quiet[:40], *slow])

    assert turn.series == EVERYTHING


def test_a_rate_that_falls_is_worse() -> None:
    runs = [pair.head for pair in make_history(80, slower={"b3": 0.8}, since=50)]
    rates = [
        replace(run, records=tuple(r._replace(higher_is_better=True, unit="1/s") for r in run.records)) for run in runs
    ]
    [as_time], [as_rate] = find_turns(runs), find_turns(rates)

    assert (as_time.is_worse, as_rate.is_worse) == (False, True)


def test_values_that_are_none_count_as_not_measured() -> None:
    run = make_history(1)[0].head
    bad = BenchmarkRecord("b0", ((float("nan"), -1.0),))
    table = table_of([replace(run, records=(bad, *run.records[1:]))])

    assert table.values[0].tolist()[1:] == table_of([run]).values[0].tolist()[1:]
    assert str(table.values[0, 0]) == "nan"


@pytest.mark.parametrize("jobs", [1, 2, 5])
def test_short_histories_have_no_change(jobs: int) -> None:
    assert find_turns([pair.head for pair in make_history(jobs)]) == []
