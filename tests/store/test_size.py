"""What a result costs on disk. `benchmarks/ingest/scale.py` measures ten million; this guards it at small scale."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("duckdb", reason="the store extra is not installed")
pytest.importorskip("pyarrow", reason="the store extra is not installed")

from cipredict.records import CaseBatch, CaseRun, RunKey, Verdict  # after the skips
from cipredict.store.batches import add_case_batches
from cipredict.store.database import open_store
from cipredict.store.writer import add_runs

if TYPE_CHECKING:
    from tests.store.conftest import MakeRun

pytestmark = pytest.mark.learn

RUNS, CASES, REPORTS = 40, 5_000, 4
BYTES_PER_RESULT = 30
"""Half of what is promised: ten million take 8, and here the fixed costs of the file weigh more."""


def reports_of(number: int) -> Iterator[CaseBatch]:
    """Give the reports of a run: long ids, times to the microsecond that never repeat, few failures."""
    chance = random.Random(number)  # noqa: S311  # not for secrets
    for part in range(REPORTS):
        cases = tuple(
            CaseRun(
                f"tests/unit/package{n % 37}/test_module_{n // 40}.py::TestThing::test_{n * 7919 % CASES}[utf-8-{n}]",
                Verdict.FAILED if chance.random() < 0.005 else Verdict.PASSED,
                round(chance.gammavariate(0.6, 0.5), 6),
            )
            for n in range(part, CASES, REPORTS)
        )
        yield CaseBatch(RunKey("github", "me/it", str(number)), f"run-{number}/junit-{part}.xml", cases, f"9000{part}")


def fill(path: Path, make_run: MakeRun) -> None:
    """Open the file anew for every four runs, as `cipredict ingest` does after about 20,000 cases."""
    for first in range(0, RUNS, 4):
        with open_store(path) as store:
            add_runs(store, [make_run(number) for number in range(first, first + 4)])
            add_case_batches(store, (report for number in range(first, first + 4) for report in reports_of(number)))


def test_a_result_takes_few_bytes_even_after_it_was_taken_in_again(path: Path, make_run: MakeRun) -> None:
    fill(path, make_run)
    assert path.stat().st_size / (RUNS * CASES) < BYTES_PER_RESULT
    fill(path, make_run)
    assert path.stat().st_size / (RUNS * CASES) < BYTES_PER_RESULT
    assert [file.name for file in path.parent.iterdir()] == [path.name]  # the journal is in the file


def test_an_empty_history_is_small(path: Path) -> None:
    with open_store(path):
        pass
    assert path.stat().st_size < 400_000
