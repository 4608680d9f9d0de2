"""A kill at any moment loses at most the file in flight, never the store."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("duckdb", reason="the store extra is not installed")
pytest.importorskip("pyarrow", reason="the store extra is not installed")

from cipredict.store.batches import add_case_batches  # after the skips
from cipredict.store.database import open_store

if TYPE_CHECKING:
    from tests.store.conftest import MakeBatch, MakeCase

pytestmark = pytest.mark.learn

INGEST = """
import sys
from pathlib import Path
from cipredict.records import CaseBatch, CaseRun, RunKey, Verdict
from cipredict.store.batches import add_case_batches
from cipredict.store.database import open_store

def batches():
    for number in range(100_000):
        if number:
            print(number - 1, flush=True)  # asked for the next: the one before is committed
        cases = tuple(CaseRun(f"t.py::test_{i + number}", Verdict.PASSED, 1.0) for i in range(50))
        yield CaseBatch(RunKey("github", "me/it", str(number)), f"{number}.xml", cases)

with open_store(Path(sys.argv[1])) as store:
    add_case_batches(store, batches())
"""


@pytest.mark.parametrize("reports", [1, 40])
def test_every_file_before_the_one_in_flight_survives(
    path: Path, reports: int, make_batch: MakeBatch, make_case: MakeCase
) -> None:
    committed = _ingest_until_killed(path, reports)
    for read_only in (True, False):
        with open_store(path, read_only=read_only) as store:
            rows = store.connection.execute(
                "select source, cases, (select count(*) from case_runs where case_runs.batch_seq = batches.batch_seq)"
                " from batches order by batch_seq"
            ).fetchall()
        assert rows == [(f"{number}.xml", 50, 50) for number in range(len(rows))]
        assert committed <= len(rows)
    with open_store(path) as store:
        assert add_case_batches(store, [make_batch(0, make_case("t.py::test_0"), source="0.xml")]) == 1


def _ingest_until_killed(path: Path, reports: int) -> int:
    """Give how many batches the process had reported as committed when it was killed by SIGKILL."""
    command = [sys.executable, "-c", INGEST, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if int(line) + 1 >= reports:
                process.kill()
                break
        rest = process.stdout.read().splitlines(keepends=True)
    said = [int(line) for line in rest if line.endswith("\n")]
    return max([reports - 1, *said]) + 1
