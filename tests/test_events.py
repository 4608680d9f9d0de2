"""The event file survives bad lines, repeats and parallel writers."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from cipredict.events import Event, append_event, read_events

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_what_was_appended_is_read_back(tmp_path: Path) -> None:
    events = [Event("plan", AT, {"run_id": "1"}, {"id": number, "text": "ä\n"}) for number in range(3)]
    paths = {
        append_event(tmp_path / "events", event.kind, event.at, run=event.run, body=json.dumps(event.body))
        for event in events
    }

    assert len(paths) == 1
    assert list(read_events(paths.pop())) == events


def test_a_bad_line_is_a_complaint_and_the_others_survive(tmp_path: Path) -> None:
    path = append_event(tmp_path, "plan", AT, run={}, body='{"id": 1}')
    with path.open("a") as file:
        file.write('{"kind": "plan"\n\n[1]\n')
    append_event(tmp_path, "plan", AT, run={}, body='{"id": 2}')

    items = list(read_events(path))
    assert [item.body["id"] for item in items if isinstance(item, Event)] == [1, 2]
    assert [item.split(" (")[0] for item in items if isinstance(item, str)] == [
        f"{path}:2: not an event",
        f"{path}:4: not an event",
    ]


def test_the_id_is_of_the_content() -> None:
    same = [Event("plan", AT, {"a": 1, "b": 2}, {}), Event("plan", AT, {"b": 2, "a": 1}, {})]

    assert len({event.event_id for event in same}) == 1
    assert Event("plan", AT, {}, {}).event_id != same[0].event_id
