"""JSON of an API, a dump or a webhook into objects, and the few types of value that those objects hold.

Dumps come in every packing: `gh api` writes one document, `gh api --paginate` several behind each other, `--slurp` an
array of pages, a webhook recorder a document per line. Nothing in an object is certain to be there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TypeAlias

from cipredict.ingest.spellings import LONGEST_CASE_S, parse_timestamp

Payload: TypeAlias = Mapping[str, object]
_NO_JSON = (ValueError, RecursionError)
_BLANKS = " \t\r\n,\ufeff\x1e"
"""Between documents: also the comma of a cut array, a byte order mark, and RFC 7464's record separator."""


def parse_documents(text: str) -> Iterator[object | ValueError]:
    """Give every JSON document of a text; what cannot be read comes back as an error, and the next line is tried."""
    decoder = json.JSONDecoder()
    at, end = 0, len(text)
    while True:
        while at < end and text[at] in _BLANKS:
            at += 1
        if at >= end:
            return
        try:
            document, at = decoder.raw_decode(text, at)
        except _NO_JSON as error:
            reason = "nested too deeply" if isinstance(error, RecursionError) else str(error).partition(":")[0]
            yield ValueError(f"no JSON from character {at} on ({reason})")
            at = _next_object(text, at)
        else:
            yield document


def _next_object(text: str, at: int) -> int:
    """Find the next line that begins like a document of its own."""
    while (at := text.find("\n", at)) >= 0:
        at += 1
        if text[at : at + 1] in {"{", "["}:
            return at
    return len(text)


def text_of(payload: Payload, name: str) -> str:
    """Give a text, or a number as text; empty where there is neither."""
    value = payload.get(name)
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    return _whole(str(value))


def _whole(text: str) -> str:
    """Replace halves of characters: JSON can spell them, UTF-8 cannot."""
    return text.encode("utf-8", "replace").decode("utf-8")


def integer_of(payload: Payload, name: str) -> int | None:
    """Give a whole number that 32 bits can hold."""
    value = payload.get(name)
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if abs(value) < 2**31 else None


def seconds_of(payload: Payload, name: str) -> float | None:
    """Give seconds; None where they are missing, negative or above a year."""
    value = payload.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value <= LONGEST_CASE_S else None


def moment_of(payload: Payload, name: str) -> datetime | None:
    """Give an aware time; None for null, and for the year 1 that stands for it."""
    value = payload.get(name)
    return parse_timestamp(value) if isinstance(value, str) else None


def object_of(payload: Payload, name: str) -> Payload:
    """Give an object inside; an empty one where there is none."""
    value = payload.get(name)
    return value if isinstance(value, Mapping) else {}


def objects_of(payload: Payload, name: str) -> list[Payload]:
    """Give the objects of a list inside."""
    value = payload.get(name)
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def texts_of(payload: Payload, name: str) -> list[str]:
    """Give the texts of a list inside."""
    value = payload.get(name)
    return [_whole(item) for item in value if isinstance(item, str)] if isinstance(value, list) else []
