"""The backfill format: complete, partial, damaged, and the bundled real one."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cipredict.errors import InputError
from cipredict.ingest.interface import Report
from cipredict.records import CaseBatch, Change, JobRecord, ReportStatus, Result, RunRecord, Verdict

pytest.importorskip("lxml", reason="needs lxml (pip install 'cipredict[store]')")
from cipredict.ingest.history import read_history  # after the skip

pytestmark = pytest.mark.learn

RUNS = "run_id,sha,parent,started_at,branch,event,wall_s\n"
START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
ROW = "r1,aaa,bbb,2026-01-02T03:04:05Z,main,push,"


def report(*, failing: bool = False) -> str:
    outcome = "<failure/>" if failing else ""
    cases = f"<testcase classname='t.test_a' name='a' time='1.5'>{outcome}</testcase>"
    return f"<testsuite name='pytest'>{cases}<testcase classname='t.test_a' name='b' time='2'/></testsuite>"


def write(folder: Path, files: dict[str, str]) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content, encoding="utf-8")


def read(folder: Path) -> tuple[dict[str, RunRecord], list[Any]]:
    items = list(read_history(folder, repository="shop"))
    return {item.key.run_id: item for item in items if isinstance(item, RunRecord)}, items


def test_a_run_has_its_cases_its_end_and_its_changes(tmp_path: Path) -> None:
    changes = "run_id,path,added,deleted,status,previous_path\nr1,a.py,3,1,M,\nr1,b.png,-,,R090,c.png\n"
    write(tmp_path, {"runs.csv": f"{RUNS}{ROW}9.5\n", "changes.csv": changes, "junit/r1.xml": report(failing=True)})
    runs, items = read(tmp_path)
    run = runs["r1"]
    assert ("history", "shop", "r1", 1) == (run.key.provider, run.key.repository, run.key.run_id, run.key.attempt)
    assert (START, START + timedelta(seconds=9.5), Result.FAILURE) == (run.started_at, run.finished_at, run.result)
    assert ("aaa", "bbb", "main", "push") == (run.sha, run.parent_sha, run.branch, run.event)
    assert (Change("a.py", 3, 1, "M"), Change("b.png", None, None, "R", "c.png")) == run.changes
    batch, _, job, told = items
    assert isinstance(batch, CaseBatch)
    assert ["t/test_a.py::a", "t/test_a.py::b"] == [case.case_id for case in batch.cases]
    assert ("r1.xml", "tests", run.key) == (batch.source, batch.job_id, batch.key)
    assert isinstance(told, Report)
    assert isinstance(job, JobRecord)
    assert ("tests", run.finished_at, run.result) == (job.name, job.finished_at, job.result)


def test_without_a_wall_time_the_run_lasts_as_long_as_its_cases(tmp_path: Path) -> None:
    write(tmp_path, {"runs.csv": f"{RUNS}{ROW}\n", "junit/r1.xml": report()})
    run = read(tmp_path)[0]["r1"]
    assert (START + timedelta(seconds=3.5), Result.SUCCESS) == (run.finished_at, run.result)


def test_nobody_knows_the_changes_without_their_file(tmp_path: Path) -> None:
    write(tmp_path, {"runs.csv": f"{RUNS}{ROW}\n"})
    assert read(tmp_path)[0]["r1"].changes is None
    write(tmp_path, {"changes.csv": "run_id,path\nother,a.py\n"})
    assert () == read(tmp_path)[0]["r1"].changes


def test_a_run_without_a_report_has_no_result(tmp_path: Path) -> None:
    write(tmp_path, {"runs.csv": f"{RUNS}{ROW}7\n"})
    runs, items = read(tmp_path)
    assert (2, None, START + timedelta(seconds=7)) == (len(items), runs["r1"].result, runs["r1"].finished_at)


def test_further_columns_name_attempt_job_and_runner(tmp_path: Path) -> None:
    runs = "runner,run_id,started_at,attempt,job,workflow\nlarge,r1,2026-01-02,2,unit,CI\n"
    write(tmp_path, {"runs.csv": runs, "junit/r1.xml": report()})
    found, items = read(tmp_path)
    job = next(item for item in items if isinstance(item, JobRecord))
    assert (2, "CI", "unit", "large") == (found["r1"].key.attempt, found["r1"].workflow, job.job_id, job.runner)


@pytest.mark.parametrize(
    "row",
    [
        pytest.param("r2,,,yesterday,,,", id="time"),
        pytest.param(",,,2026-01-02,,,", id="no id"),
        pytest.param("r2,,,2026-01-02,,,long", id="wall_s"),
        pytest.param("r2", id="short row"),
        pytest.param("r1,,,2026-01-02,,,", id="twice"),
    ],
)
def test_an_unreadable_row_is_reported_with_its_line(tmp_path: Path, row: str) -> None:
    write(tmp_path, {"runs.csv": f"{RUNS}{ROW}\n{row}\n"})
    runs, items = read(tmp_path)
    complaints = [item for item in items if isinstance(item, Report)][:-1]  # the last one: there are no reports
    assert (["r1"], ["runs.csv:3"]) == (list(runs), [item.source for item in complaints])
    assert complaints[0].status is ReportStatus.INVALID


def test_an_unreadable_change_is_reported_with_its_line(tmp_path: Path) -> None:
    changes = "run_id,path,added\nr1,a.py,many\nr1,,1\nr1,b.py,2\n"
    write(tmp_path, {"runs.csv": f"{RUNS}{ROW}\n", "changes.csv": changes})
    runs, items = read(tmp_path)
    assert (Change("b.py", 2),) == runs["r1"].changes
    assert ["changes.csv:2", "changes.csv:3"] == [item.source for item in items if isinstance(item, Report)][:-1]


def test_a_report_of_no_known_run_is_refused(tmp_path: Path) -> None:
    write(tmp_path, {"runs.csv": f"{RUNS}{ROW}\n", "junit/r9.xml": report()})
    _, items = read(tmp_path)
    assert ("runs.csv has no run r9",) == items[0].problems


@pytest.mark.parametrize("suffix", ["xml", "json", "jsonl", "json.gz", "trx"])
def test_a_report_may_be_of_any_format(tmp_path: Path, suffix: str) -> None:
    ctrf = {"reportFormat": "CTRF", "results": {"tests": [{"name": "a", "status": "failed", "duration": 2500}]}}
    write(tmp_path, {"runs.csv": f"{RUNS}{ROW}\n".replace("r1", "v1.0.json")})
    (tmp_path / "junit").mkdir()
    content = json.dumps(ctrf).encode()
    path = tmp_path / "junit" / f"v1.0.json.{suffix}"
    path.write_bytes(gzip.compress(content) if suffix.endswith("gz") else content)
    runs, _ = read(tmp_path)
    run = runs["v1.0.json"]
    assert (Result.FAILURE, START + timedelta(seconds=2.5)) == (run.result, run.finished_at)


def test_a_broken_report_spoils_only_its_own_run(tmp_path: Path) -> None:
    rows = f"{RUNS}{ROW}\nr2,,,2026-01-03,,,\n"
    write(tmp_path, {"runs.csv": rows, "junit/r1.xml": "no", "junit/r2.xml": report()})
    runs, _ = read(tmp_path)
    assert {"r1": None, "r2": Result.SUCCESS} == {run_id: run.result for run_id, run in runs.items()}


def test_tables_may_be_gzipped(tmp_path: Path) -> None:
    (tmp_path / "runs.csv.gz").write_bytes(gzip.compress(f"\ufeff{RUNS}{ROW}\n".encode()))
    assert ["r1"] == list(read(tmp_path)[0])


@pytest.mark.parametrize(
    ("files", "words"),
    [
        pytest.param({}, "holds no runs.csv", id="missing"),
        pytest.param({"runs.csv": "run_id,sha\n"}, "lacks the column started_at", id="column"),
        pytest.param({"runs.csv": RUNS}, "it is empty", id="empty"),
        pytest.param({"runs.csv": f"{RUNS}r1,,,never,,,\n"}, "'never'", id="no usable row"),
        pytest.param({"runs.csv": "run_id,started_at\n" + "x" * 200_000 + ",\n"}, "field larger", id="not CSV"),
    ],
)
def test_a_history_that_cannot_be_used_is_the_users_mistake(tmp_path: Path, files: dict[str, str], words: str) -> None:
    write(tmp_path, files)
    with pytest.raises(InputError) as caught:
        read(tmp_path)
    assert words in caught.value.message


def test_the_bundled_history_is_complete() -> None:
    folder = Path(__file__).parents[2] / "data" / "sqlparse-ci"
    runs, items = read(folder)
    assert (622, 370) == (len(runs), sum(run.result is Result.FAILURE for run in runs.values()))
    assert {ReportStatus.VALID} == {item.status for item in items if isinstance(item, Report)}
    assert all(run.changes for run in runs.values())
    rows = [case for item in items if isinstance(item, CaseBatch) for case in item.cases]
    assert (270_070, {True}) == (len(rows), {case.case_id.startswith("tests/test_") for case in rows})
    assert sum(case.verdict is Verdict.FAILED for case in rows) > 1_000
