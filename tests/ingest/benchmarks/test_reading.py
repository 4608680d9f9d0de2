"""Every benchmark tool's own files, and what people feed in by mistake."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cipredict.errors import InputError
from cipredict.ingest.benchmarks.reading import DECODERS, read_benchmark_file, read_benchmarks

SAMPLES = Path("data/samples/benchmarks")


def facts(name: str) -> dict[str, tuple[str, bool, list[int]]]:
    records = read_benchmark_file(SAMPLES / name).run.records
    return {one.series: (one.unit, one.higher_is_better, [len(p) for p in one.processes]) for one in records}


@pytest.mark.parametrize(
    ("name", "dialect", "expected"),
    [
        pytest.param(
            "pytest_benchmark.json",
            "pytest-benchmark",
            {"test_b.py::test_dumps": ("s", False, [12]), "test_b.py::test_loads": ("s", False, [12])},
            id="pytest-benchmark",
        ),
        pytest.param(
            "hyperfine.json",
            "hyperfine",
            {"true": ("s", False, [1] * 5), "sleep 0.01": ("s", False, [1] * 5)},
            id="hyperfine",
        ),
        pytest.param(
            "asv.json",
            "asv",
            {
                "benchmarks.Json.time_dumps(10)": ("s", False, [8]),
                "benchmarks.Json.time_dumps(100)": ("s", False, [8]),
                "benchmarks.peakmem_list [memory]": ("B", False, [1]),
                "benchmarks.time_loads": ("s", False, [10]),
                "benchmarks.track_size [value]": ("", False, [1]),
            },
            id="asv",
        ),
        pytest.param(
            "google_benchmark.json",
            "google-benchmark",
            {
                "BM_Parse/64": ("s", False, [3]),
                "BM_Parse/64 [cpu_time]": ("s", False, [3]),
                "BM_Parse/64 [items_per_second]": ("1/s", True, [3]),
            },
            id="google",
        ),
        pytest.param("criterion.jsonl", "criterion", {"norm": ("s", False, [3])}, id="criterion"),
        pytest.param(
            "jmh.json",
            "jmh",
            {
                "org.sample.Parser.parse[size=10]": ("s", False, [2, 2]),
                "org.sample.Parser.parse [throughput]": ("1/s", True, [2]),
                "org.sample.Parser.load": ("s", False, [2]),
            },
            id="jmh",
        ),
        pytest.param("actions.json", "json", {"parse": ("s", False, [1]), "serve": ("1/s", True, [1])}, id="actions"),
        pytest.param(
            "plain.json", "json", {"parse [memory]": ("B", False, [2]), "serve": ("1/s", True, [2, 1])}, id="plain"
        ),
    ],
)
def test_samples(name: str, dialect: str, expected: dict[str, tuple[str, bool, list[int]]]) -> None:
    assert read_benchmark_file(SAMPLES / name).dialect == dialect
    assert facts(name) == expected


@pytest.mark.parametrize(
    ("name", "series", "value"),
    [
        ("hyperfine.json", "true", 0.010552711),
        ("google_benchmark.json", "BM_Parse/64", 12.5e-6),
        ("criterion.jsonl", "norm", 4140e-9),
        ("jmh.json", "org.sample.Parser.parse[size=10]", 101e-9),
        ("jmh.json", "org.sample.Parser.parse [throughput]", 9400.0),
        ("jmh.json", "org.sample.Parser.load", 5e-6),
        ("actions.json", "parse", 1.5e-3),
        ("plain.json", "parse [memory]", 2 * 1024**2),
    ],
)
def test_values_are_in_seconds_bytes_and_rates(name: str, series: str, value: float) -> None:
    records = {one.series: one for one in read_benchmark_file(SAMPLES / name).run.records}

    assert records[series].processes[0][0] == pytest.approx(value)


def test_a_failed_benchmark_is_left_out_and_said() -> None:
    assert read_benchmark_file(SAMPLES / "google_benchmark.json").problems == ("BM_Broken: no input, left out",)


def test_commit_and_time_where_the_file_states_them() -> None:
    run = read_benchmark_file(SAMPLES / "pytest_benchmark.json").run

    assert run.sha == "a4f1c3d2e5b6a7980112233445566778899aabbc"
    assert run.measured_at is not None
    assert run.measured_at.year == 2026
    assert read_benchmark_file(SAMPLES / "asv.json").run.sha.startswith("de919afe")


def test_a_criterion_folder_is_one_run(tmp_path: Path) -> None:
    for name in ("a", "b"):
        folder = tmp_path / "group" / name / "new"
        folder.mkdir(parents=True)
        (folder / "benchmark.json").write_text(json.dumps({"full_id": f"group/{name}"}))
        sample = {"sampling_mode": "Linear", "iters": [10.0, 20.0], "times": [1000.0, 2100.0]}
        (folder / "sample.json").write_text(json.dumps(sample))
    [read] = read_benchmarks(tmp_path)

    assert [one.benchmark for one in read.run.records] == ["group/a", "group/b"]
    assert read.run.records[0].processes[0] == pytest.approx((100e-9, 105e-9))


def test_a_folder_of_files_is_a_run_per_file(tmp_path: Path) -> None:
    for k in (2, 1):
        (tmp_path / f"{k}.json").write_text(json.dumps({"parse": k}))

    assert [read.run.records[0].processes for read in read_benchmarks(tmp_path)] == [((1.0,),), ((2.0,),)]


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        pytest.param("{", "benchmarks-format", id="cut short"),
        pytest.param("nonsense", "benchmarks-format", id="text"),
        pytest.param("3", "benchmarks-format", id="a number"),
        pytest.param("{}", "benchmarks-empty", id="empty object"),
        pytest.param("[]", "benchmarks-empty", id="empty list"),
        pytest.param('{"benchmarks": []}', "benchmarks-empty", id="no benchmark"),
        pytest.param('{"a": "fast"}', "benchmarks-empty", id="words for numbers"),
        pytest.param('{"a": [1, null]}', "benchmarks-empty", id="null among samples"),
        pytest.param('{"a": [true]}', "benchmarks-empty", id="truth for a number"),
        pytest.param('{"machine_info": {}, "benchmarks": [7]}', "benchmarks-empty", id="damaged pytest-benchmark"),
        pytest.param('{"result_columns": ["result"], "results": {"a": [3]}}', "benchmarks-empty", id="damaged asv"),
        pytest.param('[{"primaryMetric": null}]', "benchmarks-empty", id="damaged jmh"),
        pytest.param("[" * 100_000, "benchmarks-format", id="nested without end"),
    ],
)
def test_what_is_no_result_file_is_one_line(tmp_path: Path, text: str, slug: str) -> None:
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        read_benchmarks(path)

    assert caught.value.slug == slug
    assert "\n" not in str(caught.value)


def test_missing_files_empty_folders_and_other_encodings(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "empty").mkdir()
    slugs = []
    for name in ("nowhere.json", "x.json", "empty"):
        with pytest.raises(InputError) as caught:
            read_benchmarks(tmp_path / name)
        slugs.append(caught.value.slug)

    assert slugs == ["input-missing", "benchmarks-format", "benchmarks-empty"]


def test_one_bad_benchmark_does_not_sink_the_good_ones(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text('{"good": [1.0], "bad": "x", "odd": [NaN]}')
    read = read_benchmark_file(path)

    assert [one.benchmark for one in read.run.records] == ["good", "odd"]
    assert read.problems == ("bad: holds no list of numbers, left out",)


def test_every_decoder_has_a_name_of_its_own() -> None:
    assert len({decoder.NAME for decoder in DECODERS}) == len(DECODERS)
