"""Files of runs: every one gets a verdict, and what belongs together may lie apart."""

from __future__ import annotations

import gzip
import io
import json
import tracemalloc
import zipfile
from pathlib import Path

import pytest

from cipredict.errors import InputError
from cipredict.ingest import run_files
from cipredict.ingest.github import GitHubPayloads
from cipredict.ingest.interface import Report
from cipredict.ingest.run_files import read_run_files
from cipredict.ingest.runs import Attempt
from cipredict.records import ReportStatus


def _read(*paths: Path | str, stdin: bytes = b"") -> tuple[dict[str, Report], list[Attempt]]:
    items = list(read_run_files(map(str, paths), GitHubPayloads(), standard_input=io.BytesIO(stdin)))
    reports = {Path(item.source).name: item for item in items if isinstance(item, Report)}
    return reports, [item for item in items if isinstance(item, Attempt)]


@pytest.fixture
def folder(tmp_path: Path, samples: Path) -> Path:
    """A run and its jobs in three packings, an artifact list, and something that is no JSON."""
    runs = json.loads((samples / "github" / "runs.json").read_text(encoding="utf-8"))
    jobs = json.loads((samples / "github" / "jobs.json").read_text(encoding="utf-8"))
    paginated = "".join(json.dumps({"total_count": 6, "workflow_runs": [run]}) for run in runs["workflow_runs"])
    (tmp_path / "runs.json").write_text(paginated)
    (tmp_path / "jobs.jsonl.gz").write_bytes(gzip.compress(json.dumps(jobs["101/1"]).encode()))
    (tmp_path / "slurped.json").write_text("\ufeff" + json.dumps([jobs["102/1"]]), encoding="utf-8")
    (tmp_path / "artifacts.json").write_bytes((samples / "github" / "artifacts.json").read_bytes())
    (tmp_path / "notes.txt").write_text("not asked for")
    return tmp_path


def test_a_folder_is_put_together(folder: Path) -> None:
    reports, attempts = _read(folder)

    assert {
        "runs.json": ReportStatus.VALID,
        "jobs.jsonl.gz": ReportStatus.VALID,
        "slurped.json": ReportStatus.VALID,
        "artifacts.json": ReportStatus.INVALID,
    } == {name: report.status for name, report in reports.items()}
    assert {"101": 3, "102": 2, "103": 0, "104": 0, "105": 0, "106": 0} == {
        attempt.run.key.run_id: len(attempt.jobs) for attempt in attempts
    }


def test_a_file_that_broke_off_keeps_what_came_before(folder: Path) -> None:
    whole = (folder / "runs.json").read_text()
    (folder / "cut.json").write_text(whole[: len(whole) - 500])
    reports, attempts = _read(folder / "cut.json")

    assert ReportStatus.SUBOPTIMAL is reports["cut.json"].status
    assert "no JSON from character" in reports["cut.json"].problems[0]
    assert 5 == len(attempts)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(b"", "neither a run nor a job", id="empty"),
        pytest.param(b"<html>", "no JSON from character 0", id="no JSON"),
        pytest.param(b"\x1f\x8bnot gzip", "cannot be read", id="damaged gzip"),
        pytest.param(b'{"id": 1}', "neither a run nor a job", id="something else"),
    ],
)
def test_a_bad_file_says_why(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "bad.json").write_bytes(content)
    reports, attempts = _read(tmp_path / "bad.json")

    assert (ReportStatus.INVALID, []) == (reports["bad.json"].status, attempts)
    assert words in reports["bad.json"].problems[0]


def test_a_dump_comes_in_any_packing(folder: Path) -> None:
    content = (folder / "runs.json").read_bytes()
    (folder / "powershell.json").write_bytes(content.decode().encode("utf-16"))
    with zipfile.ZipFile(folder / "dumps.zip", "w") as archive:
        archive.writestr("deep/runs.json", content)
    for path in ("powershell.json", "dumps.zip"):
        reports, attempts = _read(folder / path)
        assert ([ReportStatus.VALID], 6) == ([report.status for report in reports.values()], len(attempts))
    assert 6 == len(_read("-", stdin=gzip.compress(content))[1])


def test_a_dump_of_the_other_system_names_its_command(samples: Path) -> None:
    reports, attempts = _read(samples / "gitlab" / "pipelines.json")

    assert (("holds runs for `cipredict ingest gitlab`",), []) == (reports["pipelines.json"].problems, attempts)


def test_a_file_that_would_fill_the_memory_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_files, "LARGEST_DUMP_BYTES", 1024)
    assert ("cannot be read (larger than 0.000976562 MB)",) == _read(folder / "runs.json")[0]["runs.json"].problems


def test_a_missing_file_never_sinks_the_others(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    reports, attempts = _read(folder / "gone.json", folder / "runs.json", folder / "*.nothing")
    assert [True, False, False] == [report.is_missing for report in reports.values()]
    assert 6 == len(attempts)
    with pytest.raises(InputError, match="does not exist"):
        _read(folder / "gone.json")
    with pytest.raises(InputError, match="holds no"):
        _read(tmp_path_factory.mktemp("empty"))


def test_what_no_reader_asks_for_is_not_kept(tmp_path: Path) -> None:
    people = {name: {"login": "x" * 2000} for name in ("actor", "triggering_actor", "head_commit")}
    fork = {"full_name": "fork/shop", "description": "x" * 20_000}
    run = {"head_sha": "aa", "run_number": 1, "created_at": "2026-11-01T00:00:00Z", "head_branch": "main", **people}
    place = {"repository": {"full_name": "me/shop"}, "head_repository": fork}
    documents = [json.dumps({"id": number, **run, **place}) for number in range(200)]
    (tmp_path / "runs.jsonl").write_text("\n".join(documents))
    payloads = GitHubPayloads()
    attempts = read_run_files([str(tmp_path / "runs.jsonl")], payloads, standard_input=io.BytesIO())
    tracemalloc.start()
    next(attempts)
    kept_bytes, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert {"fork:main"} == {item.run.branch for item in attempts if isinstance(item, Attempt)}
    assert kept_bytes < 1_000_000  # of 5 MB
