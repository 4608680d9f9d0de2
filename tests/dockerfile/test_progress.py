"""Seconds from BuildKit's own log."""

from __future__ import annotations

import json

from cipredict.dockerfile.progress import read_progress


def vertex(name: str, end: str = "2026-01-01T00:00:30.123456789Z", **more: object) -> str:
    return json.dumps({"vertexes": [{"name": name, "started": "2026-01-01T00:00:00Z", "completed": end, **more}]})


def test_steps_are_known_by_their_text() -> None:
    lines = [vertex("[app 2/3] RUN  pip install"), vertex("[1/2] COPY . .", "2026-01-01T00:00:01+00:00")]

    assert read_progress(lines) == {"RUN pip install": 30.123456, "COPY . .": 1.0}


def test_cached_unfinished_internal_and_broken_lines_tell_nothing() -> None:
    unfinished = json.dumps({"vertexes": [{"name": "[1/1] RUN x", "started": "2026-01-01T00:00:00Z"}]})
    lines = [vertex("[2/3] RUN x", cached=True), unfinished, vertex("[internal] load context"), "{", "[]", "\x00"]

    assert read_progress(lines) == {}
