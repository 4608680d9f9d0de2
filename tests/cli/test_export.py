"""`cipredict export` and the ways in that belong to it, as a person types them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("duckdb", reason="the store extra is not installed")
pytest.importorskip("pyarrow", reason="the store extra is not installed")

from cipredict.cli.app import main  # after the skips
from cipredict.store.archive import MANIFEST

pytestmark = pytest.mark.learn

SAMPLES = Path(__file__).parents[2] / "data" / "samples"
ROWS = "build,test,status,ms,at\n7,a::x,passed,1500,2024-05-01\n7,b::y,RED,20,2024-05-01\n8,a::x,passed,1,2024-05-02\n"
MAP = "run_id=build,case_id=test,verdict=status,duration_s=ms:ms,started_at=at"


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for variable in ("CIPREDICT_STORE", "GITHUB_SERVER_URL", "CI_SERVER_URL"):
        monkeypatch.delenv(variable, raising=False)
    Path("rows.csv").write_text(ROWS)


@pytest.fixture(name="store")
def _store(capsys: pytest.CaptureFixture[str]) -> str:
    assert main(["ingest", "table", "rows.csv", "--map", MAP, "--failed-values", "red", "--store", "h.duckdb"]) == 0
    capsys.readouterr()
    return "h.duckdb"


def complaint(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """Give the one line of a mistake."""
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert (captured.out, captured.err.count("\n")) == ("", 1), captured.err
    return captured.err


def test_a_table_is_taken_in_and_bad_rows_are_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ingest", "table", "rows.csv", "--map", MAP]) == 0
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "suboptimal: rows.csv: 1 rows with an unknown verdict (red), skipped; name them with" in captured.err


def test_a_table_of_which_nothing_is_used_is_a_mistake(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ingest", "table", "rows.csv", "--map", MAP.replace("build", "bild")]) == 2
    error = capsys.readouterr().err
    assert "invalid: rows.csv: cannot be read (it has no column bild, but build, test, status, ms, at)" in error
    assert "[ingest-nothing]" in error


def test_tables_are_found_as_reports_are(capsys: pytest.CaptureFixture[str]) -> None:
    Path("lake").mkdir()
    Path("lake/rows.csv").write_bytes(Path("rows.csv").read_bytes())
    for paths, code in ((["rows.*"], 0), (["lake", "*.parquet"], 0), (["rows.csv", "gone.csv"], 2)):
        assert main(["ingest", "table", *paths, "--map", MAP, "--store", f"{code}.duckdb"]) == code
    said = capsys.readouterr().err
    assert "invalid: *.parquet: matches nothing" in said
    assert "gone.csv does not exist; what else was named is stored. [input-missing]" in said
    assert main(["export", "ctrf", "7", "--store", "2.duckdb"]) == 0


@pytest.mark.parametrize(
    ("arguments", "slug"),
    [
        pytest.param(["ingest", "table", "rows.csv"], "table-map", id="no map"),
        pytest.param(["ingest", "table", "rows.csv", "--map", "run=build"], "table-map", id="wrong field"),
        pytest.param(["ingest", "table", "rows.csv", "--map-file", "m.toml"], "input-missing", id="no map file"),
        pytest.param(["ingest", "table", "gone.csv", "--map", MAP], "input-missing", id="no table"),
        pytest.param(["ingest", "export", "."], "export-unreadable", id="no export"),
        pytest.param(["export", "parquet", "out"], "no-store", id="no store"),
        pytest.param(["export", "ctrf", "7", "--store", "none"], "no-store", id="no store for CTRF"),
    ],
)
def test_a_mistake_costs_one_line(arguments: list[str], slug: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert f"[{slug}]" in complaint(arguments, capsys)


def test_a_map_file_and_options_add_up(capsys: pytest.CaptureFixture[str]) -> None:
    Path("m.toml").write_text(
        '[columns]\nrun_id = "build"\ncase_id = "nowhere"\nverdict = "status"\n[verdicts]\nfailed = ["red"]'
    )
    arguments = ["ingest", "table", "rows.csv", "--map-file", "m.toml", "--map", "case_id=test", "--strict"]
    assert main(arguments) == 0
    assert "suboptimal:" not in capsys.readouterr().err


def test_an_export_travels_to_another_store(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "parquet", "out", "--store", store]) == 0
    assert main(["ingest", "export", "out", "--store", "other.duckdb"]) == 0
    assert main(["export", "parquet", "again", "--store", "other.duckdb"]) == 0
    assert "[export-exists]" in capsys.readouterr().err + complaint(
        ["export", "parquet", "out", "--store", store], capsys
    )
    assert main(["export", "parquet", "out", "--store", store, "--force"]) == 0
    tables = [json.loads(Path(folder, MANIFEST).read_text())["tables"] for folder in ("out", "again")]
    assert [table["case_runs"]["rows"] for table in tables] == [3, 3]


def test_a_run_is_written_as_ctrf(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "ctrf", "7", "--store", store]) == 0
    text = capsys.readouterr().out
    summary = json.loads(text)["results"]["summary"]
    assert (summary["tests"], summary["failed"], summary["duration"]) == (2, 1, 1520)
    assert main(["export", "ctrf", "7", "--store", store, "-o", "ctrf.json"]) == 0
    assert Path("ctrf.json").read_text() == text
    assert "[run-unknown]" in complaint(["export", "ctrf", "9", "--store", store], capsys)
    assert "[output-unwritable]" in complaint(["export", "ctrf", "7", "--store", store, "-o", "."], capsys)


def test_a_run_that_several_repositories_have_must_be_told_apart(
    store: str, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["ingest", "table", "rows.csv", "--map", MAP, "--repository", "you/it", "--store", store])
    capsys.readouterr()
    assert "table you/it. Give --repository." in complaint(["export", "ctrf", "7", "--store", store], capsys)
    assert main(["export", "ctrf", "7", "--store", store, "--repository", "you/it"]) == 0


def test_telemetry_goes_to_the_console_or_to_a_collector(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("opentelemetry.exporter.otlp.proto.http", reason="the otel extra is not installed")
    both = ["export", "otel", "--console", "--endpoint", "http://localhost", "--store", store]
    assert "[otel-target]" in complaint(both, capsys)
    assert "[since]" in complaint(["export", "otel", "--since", "soon", "--store", store], capsys)
    assert main(["export", "otel", "--console", "--since", "1d", "--store", store]) == 0
    captured = capsys.readouterr()
    assert (captured.out, captured.err[:24]) == ("", "Sent 0 spans of 0 runs s")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("contexts.json", "4 links between cases and files, and the covered lines of 3 files"),
        ("branches.coverage", "It was measured elsewhere: name the folder of that time with --root"),
        ("shop.info", "1 links between cases and files, and the covered lines of 3 files"),
        ("cobertura.xml", "Which case executed what stays unknown"),
    ],
)
def test_coverage_of_any_format_is_taken_in(name: str, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("lxml", reason="the store extra is not installed")
    root = "/builds/shop" if name == "cobertura.xml" else "."
    assert main(["ingest", "coverage", str(SAMPLES / "coverage" / name), "--root", root]) == 0
    assert words in capsys.readouterr().err
