"""`cipredict prune-history`, as a person types it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("duckdb", reason="the store extra is not installed")
pytest.importorskip("pyarrow", reason="the store extra is not installed")

from cipredict.cli.app import main  # after the skips

pytestmark = pytest.mark.learn
HISTORY = Path(".cipredict/history.duckdb")


@pytest.mark.usefixtures("project")
def test_a_dry_run_counts_and_leaves_the_file(capsys: pytest.CaptureFixture[str]) -> None:
    content = HISTORY.read_bytes()

    assert main(["prune-history", "--older-than", "1d", "--dry-run"]) == 0

    counts = json.loads(capsys.readouterr().out)
    assert counts["tables"]["runs"]["removed"] > 0
    assert HISTORY.read_bytes() == content


@pytest.mark.usefixtures("project")
def test_old_runs_go_and_the_file_shrinks(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prune-history", "--older-than", "1d"]) == 0

    counts = json.loads(capsys.readouterr().out)
    assert (counts["training_runs"], counts["tables"]["case_runs"]["kept"]) == (0, 0)
    assert HISTORY.stat().st_size == counts["bytes_after"] < counts["bytes_before"]


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize("age", ["400", "0d", "a year", "-3d"])
def test_an_age_that_is_none_is_a_users_mistake(age: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prune-history", f"--older-than={age}"]) == 2
    assert "[prune-age]" in capsys.readouterr().err
