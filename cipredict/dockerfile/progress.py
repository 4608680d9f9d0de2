"""How long each instruction took, from the log of `docker buildx build --progress=rawjson`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from datetime import datetime

_PLACE = re.compile(r"^\[(?:[^\]]*\s)?\d+/\d+\]\s+")


def read_progress(lines: Iterable[str]) -> dict[str, float]:
    """Give the seconds by the text of an instruction, single spaces; cached steps and broken lines tell nothing.

    >>> line = '{"vertexes": [{"name": "[app 2/3] RUN  make", "started": "2026-01-01T00:00:00Z",'
    >>> read_progress([line + '"completed": "2026-01-01T00:01:30.5Z"}]}'])
    {'RUN make': 90.5}
    """
    found: dict[str, float] = {}
    for line in lines:
        for vertex in _vertexes(line):
            name, seconds = str(vertex.get("name", "")), _seconds(vertex)
            if seconds is not None and _PLACE.match(name) and not vertex.get("cached"):
                text = " ".join(_PLACE.sub("", name).split())
                found[text] = max(seconds, found.get(text, 0.0))
    return found


def _vertexes(line: str) -> Iterator[dict[str, object]]:
    try:
        document = json.loads(line)
    except ValueError:
        return
    vertexes = document.get("vertexes") if isinstance(document, dict) else None
    yield from (one for one in vertexes or [] if isinstance(one, dict))


def _seconds(vertex: dict[str, object]) -> float | None:
    try:
        started, completed = (_moment(vertex[key]) for key in ("started", "completed"))
    except (KeyError, ValueError):
        return None
    return (completed - started).total_seconds()


def _moment(value: object) -> datetime:
    text = re.sub(r"(\.\d{6})\d+", r"\1", str(value))  # BuildKit writes nanoseconds
    return datetime.fromisoformat(text)
