"""Comparisons, change points and calibrations as tables for people and Markdown for a run's page. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from math import expm1, isnan

from cipredict.plans.comparison import Comparison, ComparisonVerdict, SeriesFinding, Standing, worse_percent
from cipredict.render.plain import plain_table

_SHOWN = 40
_QUIET = frozenset({Standing.UNCHANGED, Standing.NEW})
_WORDS = {
    ComparisonVerdict.BLOCK: "Slower, and a second machine confirms it.",
    ComparisonVerdict.WARN: "Something looks slower.",
    ComparisonVerdict.INCONCLUSIVE: "Too little data to tell.",
    ComparisonVerdict.PASS: "Nothing got slower.",
}
_SCALES = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))
_SIZES = ((1e9, "GB"), (1e6, "MB"), (1e3, "kB"), (1.0, "B"))


def render_comparison(comparison: Comparison, *, show_all: bool = False) -> Iterator[str]:
    """Give what stands out as a table, then the notes and the verdict."""
    listed = [one for one in comparison.findings if show_all or one.standing not in _QUIET]
    if listed:
        columns = ["benchmark", "standing", "base", "head", "worse by", "95% interval", "why"]
        title = f"{len(comparison.findings)} benchmarks, {'paired' if comparison.paired else 'unpaired'}"
        yield plain_table(title, columns, map(_cells, listed[:_SHOWN]))
    if len(listed) > _SHOWN:
        yield f"… and {len(listed) - _SHOWN} more: --output has all."
    yield from comparison.notes
    yield f"{comparison.verdict.value}: {_WORDS[comparison.verdict]} {comparison.summary}."
    if comparison.needs_confirmation:
        count = len(comparison.needs_confirmation)
        yield f"Measure {count} again on another machine and give this comparison to --confirms."


def _cells(one: SeriesFinding) -> list[str]:
    interval = "-"
    if one.low is not None and one.high is not None:
        interval = f"{100 * expm1(one.low):+.1f} … {100 * expm1(one.high):+.1f} %"
    worse = "-" if one.shift is None else f"{worse_percent(one):+.1f} %"
    standing = one.standing.value if one.is_blocking else f"{one.standing.value} (may not block)"
    return [one.series, standing, spell(one.base, one.unit), spell(one.head, one.unit), worse, interval, one.reason]


def spell(value: float | None, unit: str) -> str:
    """Write a measured value in a readable unit.

    >>> spell(0.00125, "s"), spell(2.5e6, "B"), spell(3.0, "1/s"), spell(None, "s")
    ('1.25 ms', '2.5 MB', '3 1/s', '-')
    """
    if value is None:
        return "-"
    for scale, name in _SCALES if unit == "s" else _SIZES if unit == "B" else ():
        if abs(value) >= scale:
            return f"{value / scale:.4g} {name}"
    return f"{value:.4g} {unit}".rstrip()


def render_markdown(comparison: Comparison) -> str:
    """Give the step summary."""
    listed = [one for one in comparison.findings if one.standing not in _QUIET]
    lines = [f"### Performance: {comparison.verdict.value}", "", _WORDS[comparison.verdict], ""]
    if listed:
        lines += ["| benchmark | standing | base | head | worse by | why |", "|---|---|---:|---:|---:|---|"]
        for one in listed[:_SHOWN]:
            name, standing, base, head, worse, _, why = (cell.replace("|", "\\|") for cell in _cells(one))
            lines.append(f"| `{name}` | {standing} | {base} | {head} | {worse} | {why} |")
        lines.append("")
    return "\n".join([*lines, *(f"* {note}" for note in comparison.notes), ""])


def render_annotations(comparison: Comparison) -> str:
    """Give GitHub's workflow commands: an error for what blocks, a warning for what may be slower."""
    levels = {Standing.REGRESSION: "error", Standing.CANDIDATE: "warning"}
    lines = []
    for one in comparison.findings:
        level = levels.get(one.standing)
        if level is not None:
            kind = level if one.is_blocking else "warning"
            text = f"{one.series} is {worse_percent(one):.1f} % worse: {one.reason}"
            lines.append(f"::{kind} title=Performance::{_escaped(text)}\n")
    return "".join(lines)


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def render_rows(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Lay out a table of change points, suspects or rule costs."""
    return plain_table(title, columns, rows)


def spell_percent(share: float) -> str:
    """Write a share as a percentage, a dash where it is not known.

    >>> spell_percent(0.084), spell_percent(float("nan"))
    ('8.4 %', '-')
    """
    return "-" if isnan(share) else f"{100 * share:.1f} %"
