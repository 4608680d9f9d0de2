"""The ledger as tables: plans against outcomes, and the misses by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean
from typing import Any

from rich.table import Table

from cipredict.quantities import spell_seconds
from cipredict.render.console import render_table
from cipredict.render.plain import percent
from cipredict.stats import clopper_pearson

_SHOWN = 30


def render_ledger(rows: Sequence[Mapping[str, Any]]) -> Iterator[Table | str]:  # Any: query results
    """Give the plans, newest first, then every missed case by name, then the observed miss rate."""
    judged = [row for row in rows if row["is_judged"]]
    failing = [row for row in judged if row["failing"]]
    missed = [row for row in failing if row["missed"] and not row["caught"]]
    yield render_table(
        f"Selection plans ({len(rows)} made, {len(judged)} with a known outcome)",
        ["plan", "made (UTC)", "run", "selected", "time saved", "failing", "missed"],
        [_row(row) for row in sorted(rows, key=lambda row: row["made_at"], reverse=True)[:_SHOWN]],
    )
    names = [[name, row["plan_id"]] for row in judged for name in row["missed_cases"]]
    if names:
        yield render_table("Failing cases that a plan skipped", ["case", "plan"], names[:_SHOWN])
    if failing:
        yield f"{len(missed)} of {len(failing)} failing runs were missed: {percent(len(missed) / len(failing))}."
        yield from _promised(failing)
    else:
        yield "No plan has been followed by a failing run yet: nothing can be said of misses."


def _promised(failing: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Compare what was missed with what the plans said; those that skipped nothing or promised nothing are left out."""
    promises = [row for row in failing if row["p_miss"] and not row["skips_nothing"]]
    if promises:
        missed = sum(bool(row["missed"] and not row["caught"]) for row in promises)
        low, high = clopper_pearson(missed, len(promises))
        promised = fmean(row["p_miss"] for row in promises)
        verdict = "as promised" if low <= promised else "more than promised"
        yield (
            f"Of {len(promises)} plans that skipped cases and were followed by a failure, {percent(promised)} were "
            f"promised to miss it and {percent(missed / len(promises))} did "
            f"(95 % interval {percent(low)} to {percent(high)}): {verdict}."
        )


def _row(row: Mapping[str, Any]) -> list[str]:
    saved_s = (row["decided_s"] or 0.0) - (row["selected_s"] or 0.0)
    return [
        str(row["plan_id"]),
        f"{row['made_at']:%Y-%m-%d %H:%M}",
        str(row["run_id"] or "-"),
        f"{row['selected']}/{row['decided']}",
        spell_seconds(saved_s),
        str(row["failing"]) if row["is_judged"] else "?",
        str(row["missed"]) if row["is_judged"] else "?",
    ]
