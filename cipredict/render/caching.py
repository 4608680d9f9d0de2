"""What caches bring, as tables for people and as JSON. Pure; rows come in as plain values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from cipredict.quantities import spell_bytes
from cipredict.render.plain import percent, plain_table

FORMATS = ("table", "json")


class OptionRow(NamedTuple):
    """One key design replayed: shares 0…1, None where it was not measured; bytes are of all entries at their peak."""

    design: str
    exact: float
    prefix: float
    miss: float
    coverage: float | None
    stale: float
    bloat: float | None
    saves: float
    alive: float
    peak_bytes: int | None
    saved_s: float | None


class AdviceRow(NamedTuple):
    """The options of a stage and the verdict."""

    stage: str
    key_files: Sequence[str]
    runs: int
    options: Sequence[OptionRow]
    recommendation: str
    design: str | None
    reason: str
    notes: Sequence[str]
    quota_bytes: int


_COLUMNS = (
    "design", "exact", "prefix", "miss", "coverage", "stale", "bloat", "saves/100", "alive", "bytes", "saved/run"
)  # fmt: skip


def render_advice(row: AdviceRow) -> Iterator[str]:
    """Give one stage's table, its verdict, and what to know about it."""
    title = f"{row.stage}: {', '.join(row.key_files)}, {row.runs} commits"
    yield plain_table(title, _COLUMNS, [_cells(option, row.quota_bytes) for option in row.options])
    advised = f" {row.design}" if row.design else ""
    yield f"{row.recommendation.replace('_', ' ')}{advised}: {row.reason}."
    for note in row.notes:
        yield f"  {note}"
    yield ""


def _cells(option: OptionRow, quota_bytes: int) -> list[str]:
    kept = "-"
    if option.peak_bytes:
        kept = f"{spell_bytes(option.peak_bytes)} ({option.peak_bytes / quota_bytes:.0%})"
    return [
        option.design,
        *map(percent, (option.exact, option.prefix, option.miss, option.coverage, option.stale)),
        "-" if option.bloat is None else f"{option.bloat:.1f}",
        f"{100 * option.saves:.0f}",
        f"{option.alive:.1f}",
        kept,
        "-" if option.saved_s is None else f"{option.saved_s:.1f} s",
    ]


def advice_document(row: AdviceRow) -> dict[str, object]:
    """Give one stage's JSON object; shares have four digits."""
    return {
        "stage": row.stage,
        "key_files": list(row.key_files),
        "commits": row.runs,
        "recommendation": row.recommendation,
        "design": row.design,
        "reason": row.reason,
        "notes": list(row.notes),
        "quota_bytes": row.quota_bytes,
        "options": [
            {name: round(value, 4) if isinstance(value, float) else value for name, value in option._asdict().items()}
            for option in row.options
        ],
    }


class PredictionRow(NamedTuple):
    """The forecast of one stage; shares 0…1, None where nothing is known."""

    stage: str
    predicted: float | None
    historical: float | None
    coverage: float | None
    saved_s: float | None
    by: str
    recommendation: str
    reason: str


def render_predictions(rows: Sequence[PredictionRow]) -> Iterator[str]:
    """Give the forecasts as a table, and a reason per stage."""
    columns = ("stage", "exact next", "exact so far", "coverage", "saved/run", "by", "recommendation")
    yield plain_table("Caches of the next run", columns, map(_prediction_cells, rows))
    for row in rows:
        yield f"{row.stage}: {row.reason}."


def _prediction_cells(row: PredictionRow) -> list[str]:
    saved = "-" if row.saved_s is None else f"{row.saved_s:.1f} s"
    by = "the change" if row.by == "change" else row.by
    return [row.stage, *map(percent, (row.predicted, row.historical, row.coverage)), saved, by, row.recommendation]
