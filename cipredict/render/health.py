"""Findings of `doctor` as a table for people and as JSON. Pure.

A finding comes in as (check, level, what, why, remedy): this room does not know the one that found it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TypeAlias

from rich.box import SIMPLE_HEAD
from rich.table import Table

Row: TypeAlias = tuple[str, str, str, str, str]
_STYLES = {"ok": "green", "info": "cyan", "warn": "yellow", "error": "bold red"}


def render_findings(findings: Sequence[Row]) -> Table:
    """Lay out the findings in their order; why and remedy stand below what was found."""
    table = Table(
        title=say_findings(findings), title_justify="left", title_style="bold", box=SIMPLE_HEAD, pad_edge=False
    )
    table.add_column("level", no_wrap=True)
    table.add_column("check", no_wrap=True)
    table.add_column("finding", overflow="fold")
    for check, level, what, why, remedy in findings:
        lines = [what, *([why] if why else []), *([f"Remedy: {remedy}"] if remedy else [])]
        table.add_row(level, check, "\n".join(lines), style=_STYLES.get(level, "") if level != "ok" else "")
    return table


def say_findings(findings: Sequence[Row]) -> str:
    """Count the findings by level, worst first.

    >>> say_findings([("git", "ok", "9 commits", "", ""), ("store", "warn", "held", "", "")])
    '2 findings: 1 warn, 1 ok'
    """
    counts = Counter(level for _, level, *_ in findings)
    parts = [f"{counts[level]} {level}" for level in reversed(_STYLES) if counts[level]]
    return f"{len(findings)} findings: {', '.join(parts)}"


def findings_document(findings: Sequence[Row], *, is_sound: bool) -> dict[str, object]:
    """Give the JSON document."""
    names = ("check", "level", "what", "why", "remedy")
    return {"sound": is_sound, "findings": [dict(zip(names, map(str, row), strict=True)) for row in findings]}
