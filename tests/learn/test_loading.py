"""The store's rows as the replay sees them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("duckdb", reason="the store extra is not installed")
pytest.importorskip("pyarrow", reason="the store extra is not installed")

from cipredict.learn.history import FAILED, PASSED, SKIPPED  # after the skips
from cipredict.learn.loading import load
from cipredict.records import CaseBatch, CaseRun, RunKey, RunRecord, Verdict
from cipredict.store.batches import add_case_batches
from cipredict.store.database import open_store
from cipredict.store.writer import add_runs

pytestmark = pytest.mark.learn

START = datetime(2024, 5, 1, tzinfo=UTC)
CASES = {
    "a": CaseRun("a", Verdict.ERROR, 1.5),
    "b": CaseRun("b", Verdict.SKIPPED, None),
    "c": CaseRun("c", Verdict.PASSED, 0.25, 2, is_flaky=True, peak_memory_bytes=4096),
    "d": CaseRun("d", Verdict.FAILED, 0.5),
}


@pytest.mark.parametrize("reports", [["abcd"], ["dc", "ba"], ["c", "abd"]], ids="+".join)
def test_cases_of_a_run_come_in_the_order_of_their_numbers_however_they_were_reported(
    tmp_path: Path, reports: list[str]
) -> None:
    keys = [RunKey("github", "me/it", str(number)) for number in range(2)]
    batches = [
        CaseBatch(key, "r.xml", tuple(CASES[name] for name in names), str(job))
        for key in keys
        for job, names in enumerate(reports)
    ]
    with open_store(tmp_path / "h.duckdb") as store:
        add_case_batches(store, [CaseBatch(keys[0], "first.xml", tuple(CASES.values()))])  # numbers them a to d
        add_case_batches(store, [*reversed(batches), CaseBatch(keys[0], "first.xml", ())])
        add_runs(store, [RunRecord(key, START + timedelta(hours=n)) for n, key in enumerate(keys)])
        history = load(store, as_of=START + timedelta(days=1)).history
    assert history.case_ids == list(CASES)
    assert [run.run_id for run in history.runs] == ["0", "1"]
    for run in history.runs:
        assert run.slots.tolist() == [0, 1, 2, 3]
        assert run.verdicts.tolist() == [FAILED, SKIPPED, PASSED, FAILED]
        assert run.is_flaky.tolist() == [False, False, True, False]
        np.testing.assert_array_equal(run.seconds, np.array([1.5, np.nan, 0.25, 0.5], np.float32))
