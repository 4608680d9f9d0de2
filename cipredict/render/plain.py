"""Tables and shares as plain text, for commands that run while people wait: importing rich costs them 30 ms."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def percent(share: float | None) -> str:
    """Write a share; a dash where nothing was measured, never a false 0 % or 100 %.

    >>> percent(0.5), percent(0.9999), percent(None)
    ('50.0%', '>99.9%', '-')
    """
    if share is None:
        return "-"
    if 0 < share < 0.001:
        return "<0.1%"
    if 0.999 < share < 1:
        return ">99.9%"
    return f"{share:.1%}"


def plain_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Lay out rows under a title, the first column to the left and the others to the right; no final newline.

    >>> print(plain_table("Sizes", ["name", "lines"], [["a", "12"], ["long", "3"]]))
    Sizes
    name  lines
    -----------
    a        12
    long      3
    """
    lines = [list(columns), *map(list, rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    text = [_align(line, widths) for line in lines]
    return "\n".join([title, text[0], "-" * max(map(len, text)), *text[1:]])


def _align(line: list[str], widths: list[int]) -> str:
    first, *others = line
    return "  ".join([first.ljust(widths[0]), *map(str.rjust, others, widths[1:])]).rstrip()
