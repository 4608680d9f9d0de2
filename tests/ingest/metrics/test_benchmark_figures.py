"""Result files of benchmark tools as metrics of a gate: recognised, named, in units, and never a number made up."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cipredict.ingest.metrics.benchmark_figures import is_of_a_tool
from cipredict.ingest.metrics.plain import PERCENTILES, Pick, percentile
from cipredict.ingest.metrics.reading import Places, read_metrics, read_picks
from cipredict.records import ReportStatus
from tests.ingest.metrics.conftest import NOW, ReadMetrics


@pytest.mark.parametrize(
    ("name", "metric", "expected"),
    [
        ("pytest_benchmark.json", "benchmark:test_b.py::test_dumps", "5.237us"),
        ("asv.json", "benchmark:benchmarks.Json.time_dumps(10)", "2.4246us"),
        ("google_benchmark.json", "benchmark:BM_Parse/64", "12.5us"),
        ("google_benchmark.json", "benchmark:BM_Parse/64 [cpu_time].max", "11.7us"),
        ("criterion.jsonl", "benchmark:norm", "4.14us"),
        ("jmh.json", "benchmark:org.sample.Parser.parse[size=10]", "103ns"),
        ("hyperfine.json", "benchmark:true.mean", "3.29086ms"),
        ("benchmarks=actions.json", "benchmark:parse.p99", "1.5ms"),
        ("benchmarks=plain.json", "benchmark:parse [memory]", "2.09715MB"),
    ],
)
def test_every_tool_is_read_without_a_detour(samples: Path, name: str, metric: str, expected: str) -> None:
    kind, _, file = name.rpartition("=")
    path = samples / "benchmarks" / file
    read = read_metrics(f"{kind}={path}" if kind else str(path), Places(samples, NOW))
    assert expected == {one.metric: str(one.quantity) for one in read.reading.measurements}[metric]


def test_somebodys_own_format_has_to_be_named(samples: Path) -> None:
    read = read_metrics(str(samples / "benchmarks/plain.json"), Places(samples, NOW))
    assert ReportStatus.INVALID is read.status


def test_a_folder_is_several_runs(tmp_path: Path) -> None:
    for name, seconds in (("1.json", 0.25), ("2.json", 0.75)):
        (tmp_path / name).write_text(json.dumps({"parse": [seconds]}), encoding="utf-8")
    read = read_metrics(f"benchmarks={tmp_path}", Places(tmp_path, NOW))
    figures = {one.metric: one for one in read.reading.measurements}
    assert ("0.5", "2 samples") == (
        str(figures["benchmark:parse.mean"].quantity),
        figures["benchmark:parse.mean"].reason,
    )


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ('{"parse": [NaN, 1.0]}', "parse holds nan"),
        ('{"parse": [1e999]}', "parse holds inf"),
    ],
)
def test_a_number_that_is_none_is_a_reason(read_sample: ReadMetrics, content: str, complaint: str) -> None:
    [one] = read_sample("benchmarks=a.json", content).reading.measurements
    assert (None, complaint) == (one.quantity, one.reason)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ('{"machine_info": {}, "benchmarks": []}', "a.json holds no benchmark"),
        ('{"machine_info": {}, "benchmarks": [{"stats": 5}]}', "a.json holds no benchmark (is damaged"),
        ('[{"primaryMetric": 5}]', "a.json holds no benchmark"),
    ],
)
def test_a_file_without_a_benchmark_is_invalid(read_sample: ReadMetrics, content: str, complaint: str) -> None:
    read = read_sample("a.json", content)
    assert ReportStatus.INVALID is read.status
    assert complaint in read.problems[0]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["benchmarks", "machine_info", "context", "results", "result_columns", "reason", "x"]),
            inner,
        )
    ),
)


@given(document=JSON)
def test_nothing_that_json_can_hold_breaks_the_recognition(document: object) -> None:
    assert is_of_a_tool(document) in {True, False}


@pytest.mark.parametrize(
    ("pick", "expected"),
    [
        (Pick("p99_latency", "pytest_benchmark.json", benchmark="test_b.py::test_dumps", take="p50"), "5.237us"),
        (Pick("m", "jmh.json", benchmark="org.sample.Parser.parse[size=10]"), "leads to 4 values"),
        (Pick("m", "plain.json", benchmark="parse [memory]", take="max"), "3.14573MB"),
        (Pick("m", "jmh.json", benchmark="parse"), "parse is none of its benchmarks (org.sample."),
        (Pick("m", "nowhere.json", benchmark="parse"), "nowhere.json"),
    ],
)
def test_a_benchmark_may_have_the_name_that_a_gate_asks_for(
    samples: Path, monkeypatch: pytest.MonkeyPatch, pick: Pick, expected: str
) -> None:
    monkeypatch.chdir(samples / "benchmarks")
    [measured] = read_picks([pick])
    assert pick.name == measured.metric
    assert expected in (str(measured.quantity) if measured.quantity else measured.reason)


@given(values=st.lists(st.floats(allow_nan=False), min_size=1), share=st.sampled_from(list(PERCENTILES.values())))
def test_a_percentile_is_the_smallest_value_that_so_many_do_not_exceed(values: list[float], share: float) -> None:
    found = percentile(values, share)
    assert sum(value <= found for value in values) >= share * len(values)
    assert sum(value < found for value in values) < share * len(values)
