"""Taking JSON apart by kind: what is missing or of another kind makes the file unusable, by its name."""

from __future__ import annotations

from collections.abc import Mapping

from cipredict.ingest.metrics.interface import Unusable

_NOTHING: dict[str, object] = {}


def as_object(value: object, what: str) -> Mapping[str, object]:
    """Give an object."""
    if not isinstance(value, dict):
        raise Unusable(f"{what} is not an object")
    return value


def objects_at(holder: Mapping[str, object], key: str, *, required: bool = True) -> list[Mapping[str, object]]:
    """Give a list of objects under a key; an absent or null one is empty where it is not required."""
    value = holder.get(key)
    if value is None and not required:
        return []
    if not isinstance(value, list):
        raise Unusable(f"'{key}' is not a list")
    return [as_object(one, f"an entry of '{key}'") for one in value]


def object_at(holder: Mapping[str, object], key: str) -> Mapping[str, object]:
    """Give the object under a key, an empty one where there is none."""
    value = holder.get(key)
    return value if isinstance(value, dict) else _NOTHING


def text_at(holder: Mapping[str, object], key: str) -> str:
    """Give the text under a key, empty where there is none."""
    value = holder.get(key)
    return value if isinstance(value, str) else ""


def line_at(holder: Mapping[str, object], key: str) -> int | None:
    """Give the line number under a key, None where there is none."""
    value = holder.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def number_at(holder: Mapping[str, object], key: str) -> float | None:
    """Give the number under a key, None where there is none."""
    value = holder.get(key)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
