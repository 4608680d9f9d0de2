"""Values out of parsed JSON whose shape nobody guarantees: what is not of the expected kind is absent."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from datetime import UTC, datetime

from cipredict.ingest.formats.interface import Json
from cipredict.ingest.spellings import LONGEST_CASE_S

_FORBIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_EARLIEST_YEAR = 1980


def as_object(value: object) -> Json:
    """Give a JSON object, an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def objects(value: object) -> Iterator[Json]:
    """Give the JSON objects of an array; nothing for anything else."""
    if isinstance(value, list):
        yield from (item for item in value if isinstance(item, dict))


def texts(value: object) -> list[str]:
    """Give the names in an array."""
    return [name(item) for item in value if isinstance(item, str)] if isinstance(value, list) else []


def name(value: object) -> str:
    r"""Give a name as XML carries it: white space as blanks, trimmed, U+FFFD for what XML does not allow.

    A case must have one id, and the parser of XML reports recovers in the same way.

    >>> name("fails \x1b[31m"), name(None)
    ('fails \ufffd[31m', '')
    """
    if not isinstance(value, str):
        return ""
    text = value.strip()
    if text.isprintable():
        return text
    return _FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", text).translate({9: " ", 10: " ", 13: " "})


def number(value: object) -> float | None:
    """Give a finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if math.isfinite(found) else None


def count(value: object) -> int:
    """Give a number of things, 0 where there is none; what no runner can have done is 0 too."""
    found = number(value)
    return int(found) if found is not None and 0 < found < 10_000 else 0


def seconds(value: object, *, units_per_second: float = 1.0) -> float | None:
    """Give plausible seconds of a number in another unit."""
    found = number(value)
    if found is None:
        return None
    found /= units_per_second
    return found if 0.0 <= found <= LONGEST_CASE_S else None


def epoch(value: object, *, units_per_second: float = 1.0) -> datetime | None:
    """Give the moment that counts units since 1970."""
    found = number(value)
    if found is None:
        return None
    try:
        moment = datetime.fromtimestamp(found / units_per_second, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return moment if moment.year >= _EARLIEST_YEAR else None
