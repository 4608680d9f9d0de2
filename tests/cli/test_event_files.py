"""Events on their way into the ledger."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("duckdb", reason="the store extra is not installed")
pytest.importorskip("pyarrow", reason="the store extra is not installed")

from cipredict.cli.event_files import take_events  # after the skips
from cipredict.events import Event
from cipredict.store import ledger

if TYPE_CHECKING:
    from cipredict.store.database import Store

pytestmark = pytest.mark.learn


def test_the_lock_is_let_go_between_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two hundred plans of thousands of cases would hold it longer than anybody waits."""
    doors: list[Store] = []
    sizes: list[int] = []
    add = ledger.add_events

    def record(store: Store, events: Iterable[Event]) -> int:
        doors.append(store)
        sizes.append(add(store, events))
        return sizes[-1]

    monkeypatch.setattr(ledger, "add_events", record)
    events = [Event("plan", datetime(2024, 5, 1, tzinfo=UTC), {}, {"id": str(number)}) for number in range(45)]
    assert take_events(events, tmp_path / "h.duckdb") == 45
    assert sizes == [20, 20, 5]
    assert len({id(door.connection) for door in doors}) == 3
