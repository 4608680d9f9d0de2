"""Reading a plan's JSON by kind of field: every problem of a document is noted before it is refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from enum import StrEnum
from typing import TypeVar

from cipredict.plans.document import MadeFrom

_Value = TypeVar("_Value")
_Word = TypeVar("_Word", bound=StrEnum)
_NOTHING: dict[object, object] = {}


class Fields:
    """A JSON object whose fields are taken by kind; what is wrong is noted, and a default stands in."""

    def __init__(self, value: object, problems: list[str], path: str) -> None:
        self._value: Mapping[object, object] = value if isinstance(value, dict) else {}
        self._problems = problems
        self._path = path

    def _take(self, key: str, convert: Callable[[object], _Value], default: _Value) -> _Value:
        try:
            return convert(self._value[key])
        except (KeyError, TypeError, ValueError):
            self._problems.append(f"'{self._path}{key}' is missing or of the wrong kind")
            return default

    def has(self, key: str) -> bool:
        """Tell whether a field is there that older files lack."""
        return key in self._value

    def text(self, key: str) -> str:
        """Take a text."""
        return self._take(key, _text, "")

    def texts(self, key: str) -> tuple[str, ...]:
        """Take a list of texts."""
        return self._take(key, lambda value: tuple(_text(one) for one in _list(value)), ())

    def text_by_text(self, key: str) -> dict[str, str]:
        """Take an object of texts."""
        nothing: dict[str, str] = {}
        return self._take(key, lambda value: {_text(a): _text(b) for a, b in _object(value).items()}, nothing)

    def number(self, key: str) -> float:
        """Take a number."""
        return self._take(key, _number, 0.0)

    def number_or_none(self, key: str) -> float | None:
        """Take a number or null."""
        return self._take(key, lambda value: None if value is None else _number(value), None)

    def count(self, key: str) -> int:
        """Take a whole number."""
        return self._take(key, _count, 0)

    def count_or_none(self, key: str) -> int | None:
        """Take a whole number or null."""
        return self._take(key, lambda value: None if value is None else _count(value), None)

    def text_or_none(self, key: str) -> str | None:
        """Take a text or null."""
        return self._take(key, lambda value: None if value is None else _text(value), None)

    def truth(self, key: str) -> bool:
        """Take true or false."""
        return self._take(key, _truth, False)  # noqa: FBT003  # the default of a failed field, like the others

    def day(self, key: str) -> date:
        """Take a date, `2026-11-24`."""
        return self._take(key, lambda value: date.fromisoformat(_text(value)), date.min)

    def word(self, key: str, kind: type[_Word], default: _Word) -> _Word:
        """Take one of the words of an enumeration."""
        return self._take(key, lambda value: kind(_text(value)), default)

    def inner(self, key: str) -> Fields:
        """Take an object; its problems are noted under its path."""
        return Fields(self._take(key, _object, _NOTHING), self._problems, f"{self._path}{key}.")

    def inner_or_none(self, key: str) -> Fields | None:
        """Take an object; None for null."""
        return None if self._value.get(key, ...) is None else self.inner(key)

    def inner_list(self, key: str) -> list[Fields]:
        """Take a list of objects."""
        nothing: list[dict[object, object]] = []
        members = self._take(key, lambda value: [_object(one) for one in _list(value)], nothing)
        return [Fields(one, self._problems, f"{self._path}{key}[{at}].") for at, one in enumerate(members)]


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError
    return float(value)


def _count(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError
    return value


def _truth(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


def _list(value: object) -> list[object]:
    if not isinstance(value, list):
        raise TypeError
    return value


def _object(value: object) -> dict[object, object]:
    if not isinstance(value, dict):
        raise TypeError
    return value


def parse_made_from(fields: Fields) -> MadeFrom:
    """Read what a plan was made from."""
    return MadeFrom(
        version=fields.text("version"),
        forecast=fields.text_or_none("forecast"),
        model=fields.text_or_none("model"),
        commit=fields.text("commit"),
        settings=fields.text("settings"),
    )
