"""Old history goes, what stays is equal, and a failure leaves the store as it was."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("duckdb", reason="the store extra is not installed")
pytest.importorskip("pyarrow", reason="the store extra is not installed")

from cipredict.errors import StoreError  # after the skips
from cipredict.store.archive import table_names
from cipredict.store.database import open_store
from cipredict.store.pruning import AGEING, count_old, prune_store
from tests.store.filled import FIRST, fill

if TYPE_CHECKING:
    from cipredict.store.database import Store

pytestmark = pytest.mark.learn
CUTOFF = FIRST + timedelta(hours=3)


def rows_of(store: Store, name: str, condition: str = "true") -> list[str]:
    found = store.connection.execute(f'select columns(*)::varchar from "{name}" where {condition}').fetchall()  # noqa: S608  # of the test
    return sorted(map(repr, found))


def count(path: Path, name: str) -> int:
    with open_store(path, read_only=True) as store:
        return len(rows_of(store, name))


@pytest.fixture(name="filled")
def _filled(path: Path) -> Path:
    with open_store(path) as store:
        fill(store, range(6))
    return path


def test_old_runs_go_and_every_other_row_stays_equal(filled: Path) -> None:
    with open_store(filled) as store:
        old = f"(select run_seq from runs where known_at < '{CUTOFF.isoformat()}')"  # noqa: S608  # of the test
        names = [name for name in table_names(store) if name not in {"schema_version", "cache_events", "events"}]
        conditions = {name: f"run_seq not in {old}" if name in AGEING else "true" for name in names}
        expected = {name: rows_of(store, name, condition) for name, condition in conditions.items()}
        all_runs = len(rows_of(store, "runs"))

    pruning = prune_store(filled, CUTOFF)

    with open_store(filled, read_only=True) as store:
        assert {name: rows_of(store, name) for name in names} == expected
    assert 0 < pruning.tables["runs"].removed < all_runs
    assert pruning.tables["case_runs"].kept == len(expected["case_runs"])


def test_a_dry_run_says_what_the_real_one_does_and_changes_nothing(filled: Path) -> None:
    content = filled.read_bytes()
    with open_store(filled, read_only=True) as store:
        foretold = count_old(store, CUTOFF)

    assert filled.read_bytes() == content
    assert prune_store(filled, CUTOFF) == foretold


def test_what_has_a_time_of_its_own_goes_by_it(filled: Path) -> None:
    with open_store(filled) as store:
        store.connection.execute(
            "insert into events select event_id || kind, kind, $at, '', '', '', 1, '{}'"
            " from (values ('a', 'benchmarks'), ('b', 'plan')) as rows (event_id, kind)",
            {"at": FIRST},
        )
    before = count(filled, "events")

    prune_store(filled, CUTOFF)

    assert count(filled, "events") == before - 1
    assert count(filled, "cache_events") == 3


def test_a_failure_before_the_rename_leaves_the_store(filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_store(filled, read_only=True) as store:
        before = {name: rows_of(store, name) for name in table_names(store)}

    def fail(*_: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(StoreError, match="No space left"):
        prune_store(filled, CUTOFF)

    with open_store(filled, read_only=True) as store:
        assert {name: rows_of(store, name) for name in table_names(store)} == before
    assert [file.name for file in filled.parent.iterdir()] == [filled.name]
