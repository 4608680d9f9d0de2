"""A selection plan as text: lists for runners on stdout, tables and summaries for people."""

from __future__ import annotations

import json

from rich.table import Table

from cipredict.plans.document import canonical_json
from cipredict.plans.selection_plan import SelectionPlan
from cipredict.quantities import spell_seconds
from cipredict.render.console import render_table
from cipredict.render.learning import percent

FORMATS = ("lines", "pytest-args", "json", "github")
NOTHING_FOR_PYTEST = "--ignore-glob=*"
"""`pytest @file` with an empty file runs the whole suite; with this one argument it collects nothing (exit 5)."""
_MAX_OUTPUT_BYTES = 1_000_000
"""GitHub limits a job's outputs to 1 MB."""


def render_output(plan: SelectionPlan, *, output_format: str, exclude: bool) -> str:
    """Give what goes to stdout; `exclude` lists the skipped cases instead of those to run."""
    ids = ([] if plan.observe or plan.order_only else plan.skipped) if exclude else plan.to_run
    if output_format == "json":
        return canonical_json(plan.to_document())
    if output_format == "github":
        return render_github(plan)
    if output_format == "pytest-args":
        if exclude:
            return "".join(f"--deselect={case_id}\n" for case_id in ids)
        return "".join(f"{case_id}\n" for case_id in ids) or NOTHING_FOR_PYTEST + "\n"
    return "".join(f"{case_id}\n" for case_id in ids)


def render_github(plan: SelectionPlan) -> str:
    """Give `key=value` lines for `$GITHUB_OUTPUT`; `tests` is JSON on one line, left out where it is too large."""
    values = {
        "has_tests": _truth(bool(plan.to_run)),
        "count": str(len(plan.to_run)),
        "total": str(len(plan.cases)),
        "est_seconds": f"{plan.selected_s:.1f}",
        "est_saved_seconds": f"{plan.total_s - plan.selected_s:.1f}",
        "confidence": "" if plan.miss is None else f"{1 - plan.miss.p_miss_given_failure:.4f}",
        "model_version": plan.made_from.model or "",
        "fallback": _truth(plan.fallback),
        "fallback_reason": " ".join(plan.fallback_reason.split()),
    }
    tests = json.dumps(plan.to_run)
    if len(tests.encode()) < _MAX_OUTPUT_BYTES:
        values["tests"] = tests
    return "".join(f"{key}={value}\n" for key, value in values.items())


def _truth(value: bool) -> str:  # noqa: FBT001  # a converter
    return "true" if value else "false"


def render_selection(plan: SelectionPlan) -> Table:
    """Lay out subset, remainder and total."""
    total_s, selected_s, count = plan.total_s, plan.selected_s, len(plan.cases)
    selected = len(plan.selected)

    def row(name: str, cases: int, seconds: float) -> list[str]:
        share = percent(seconds / total_s) if total_s else "-"
        return [name, f"{cases:,}", percent(cases / count) if count else "-", share, spell_seconds(seconds)]

    rows = [
        row("selected", selected, selected_s),
        row("remainder", count - selected, total_s - selected_s),
        row("total", count, total_s),
    ]
    return render_table("Selection", ["", "cases", "of cases", "of time", "expected"], rows)


def say_selection(plan: SelectionPlan) -> list[str]:
    """Say in sentences why, how sure, and from what."""
    lines = []
    if plan.everything_because and not plan.fallback:
        lines.append(f"Everything runs: {plan.everything_because}.")
    if plan.observe:
        lines.append("Observing: the plan is logged, everything runs.")
    if plan.miss and plan.skipped:
        low, high = percent(plan.miss.low), percent(plan.miss.high)
        lines.append(
            f"A failing run would slip through with {percent(plan.miss.p_miss_given_failure)} "
            f"({low} to {high}, from {plan.miss.failing_runs} failing runs of the backtest)."
        )
    if plan.budget_s is not None and plan.selected_s > plan.budget_s * 1.0001:
        lines.append("The cases that always run exceed the budget.")
    lines.append(f"{percent(plan.history_share)} of the candidates have history.")
    return lines


def render_explanation(plan: SelectionPlan, *, limit: int = 200) -> Table:
    """Lay out why each case runs or is skipped, in plan order."""
    rows = [
        [
            case.case_id,
            "run" if case.is_selected else "skip",
            case.reason.value,
            case.evidence or "-",
            "-" if case.p_fail is None else percent(case.p_fail),
            "-" if case.expected_s is None else f"{case.expected_s:.3f}",
        ]
        for case in plan.cases[:limit]
    ]
    title = "Why" if len(plan.cases) <= limit else f"Why (the first {limit} of {len(plan.cases)}; all are in the plan)"
    return render_table(title, ["case", "decision", "reason", "evidence", "p(fail)", "seconds"], rows)


def render_step_summary(plan: SelectionPlan) -> str:
    """Write Markdown for `$GITHUB_STEP_SUMMARY`, far below its limit of 1 MiB."""
    selected, total_s = len(plan.selected), plan.total_s
    share = percent(plan.selected_s / total_s) if total_s else "-"
    lines = [
        "### Test selection",
        "",
        "| | cases | expected |",
        "|---|---:|---:|",
        f"| selected | {selected} | {spell_seconds(plan.selected_s)} ({share}) |",
        f"| total | {len(plan.cases)} | {spell_seconds(total_s)} |",
        "",
    ]
    if plan.fallback:
        lines += [f"**Fallback, everything runs:** {plan.fallback_reason}", ""]
    return "\n".join([*lines, *say_selection(plan)]) + "\n"
