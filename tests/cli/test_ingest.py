"""Ingest commands that take one kind of file: what a mistake costs, and that nothing taken is never called success."""

from __future__ import annotations

from pathlib import Path

import pytest

from cipredict.cli.app import main

pytest.importorskip("duckdb", reason="needs duckdb (pip install 'cipredict[store]')")
pytest.importorskip("lxml", reason="needs lxml (pip install 'cipredict[store]')")

pytestmark = pytest.mark.learn
GOOD_EVENT = '{"kind": "observation", "at": "2026-11-01T00:00:00+00:00", "run": {}, "body": {"plan_id": "p"}}'


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CIPREDICT_STORE", raising=False)
    Path("folder").mkdir()


@pytest.mark.parametrize("command", ["durations", "coverage"])
@pytest.mark.parametrize(
    ("path", "words"),
    [("gone", "gone does not exist. [input-missing]"), ("folder", "Is a directory. [input-unreadable]")],
)
def test_a_file_that_cannot_be_read_says_why(
    command: str, path: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["ingest", command, path]) == 2
    assert words in capsys.readouterr().err


def test_events_of_which_no_line_can_be_read_are_no_success(capsys: pytest.CaptureFixture[str]) -> None:
    Path("folder/bad.jsonl").write_text(f"{GOOD_EVENT[:40]}\nno JSON\n")
    assert main(["ingest", "events", "folder"]) == 2
    assert "Nothing was stored: no line is an event. [ingest-nothing]" in capsys.readouterr().err
    assert not Path(".cipredict/history.duckdb").exists()


def test_events_beside_a_missing_path_are_stored(capsys: pytest.CaptureFixture[str]) -> None:
    Path("folder/good.jsonl").write_text(GOOD_EVENT)
    assert main(["ingest", "events", "gone", "folder"]) == 2
    said = capsys.readouterr().err
    assert "Took in 1 events." in said
    assert "gone does not exist; what else was named is stored. [input-missing]" in said


def test_no_events_at_all_are_fine() -> None:
    assert main(["ingest", "events", "folder"]) == 0


def test_a_history_without_reports_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    Path("folder/runs.csv").write_text("run_id,started_at\n1,2026-11-01\n")
    for says in ("folder/junit: missing, as are", "folder/junit: holds no"):
        assert main(["ingest", "history", "folder"]) == 0
        assert f"suboptimal: {says}" in capsys.readouterr().err
        Path("folder/junit").mkdir(exist_ok=True)


def test_a_report_of_a_history_may_be_limited(capsys: pytest.CaptureFixture[str]) -> None:
    Path("folder/runs.csv").write_text("run_id,started_at\n1,2026-11-01\n")
    Path("folder/junit").mkdir()
    Path("folder/junit/1.xml").write_text(f"<testsuite>{' ' * 2**20}<testcase name='a'/></testsuite>")
    assert main(["ingest", "history", "folder", "--max-report-size", "1"]) == 0
    assert "larger than 1 MB" in capsys.readouterr().err
