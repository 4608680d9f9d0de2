"""Benchmarks whose data are not part of the repository say so."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("lxml", reason="the store extra is not installed")
pytestmark = pytest.mark.learn
BENCHMARKS = Path(__file__).parents[2] / "benchmarks" / "ingest"


@pytest.mark.parametrize("name", ["runs.py", "formats.py"])
def test_missing_data_cost_one_line_that_names_the_option(name: str, tmp_path: Path) -> None:
    command = [sys.executable, str(BENCHMARKS / name), "--data", str(tmp_path / "gone")]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    [line] = done.stderr.splitlines()
    assert "--data" in line
