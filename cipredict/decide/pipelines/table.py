"""A table of settings, taken key by key: every problem is noted under its place, and a default stands in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import TypeVar

from cipredict.errors import UsageError
from cipredict.quantities import parse_seconds

_Value = TypeVar("_Value")
_Word = TypeVar("_Word", bound=StrEnum)


class Table:
    """A mapping whose keys are taken by kind; what nobody took is a problem too."""

    def __init__(self, value: object, problems: list[str], *, where: str) -> None:
        self._where, self._problems = where, problems
        self._rest: dict[str, object] = {}
        if isinstance(value, Mapping):
            self._rest = {str(key).replace("-", "_"): item for key, item in value.items()}
        else:
            problems.append(f"{where} must be a table, not {value!r}")

    def take(self, key: str, convert: Callable[[object], _Value], default: _Value) -> _Value:
        """Take a key, `default` where it is absent or wrong."""
        if key not in self._rest:
            return default
        try:
            return convert(self._rest.pop(key))
        except (TypeError, ValueError) as error:
            self.complain(f"'{key}' {error}")
            return default

    def complain(self, problem: str) -> None:
        """Note what is wrong."""
        self._problems.append(f"{self._where}: {problem}")

    def refuse_rest(self, known: str) -> None:
        """Note every key that was not taken."""
        for key in sorted(self._rest):
            self.complain(f"unknown key '{key}' (known: {known})")

    def rest(self) -> dict[str, object]:
        """Give what was not taken, which is then nobody's problem."""
        rest, self._rest = self._rest, {}
        return rest


def text(value: object) -> str:
    """Take a text."""
    if not isinstance(value, str):
        raise TypeError(f"must be a text, not {value!r}")
    return value


def choice(words_of: type[_Word]) -> Callable[[object], _Word]:
    """Take one of the words of an enumeration."""

    def take(value: object) -> _Word:
        if value not in tuple(words_of):
            raise ValueError(f"is one of {', '.join(words_of)}, not {value!r}")
        return words_of(text(value))

    return take


def texts(value: object) -> tuple[str, ...]:
    """Take a text or a list of texts."""
    if isinstance(value, str):
        return (value,)
    if not isinstance(value, list | tuple) or not all(isinstance(one, str) for one in value):
        raise TypeError(f"must be a list of texts, not {value!r}")
    return tuple(value)


def truth(value: object) -> bool:
    """Take true or false."""
    if not isinstance(value, bool):
        raise TypeError(f"must be true or false, not {value!r}")
    return value


def count(value: object) -> int:
    """Take a whole number from 0."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise TypeError(f"must be a whole number from 0, not {value!r}")
    return value


def positive(value: object) -> int:
    """Take a whole number from 1."""
    if count(value) < 1:
        raise ValueError("must be 1 or more")
    return count(value)


def seconds(value: object) -> float:
    """Take a number of seconds above 0, or a text such as `10m`."""
    if isinstance(value, str):
        try:
            return parse_seconds(value, option="it")
        except UsageError as error:
            raise ValueError(f"is no duration above 0, such as 90, '10m' or '1h15m': {value!r}") from error
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
        raise TypeError(f"must be a number of seconds above 0, not {value!r}")
    return float(value)


def percent(value: object) -> float:
    """Take a percentage: a number from 0 to 100, or `5%`."""
    number = value
    if isinstance(value, str) and value.endswith("%"):
        number = float(value[:-1])
    if isinstance(number, bool) or not isinstance(number, int | float) or not 0 <= number <= 100:
        raise TypeError(f"must be a percentage from 0 to 100, not {value!r}")
    return float(number)


def counts(value: object) -> dict[str, int]:
    """Take a table of whole numbers."""
    if not isinstance(value, Mapping):
        raise TypeError(f"must be a table of whole numbers, not {value!r}")
    return {str(key): count(item) for key, item in value.items()}


def words(value: object) -> dict[str, str]:
    """Take a table of texts; numbers are spelled."""
    if not isinstance(value, Mapping) or not all(isinstance(one, str | int | float) for one in value.values()):
        raise TypeError(f"must be a table of texts, not {value!r}")
    return {str(key): str(item) for key, item in value.items()}


def lists(value: object) -> dict[str, tuple[str, ...]]:
    """Take a table of lists, none of them empty: a matrix without values is refused by every provider."""
    if not isinstance(value, Mapping):
        raise TypeError(f"must be a table of lists, not {value!r}")
    found = {}
    for key, items in value.items():
        if not isinstance(items, list | tuple) or not items:
            raise ValueError(f"needs at least one value for {key!r}")
        found[str(key)] = tuple(map(str, items))
    return found
