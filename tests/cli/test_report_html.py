"""`cipredict report html`, from a store to a page."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from cipredict.cli.app import main

pytest.importorskip("duckdb", reason="the store extra is not installed")

from cipredict.cli.report_gathering import unit_of
from cipredict.cli.report_learned import headlines
from cipredict.render.html.document import TABLES
from tests.cli.report_history import HOSTILE, NEWEST, RUNS, fill, write_forecast  # after the skip
from tests.render.html.test_page import document

pytestmark = pytest.mark.learn


@pytest.fixture(scope="session", name="filled")
def _filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("filled")
    fill(folder / "h.duckdb")
    write_forecast(folder / "f.bundle")
    return folder


@pytest.fixture(autouse=True)
def _outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for variable in ("CIPREDICT_STORE", "CIPREDICT_FORECAST", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(variable, raising=False)


def test_every_part_is_in_the_page(filled: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["report", "html", "--store", str(filled / "h.duckdb"), "--forecast", str(filled / "f.bundle")])
    read = document(Path("report/index.html").read_text())

    assert code == 0
    assert f"{RUNS} runs, {120 + len(HOSTILE)} tests" in capsys.readouterr().err
    assert read["unit"] == "day"
    assert len(read["periods"]["period"]) == len(read["runs"]["run_id"]) == RUNS
    assert set(HOSTILE) <= set(read["cases"]["case_id"])
    assert {series["name"]: [turn["is_worse"] for turn in series["turns"]] for series in read["series"]}["render"] == [
        True
    ]
    assert len(read["waterfalls"]) == 30
    assert read["backtest"]["policies"][0] == {"name": "cipredict", "caught": [0.4, 0.6, 0.8, 0.9, 0.97]}
    assert sum(read["ledger"]["missed"]) > 0
    assert read["calibration"]["cases"] == [90_000, 700, 40]
    assert read["promises"]["missed"] == [36, 17, 9, 3]
    assert sum(read["bands"]["runs"]) == RUNS
    assert read["band_coverage"] == 0.9
    assert [bar["name"] for bar in read["waterfalls"][0]["bars"] if bar["critical"]] == ["lint", HOSTILE[0]]
    assert {name: len(read[name]["event_id"]) for name in ("gates", "shards")} == {"gates": 3 * RUNS, "shards": 160}
    assert (read["quota_bytes"], len(read["cache_room"]["period"])) == (10_000_000_000, RUNS)
    assert read["deployments"]["lead_s"][1] == 6 * 3600


def test_a_cut_of_the_runs_is_the_latest(filled: Path) -> None:
    options = ["--runs", "5", "--case-runs", "3", "-o", "x"]
    assert main(["report", "html", "--store", str(filled / "h.duckdb"), "--forecast", "none", *options]) == 0
    read = document(Path("x/index.html").read_text())

    assert read["runs"]["run_id"] == [str(1000 + RUNS - k) for k in range(1, 6)]
    assert set(read["cases"]["results"]) == {3}
    assert len(read["waterfalls"]) == 5
    assert len(read["periods"]["period"]) == RUNS


def test_the_quota_is_an_option(filled: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--store", str(filled / "h.duckdb"), "--forecast", "none", "-o", "q", "--cache-quota"]

    assert main(["report", "html", *options, "5GB"]) == 0
    assert document(Path("q/index.html").read_text())["quota_bytes"] == 5_000_000_000
    assert main(["report", "html", *options, "much"]) == 2
    assert "--cache-quota" in capsys.readouterr().err


def test_headlines_are_taken_out_of_the_names_of_the_registry() -> None:
    version = SimpleNamespace(number="3", created_at_ms=1000)
    metrics = {
        "failure.prior/time.apfdc": 0.8,
        "failure.cipredict.caught_5": 0.1,
        "run_time.median3.wape": 0.4,
        "x": 1.0,
    }

    rows = headlines(version, metrics)  # type: ignore[arg-type]  # as much of a version as it reads

    assert [row[2:] for row in rows] == [
        ("failure", "apfdc", "prior/time", 0.8),
        ("run_time", "wape", "median3", 0.4),
    ]


def test_an_empty_store_gives_a_page_that_says_how_to_fill_it() -> None:
    from cipredict.store.database import open_store  # noqa: PLC0415  # needs the extra

    with open_store(Path("empty.duckdb")):
        pass
    assert main(["report", "html", "--store", "empty.duckdb", "--forecast", "none"]) == 0
    read = document(Path("report/index.html").read_text())

    assert read["runs"]["run_id"] == []
    assert read["empty"]["runs"] == ["Nothing was ingested yet: how to,", "cipredict ingest --help"]
    assert read["backtest"] is None
    assert {name for name in TABLES if any(read[name].values())} == set()
    parts = {"bands", "calibration", "reliability", "shards", "caches", "cache_stages", "gates"}
    assert all(read["empty"][part][0] and read["empty"][part][1].startswith("cipredict ") for part in parts)


def test_a_damaged_forecast_leaves_its_part_empty(filled: Path) -> None:
    Path("bad.bundle").write_bytes(b"no zip")
    assert main(["report", "html", "--store", str(filled / "h.duckdb"), "--forecast", "bad.bundle"]) == 0

    assert "bad.bundle" in document(Path("report/index.html").read_text())["empty"]["backtest"][0]


def test_a_place_that_cannot_be_written_is_said(filled: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("file").write_text("")
    code = main(["report", "html", "--store", str(filled / "h.duckdb"), "-o", "file/x"])

    assert code == 2
    assert "[output-unwritable]" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("days", "unit"),
    [(0, "day"), (120, "day"), (121, "week"), (900, "week"), (901, "month")],
)
def test_a_longer_history_has_longer_periods(days: int, unit: str) -> None:
    assert unit_of({"ended": [NEWEST, NEWEST - timedelta(days=days)]}) == unit
    assert unit_of({"ended": []}) == "day"
