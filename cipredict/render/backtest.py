"""A backtest's summary as tables for people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.table import Table

from cipredict.render.console import render_table
from cipredict.render.learning import render_calibration, render_policies
from cipredict.render.plain import percent


def render_backtest(summary: dict[str, Any]) -> Iterator[Table | str]:  # Any: JSON
    """Give the parts of a backtest in reading order: who caught what, what it saves, how sure, what was missed."""
    holdout = summary["holdout"]
    yield f"Replayed {summary['runs']} runs; judged on the last {holdout['runs']}, that nothing was fitted on."
    if holdout["only_permanently_red_runs"]:
        yield f"Kept apart: {holdout['only_permanently_red_runs']} runs failed by permanently red cases alone."
    yield from render_policies(
        summary["policies"], runs=holdout["failing_runs"], new_runs=holdout["newly_failing_runs"]
    )
    yield render_table(
        f"Minutes saved of {holdout['suite_minutes']:.1f}, were only this share of each suite run",
        ["share run", "minutes saved"],
        [[budget, f"{minutes:.1f}"] for budget, minutes in summary["minutes_saved"].items()],
    )
    yield render_table(
        "Share of expected time that a plan needs, its always-run cases included",
        ["failing runs caught", "share of time"],
        [[level, percent(share)] for level, share in summary["confidence"].items()],
    )
    yield render_table(
        "Promises: each failing run held against the curve of those before it",
        ["confidence", "runs", "missed", "miss rate, 95 %", "share of time", "kept"],
        [_promise(promise) for promise in summary["promises"]],
    )
    yield render_calibration(tuple(row) for row in summary["calibration"])
    missed = summary["missed"]
    yield render_table(
        f"Failing runs missed at {missed['budget']:.0%} of time",
        ["run", "failing", "first failing case"],
        [[run, str(found["failing"]), found["cases"][0]] for run, found in missed["runs"].items()],
    )
    yield f"Expected calibration error {summary['expected_calibration_error']:.4f}."
    yield f"Served by {summary['served_by']}." + "".join(f" {reason}." for reason in summary["reasons"])


def _promise(promise: dict[str, Any]) -> list[str]:  # Any: JSON
    return [
        percent(promise["promised"]),
        str(promise["runs"]),
        str(promise["missed"]),
        f"{percent(promise['low'])} to {percent(promise['high'])}",
        percent(promise["mean_share"]),
        "yes" if promise["kept"] else "no",
    ]
