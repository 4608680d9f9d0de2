"""A cut of the bundled real history as a store."""

from __future__ import annotations

import csv
import tarfile
from pathlib import Path

import pytest

from cipredict.cli.app import main

HISTORY = Path(__file__).parents[2] / "data" / "sqlparse-ci"
RUNS = 60


def store_history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the file of a store with the last runs of the bundled history."""
    pytest.importorskip("duckdb", reason="the store extra is not installed")
    pytest.importorskip("lxml", reason="the store extra is not installed")
    past = tmp_path_factory.mktemp("past")
    with (HISTORY / "runs.csv").open() as file:
        rows = sorted(csv.DictReader(file), key=lambda row: row["run_id"])[-RUNS:]
    with (past / "runs.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    (past / "changes.csv").write_bytes((HISTORY / "changes.csv").read_bytes())
    (past / "junit").mkdir()
    kept = {row["run_id"] for row in rows}
    with tarfile.open(HISTORY / "junit.tar.xz") as archive:
        for member in archive:
            if Path(member.name).stem in kept and (stream := archive.extractfile(member)):
                (past / "junit" / Path(member.name).name).write_bytes(stream.read())
    path = tmp_path_factory.mktemp("store") / "history.duckdb"
    assert main(["ingest", "history", str(past), "--store", str(path), "--repository", "sqlparse"]) == 0
    return path
