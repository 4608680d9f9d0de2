"""Settings out of a table, by kind: every problem is collected, and all are said at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TypeVar

Value = TypeVar("Value")
_DNS_LABEL = re.compile(r"[a-z](?:[a-z0-9-]{0,48}[a-z0-9])?")


class Table:
    """Takes keys out of a table and collects what is wrong with them."""

    def __init__(self, table: object) -> None:
        if not isinstance(table, Mapping):
            raise TypeError("write a table")
        self._left = {str(key).replace("-", "_"): value for key, value in table.items()}
        self._problems: list[str] = []

    def take(self, key: str, parse: Callable[[object], Value], default: Value) -> Value:
        """Take a key; a problem is kept, and the default stands in."""
        if key not in self._left:
            return default
        value = self._left.pop(key)
        try:
            return parse(value)
        except (ValueError, TypeError) as error:
            self._problems.append(f"{key} = {value!r}: {error}")
            return default

    def complain(self, problem: str) -> None:
        """Add what is wrong with several keys together."""
        self._problems.append(problem)

    @property
    def problems(self) -> list[str]:
        """What is wrong, and the keys that nobody took."""
        return [*self._problems, *(f"{key}: unknown key" for key in self._left)]

    def refuse(self) -> None:
        """Raise ValueError with every problem, if there is one."""
        if self.problems:
            raise ValueError(", ".join(self.problems))


def choice(known: tuple[str, ...]) -> Callable[[object], str]:
    """Give a reader of one of these words."""

    def parse(value: object) -> str:
        if value not in known:
            raise ValueError(f"is none of {', '.join(known)}")
        return str(value)

    return parse


def number(value: object) -> float:
    """Read a number; true is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError("is no number")
    return float(value)


def share(value: object) -> float:
    """Read a percentage into a share."""
    given = number(value)
    if not 0 <= given <= 100:
        raise ValueError("a percentage lies between 0 and 100")
    return given / 100


def share_above_0(value: object) -> float:
    """Read a percentage that is not 0."""
    given = share(value)
    if not given:
        raise ValueError("must be above 0")
    return given


def ratio(value: object) -> float:
    """Read how many times as much."""
    given = number(value)
    if not 1 <= given < float("inf"):
        raise ValueError("must be 1 or more")
    return given


def dns_label(value: object) -> str:
    """Read a name that Kubernetes takes (RFC 1123)."""
    given = text(value)
    if not _DNS_LABEL.fullmatch(given):
        raise ValueError("must be at most 50 of a-z, 0-9 and -, beginning with a letter and ending with no -")
    return given


def port(value: object) -> int:
    """Read a port."""
    given = count(value)
    if given > 65535:
        raise ValueError("ports lie between 1 and 65535")
    return given


def shares(value: object) -> tuple[float, ...]:
    """Read rising percentages; the last of them is made 100."""
    if not isinstance(value, list | tuple) or not value:
        raise TypeError("write a list of percentages, such as [10, 50, 100]")
    given = tuple(map(share, value))
    if list(given) != sorted(set(given)) or not given[0]:
        raise ValueError("the percentages must rise, from above 0")
    return given if given[-1] == 1 else (*given, 1.0)


def seconds(value: object) -> float:
    """Read seconds."""
    given = number(value)
    if not 0 <= given < float("inf"):
        raise ValueError("seconds are 0 or more")
    return given


def number_of_things(value: object) -> int:
    """Read 0, 1, 2 and so on."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise TypeError("is no number of things")
    return value


def count(value: object) -> int:
    """Read 1, 2 and so on."""
    given = number_of_things(value)
    if not given:
        raise ValueError("must be 1 or more")
    return given


def flag(value: object) -> bool:
    """Read true or false."""
    if not isinstance(value, bool):
        raise TypeError("write true or false")
    return value


def text(value: object) -> str:
    """Read a text."""
    if not isinstance(value, str):
        raise TypeError("write a text")
    return value


def path(value: object) -> str:
    """Read a path of an address, with or without its first slash."""
    return f"/{text(value).lstrip('/')}"


def texts(value: object) -> tuple[str, ...]:
    """Read a list of texts."""
    if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
        raise TypeError("write a list of texts")
    return tuple(value)


def words(value: object) -> tuple[str, ...]:
    """Read a command."""
    given = texts(value)
    if not given:
        raise ValueError("names no program")
    return given


def scripts(value: object) -> Mapping[str, tuple[str, ...]]:
    """Read commands by name."""
    if not isinstance(value, dict):
        raise TypeError("write a table of commands")
    return {name: words(command) for name, command in value.items()}
