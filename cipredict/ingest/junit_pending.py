"""The cases of a JUnit report that were read and not yet settled: as lxml gave them, and as runs of columns."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import repeat
from typing import NamedTuple

Attributes = Mapping[str, str]
_NAMING = ("name", "classname", "file")


class Run(NamedTuple):
    """Plain cases in a row, as they are split at their quotes: every second part is a value.

    Attributes
    ----------
    names : the attributes of each case, in order
    parts : what stands before a value, a value, …, and what stands behind the last one
    """

    names: tuple[str, ...]
    parts: list[str]


class PendingCases:
    """Cases in the order of the report.

    Attributes
    ----------
    rows : the attributes of each case, None for one of a run
    """

    __slots__ = ("_naming", "_runs", "rows")

    def __init__(self) -> None:
        self.rows: list[Attributes | None] = []
        self._runs: list[tuple[int, int, Run]] = []
        self._naming: tuple[list[str | None], ...] = ()

    def add_run(self, run: Run) -> None:
        """Add cases that are known as columns."""
        begin = len(self.rows)
        self.rows += repeat(None, len(run.parts) // (2 * len(run.names)))
        self._runs.append((begin, len(self.rows), run))

    def column(self, name: str) -> list[str | None]:
        """Give an attribute of every case, None where it is missing."""
        if not self._runs:
            return [row.get(name) for row in self.rows]  # type: ignore[union-attr]  # without runs there is no None
        values = [row.get(name) if row else None for row in self.rows]
        for begin, end, (names, parts) in self._runs:
            if name in names:
                values[begin:end] = parts[2 * names.index(name) + 1 :: 2 * len(names)]
        return values

    def naming(self) -> tuple[list[str | None], ...]:
        """Give the columns that ids depend on: name, class name, file. They are built once: add no cases after."""
        self._naming = self._naming or tuple(map(self.column, _NAMING))
        return self._naming

    def attributes(self, index: int) -> Attributes:
        """Give the attributes of a case that its id depends on."""
        row = self.rows[index]
        if row is not None:
            return row
        values = [column[index] for column in self.naming()]
        return {name: value for name, value in zip(_NAMING, values, strict=True) if value is not None}

    def rare_column(self, name: str) -> dict[int, str]:
        """Give a rare attribute by case; no run has it."""
        return {index: row[name] for index, row in enumerate(self.rows) if row and name in row}
