"""Tables for people, on stderr: plain in a log, coloured on a terminal unless `NO_COLOR` is set."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

WIDTH_IN_LOGS = 120
"""CI logs report no width; rich would assume 80 and cut case names."""


def people() -> Console:
    """Give the console for people. rich honours `NO_COLOR` and finds out whether stderr is a terminal."""
    console = Console(stderr=True, highlight=False, emoji=False, markup=False)
    if not console.is_terminal:
        console.width = WIDTH_IN_LOGS
    return console


def render_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    """Lay out rows under a title; the first column is left-aligned, the others right."""
    table = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD, pad_edge=False)
    for number, column in enumerate(columns):
        table.add_column(column, justify="left" if number == 0 else "right", no_wrap=number == 0)
    for row in rows:
        table.add_row(*row)
    return table
