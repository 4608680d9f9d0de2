"""`cipredict ingest reports` and `ingest junit`: one command, which differs in what it looks for in folders."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from cipredict.cli.app import main

pytest.importorskip("duckdb", reason="needs duckdb (pip install 'cipredict[store]')")
pytest.importorskip("lxml", reason="needs lxml (pip install 'cipredict[store]')")

from cipredict.store.database import open_store  # after the skips

pytestmark = pytest.mark.learn
SAMPLES = Path(__file__).parents[2] / "data" / "samples"


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for variable in ("CIPREDICT_STORE", "GITHUB_ACTIONS", "GITLAB_CI"):
        monkeypatch.delenv(variable, raising=False)
    (tmp_path / "reports").mkdir()
    for name in ("reports/jest.json", "reports/go_test.jsonl", "reports/results.trx", "junit/ctest.xml"):
        shutil.copy(SAMPLES / name, tmp_path / "reports")


@pytest.mark.parametrize(
    ("arguments", "row"),
    [
        pytest.param(["reports", "reports"], ["4", "4", "0", "0", "1", "18", "9", "1"], id="all formats"),
        pytest.param(["junit", "reports"], ["1", "1", "0", "0", "1", "3", "1", "0"], id="XML only"),
        pytest.param(["junit", "reports/jest.json"], ["1", "1", "0", "0", "1", "4", "2", "1"], id="a named file"),
        pytest.param(["reports", "reports/*.trx"], ["1", "1", "0", "0", "1", "6", "3", "0"], id="a glob"),
    ],
)
def test_reports_of_any_format_are_stored(
    arguments: list[str], row: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["ingest", *arguments, "--store", "history.duckdb"]) == 0
    shown = next(line.split() for line in capsys.readouterr().err.splitlines() if line.split()[:1] == row[:1])
    assert row == shown[: len(row)]


def test_a_folder_without_reports_says_what_was_looked_for(capsys: pytest.CaptureFixture[str]) -> None:
    Path("empty").mkdir()
    assert main(["ingest", "reports", "empty"]) == 2
    assert "holds no *.xml, *.json, *.jsonl, *.ndjson, *.trx file" in capsys.readouterr().err


def test_a_missing_path_is_named_once_the_others_are_stored(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ingest", "reports", "gone.xml", "reports/jest.json", "*.trx", "--store", "history.duckdb"]) == 2
    said = capsys.readouterr().err
    assert "gone.xml does not exist; what else was named is stored. [input-missing]" in said
    assert "invalid: *.trx: matches nothing" in said
    with open_store(Path("history.duckdb"), read_only=True) as store:
        kept = store.connection.execute("select source, (select count(*) from case_runs) from batches").fetchall()
    assert [("reports/jest.json", 4)] == kept


@pytest.mark.parametrize(("strict", "code"), [([], 0), (["--strict"], 2)])
def test_a_glob_without_match_costs_nothing_unless_strict(strict: list[str], code: int) -> None:
    assert main(["ingest", "reports", "*.trx", "reports", "--store", "history.duckdb", *strict]) == code
