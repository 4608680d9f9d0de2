"""Flavours of jobs and their factors."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from cipredict.learn.flavours import JobTime, flavour_factors, flavour_of


@pytest.mark.parametrize(
    ("job", "runner", "flavour"),
    [
        ("test (ubuntu-latest, 3.11)", "", "ubuntu 3.11"),
        ("test-py3.12", "windows-2022", "windows 3.12"),
        ("Python 3.9 on macOS", "", "macos 3.9"),
        ("lint", "ubuntu-24.04", "ubuntu"),
        ("release 1.3.12", "self-hosted", ""),
    ],
)
def test_a_flavour_is_read_off_name_and_runner(job: str, runner: str, flavour: str) -> None:
    assert flavour_of(job, runner) == flavour


def matrix(slots: int, runs: int) -> list[JobTime]:
    """Windows takes three times as long as Linux, case 0 nine times."""
    linux = [JobTime("t (ubuntu)", "", slot, 1.0 + slot, runs) for slot in range(slots)]
    return linux + [time._replace(job="t (windows)", seconds=time.seconds * (3 if time.slot else 9)) for time in linux]


def test_a_case_has_its_own_factor_and_a_new_one_its_machines() -> None:
    factors = flavour_factors(matrix(5, runs=10), 7)
    np.testing.assert_allclose(factors["ubuntu"], [0.2, *[0.5] * 4, 0.5, 0.5])
    np.testing.assert_allclose(factors["windows"], [1.8, *[1.5] * 4, 1.5, 1.5])


def test_few_measurements_are_not_believed() -> None:
    assert flavour_factors(matrix(5, runs=2), 5)["windows"][0] == 1.5


def test_one_flavour_compares_with_nothing() -> None:
    assert flavour_factors(matrix(3, runs=9)[:3], 3) == {}


def test_a_store_tells_flavours_apart(tmp_path: Path) -> None:
    pytest.importorskip("duckdb", reason="the store extra is not installed")
    pytest.importorskip("pyarrow", reason="the store extra is not installed")
    from cipredict.learn.loading import load  # noqa: PLC0415  # after the skips
    from cipredict.records import CaseBatch, CaseRun, JobRecord, RunKey, RunRecord, Verdict  # noqa: PLC0415
    from cipredict.store.batches import add_case_batches  # noqa: PLC0415
    from cipredict.store.database import open_store  # noqa: PLC0415
    from cipredict.store.writer import add_jobs, add_runs  # noqa: PLC0415

    start = datetime(2024, 5, 1, tzinfo=UTC)
    keys = [RunKey("github", "me/it", str(number)) for number in range(4)]
    systems = {"1": ("test (ubuntu)", 1.0), "2": ("test (windows)", 3.0)}
    with open_store(tmp_path / "h.duckdb") as store:
        for number, key in enumerate(keys):
            began = start + timedelta(hours=number)
            add_runs(store, [RunRecord(key, began)])
            add_jobs(store, [JobRecord(key, job_id, name, began) for job_id, (name, _) in systems.items()])
            batches = [
                CaseBatch(key, f"{job}.xml", (CaseRun("a.py::b", Verdict.PASSED, seconds),), job)
                for job, (_, seconds) in systems.items()
            ]
            add_case_batches(store, batches)
        history = load(store, as_of=start + timedelta(days=1)).history
    assert {name: values.tolist() for name, values in history.flavours.items()} == {"ubuntu": [0.5], "windows": [1.5]}
