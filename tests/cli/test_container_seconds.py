"""`cipredict container --store`: the steps of CI say how long instructions take, and the output says how."""

from __future__ import annotations

import json
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

pytest.importorskip("duckdb", reason="the store extra is not installed")
pytest.importorskip("pyarrow", reason="the store extra is not installed")

from cipredict.cli.app import main  # after the skips
from cipredict.records import JobRecord, Result, RunKey, RunRecord, StepRecord
from cipredict.store.build_steps import load_build_steps
from cipredict.store.database import open_store
from cipredict.store.writer import add_jobs, add_runs

pytestmark = pytest.mark.learn
AT = datetime(2026, 10, 8, 9, tzinfo=UTC)
DOCKERFILE = "FROM a/a\nWORKDIR /app\nCOPY a.txt ./\nRUN one\nCOPY b.txt ./\nRUN two\n"


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=n", "-c", "user.email=e@example.org", "-c", "commit.gpgsign=false")
    done = subprocess.run(["git", *identity, *arguments], cwd=folder, capture_output=True, check=True, text=True)
    return done.stdout.strip()


@pytest.fixture(name="repository")
def _repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a repository of 22 commits, whose builds take 20 s, 90 s more for `a.txt` and 12 s for both."""
    monkeypatch.chdir(tmp_path)
    git(tmp_path, "init", "-q")
    for name in ("a.txt", "b.txt", "c.txt"):
        (tmp_path / name).write_text("first", encoding="utf-8")
    (tmp_path / "Dockerfile").write_text(DOCKERFILE, encoding="utf-8")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "first")
    seconds = {}
    for number in range(21):
        name = ("a.txt", "b.txt", "c.txt")[number % 3]
        (tmp_path / name).write_text(f"{number}", encoding="utf-8")
        git(tmp_path, "commit", "-qam", f"{number}")
        seconds[git(tmp_path, "rev-parse", "HEAD")] = 20.0 + {"a.txt": 102.0, "b.txt": 12.0, "c.txt": 0.0}[name]
    with open_store(tmp_path / "h.duckdb") as store:
        for number, (sha, took_s) in enumerate(seconds.items()):
            add_build(store, number, sha, took_s)
    return tmp_path


def add_build(store: object, number: int, sha: str, took_s: float, name: str = "Build and push") -> None:
    key, start = RunKey("github", "o/r", f"{number}", 1), AT + timedelta(hours=number)
    end = start + timedelta(seconds=took_s)
    steps = (StepRecord(1, name, start, end, Result.SUCCESS), StepRecord(2, "Run tests", start, end, Result.SUCCESS))
    add_runs(store, [RunRecord(key, sha=sha, started_at=start, finished_at=end)])  # type: ignore[arg-type]  # a Store
    add_jobs(store, [JobRecord(key, "1", "image", start, end, result=Result.SUCCESS, steps=steps)])  # type: ignore[arg-type]


@pytest.mark.usefixtures("repository")
def test_seconds_come_from_the_steps_and_are_labelled(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["container", "analyze", "Dockerfile", "--store", "h.duckdb", "--format", "json"]) == 0

    [document] = json.loads(capsys.readouterr().out)
    rows = {row["line"]: row for row in document["instructions"]}
    assert {row["basis"] for row in rows.values()} == {"estimated"}
    assert [rows[line]["seconds"] for line in (3, 4, 5, 6)] == pytest.approx([1.0, 89.0, 1.0, 11.0])
    assert any("estimated from 21 builds' steps" in note and "R2 1.00" in note for note in document["notes"])


@pytest.mark.usefixtures("repository")
def test_optimize_says_what_its_seconds_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["container", "optimize", "Dockerfile", "--store", "h.duckdb", "--format", "json"]) == 0

    assert "estimated where known" in json.loads(capsys.readouterr().out)["seconds_are"]


def test_builds_before_the_last_change_of_the_dockerfile_do_not_count(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (repository / "Dockerfile").write_text(DOCKERFILE + "RUN three\n", encoding="utf-8")
    git(repository, "commit", "-qam", "three")

    assert main(["container", "analyze", "Dockerfile", "--store", "h.duckdb"]) == 0
    assert "cannot be told from the steps: 0 builds are too few" in capsys.readouterr().err


def test_what_may_be_meant_is_asked_for(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with open_store(repository / "h.duckdb") as store:
        add_build(store, 99, "f" * 40, 5.0, name="Run docker/build-push-action@v6")

    assert main(["container", "analyze", "Dockerfile", "--store", "h.duckdb"]) == 2
    assert "Several steps may be meant" in capsys.readouterr().err
    assert main(["container", "analyze", "Dockerfile", "--store", "h.duckdb", "--step", "and push"]) == 0
    assert main(["container", "analyze", "Dockerfile", "--store", "h.duckdb", "--step", "nothing"]) == 2
    assert "knows no step 'nothing'" in capsys.readouterr().err


def test_jobs_stand_in_where_there_are_no_steps(tmp_path: Path) -> None:
    """As on GitLab; what failed or ended later does not count."""
    with open_store(tmp_path / "h.duckdb") as store:
        for number, result in enumerate((Result.SUCCESS, Result.FAILURE, Result.SUCCESS)):
            key, start = RunKey("gitlab", "o/r", f"{number}", 1), AT + timedelta(hours=number)
            end = start + timedelta(seconds=30)
            add_runs(store, [RunRecord(key, sha=f"{number}", started_at=start, finished_at=end)])
            add_jobs(store, [JobRecord(key, "1", "docker build", start, end, result=result)])
        rows = load_build_steps(store, AT + timedelta(hours=1), pattern="docker build").to_pylist()

    assert [("0", "docker build", 30.0)] == [(row["sha"], row["step"], row["duration_s"]) for row in rows]
