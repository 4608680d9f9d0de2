"""`cipredict pipeline artifacts` and `prune`, on what a real run left."""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from cipredict.act.stages import retention
from cipredict.cli.app import main

DEFINITION = """
name = "x"
[stages.build]
run = "mkdir -p dist; echo wheel > dist/wheel; echo wheel > dist/copy"
artifacts = ["dist"]
retention_days = 2
[stages.logs]
run = "echo log > log"
artifacts = ["log"]
"""


@pytest.fixture(autouse=True)
def _run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    Path("pipeline.toml").write_text(DEFINITION)
    Path(".gitignore").write_text(".cipredict/\ndist/\nlog\n")
    git = ["git", "-c", "user.name=me", "-c", "user.email=me@example.com"]
    for command in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "-m", "Begin"]):
        subprocess.run([*git, *command], check=True)
    assert 0 == main(["pipeline", "run", "--all", "--quiet"])
    for path in blobs():
        os.utime(path, (time.time() - 3 * retention.DAY_S,) * 2)
    capsys.readouterr()


def blobs() -> list[Path]:
    return sorted(Path(".cipredict/runs/blobs").glob("??/*"))


def spoken(capsys: pytest.CaptureFixture[str]) -> tuple[dict[str, Any], str]:
    captured = capsys.readouterr()
    return json.loads(captured.out), captured.err


def test_what_is_kept_is_listed_with_who_made_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == main(["pipeline", "artifacts"])
    document, _ = spoken(capsys)
    assert 10 == document["bytes"]
    wheel, log = document["artifacts"]
    assert [("build", "dist/copy", 2), ("build", "dist/wheel", 2)] == [
        (use["stage"], use["path"], use["retention_days"]) for use in wheel["made_by"]
    ]
    assert ("made 3.0 days ago, kept for 2", "kept until 4.0 days from now") == (wheel["reason"], log["reason"])


def test_a_dry_run_deletes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == main(["pipeline", "prune", "--dry-run"])
    document, told = spoken(capsys)
    assert (6, 4, [6], [4]) == (
        document["freed_bytes"],
        document["left_bytes"],
        [one["size_bytes"] for one in document["deleted"]],
        [one["size_bytes"] for one in document["kept"]],
    )
    assert "1 of 2 artifacts would be deleted" in told
    assert 2 == len(blobs())


def test_what_is_due_goes_and_its_stage_runs_again(capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == main(["pipeline", "prune"])
    assert 1 == len(blobs())
    Path("dist/wheel").unlink()
    capsys.readouterr()
    assert 0 == main(["pipeline", "run", "--all", "--quiet", "--resume", "last"])
    jobs, _ = spoken(capsys)
    assert {"build": False, "logs": True} == {job["stage"]: job["is_reused"] for job in jobs["jobs"]}


def test_a_size_limit_lets_the_oldest_go(capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == main(["pipeline", "prune", "--days", "30d", "--max-bytes", "1B"])
    document, _ = spoken(capsys)
    assert (10, [], []) == (document["freed_bytes"], document["kept"], blobs())


def test_what_cannot_be_deleted_is_named_and_the_exit_code_says_so(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "unlink", refuse)
    assert 1 == main(["pipeline", "prune"])
    document, told = spoken(capsys)
    assert (["Permission denied"], 0, []) == (
        [one["reason"] for one in document["refused"]],
        document["freed_bytes"],
        document["deleted"],
    )
    assert "stays: Permission denied." in told


@pytest.mark.parametrize(
    ("options", "words"), [(["--days", "soon"], "--days: 'soon'"), (["--max-bytes", "much"], "--max-bytes: 'much'")]
)
def test_limits_that_cannot_be_meant_are_one_line(
    options: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 2 == main(["pipeline", "prune", *options])
    assert words in capsys.readouterr().err


def test_without_any_run_there_is_nothing_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    assert 0 == main(["pipeline", "prune"])
    document, _ = spoken(capsys)
    assert ([], [], []) == (document["deleted"], document["kept"], document["refused"])
