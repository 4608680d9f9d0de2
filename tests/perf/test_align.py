from __future__ import annotations

import pytest

from cipredict.perf.align import JobPair, align, merge_jobs
from cipredict.records import BenchmarkRecord, BenchmarkRun


def run(*records: BenchmarkRecord) -> BenchmarkRun:
    return BenchmarkRun(records)


def record(*samples: float, name: str = "parse", unit: str = "s", higher: bool = False) -> BenchmarkRecord:
    return BenchmarkRecord(name, (samples,), unit=unit, higher_is_better=higher)


@pytest.mark.parametrize(
    ("base", "head", "kind", "told"),
    [
        pytest.param(record(1.0), record(float("nan")), "invalid", "head holds nan", id="NaN"),
        pytest.param(record(float("inf")), record(1.0), "invalid", "base holds inf", id="infinite"),
        pytest.param(record(1.0), record(-1.0), "invalid", "head holds -1", id="negative"),
        pytest.param(record(0.0), record(1.0), "invalid", "base holds 0", id="zero"),
        pytest.param(record(), record(1.0), "invalid", "base has no sample", id="empty"),
        pytest.param(record(1.0), record(1.0, unit="B"), "unit", "base is in s, head in B", id="other unit"),
        pytest.param(record(1.0), record(1000.0, unit=""), "unit", "ms against s", id="milliseconds against seconds"),
        pytest.param(record(1e6, unit=""), record(1.1, unit=""), "unit", "unit is not stated", id="neither stated"),
        pytest.param(record(1.0), record(1.0, higher=True), "invalid", "higher is better", id="direction"),
    ],
)
def test_what_cannot_be_compared_is_said_in_one_line(
    base: BenchmarkRecord, head: BenchmarkRecord, kind: str, told: str
) -> None:
    comparable, [unusable] = align([JobPair(run(base), run(head), same_job=True)])

    assert comparable == []
    assert told in unusable.reason
    assert "\n" not in unusable.reason
    assert unusable.kind in {kind, "unit"}


def test_a_real_slow_down_by_a_thousand_is_compared_where_units_are_stated() -> None:
    [one], _ = align([JobPair(run(record(1.0)), run(record(1000.0)), same_job=True)])

    assert one.series == "parse"


def test_new_missing_and_renamed() -> None:
    base, head = (
        run(record(1.0, name="test_parse_json"), record(1.0)),
        run(record(1.0, name="test_parse_jsons"), record(1.0)),
    )
    comparable, unusable = align([JobPair(base, head, same_job=True)])

    assert [one.series for one in comparable] == ["parse"]
    assert [(one.series, one.kind) for one in unusable] == [("test_parse_json", "missing"), ("test_parse_jsons", "new")]
    assert unusable[0].reason == "only base has it; renamed to test_parse_jsons?"


def test_a_stated_rename_is_followed() -> None:
    pair = JobPair(run(record(1.0, name="old")), run(record(1.0, name="new")), same_job=True)
    comparable, unusable = align([pair], {"old": "new"})

    assert ([one.series for one in comparable], unusable) == (["new"], [])


def test_records_of_one_series_are_processes_of_it() -> None:
    [one], _ = align([JobPair(run(record(1.0), record(2.0)), run(record(3.0)), same_job=True)])

    assert one.jobs[0] is not None
    assert (len(one.jobs[0].base), len(one.jobs[0].head)) == (2, 1)


def test_each_of_several_jobs_counts_as_one_process() -> None:
    jobs = [run(BenchmarkRecord("parse", ((1.0, 1.0), (3.0, 3.0), (3.0, 3.0)))), run(record(5.0))]

    values = [process for record in merge_jobs(jobs).records for process in record.processes]

    assert values == [pytest.approx((3.0,)), pytest.approx((5.0,))]


def test_a_bad_value_of_one_of_several_jobs_is_still_seen() -> None:
    merged = merge_jobs([run(record(float("nan"))), run(record(1.0))])
    _, [unusable] = align([JobPair(merged, run(record(1.0)), same_job=False)])

    assert "nan" in unusable.reason
