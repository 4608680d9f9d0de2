"""A selection plan as text: lists for runners on stdout, tables and summaries for people."""

from __future__ import annotations

import json
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import islice

from cipredict.plans.document import canonical_json
from cipredict.plans.selection_plan import PlannedCase, SelectionPlan
from cipredict.quantities import spell_seconds
from cipredict.render.github import clip_summary, code, fits_output, render_outputs
from cipredict.render.plain import percent, plain_table

FORMATS = ("lines", "pytest-args", "json", "github")
NOTHING_FOR_PYTEST = ("--ignore-glob=*", "--deselect=")
"""`pytest @file` with an empty file runs the whole suite. With these it runs nothing and exits with 5: the first keeps
it from importing test files, the second, a prefix of every id, drops what is named or lies outside of the folder."""
_SUMMARY_ROWS = 100


def render_output(plan: SelectionPlan, *, output_format: str, exclude: bool) -> str:
    """Give what goes to stdout; `exclude` lists the cases that do not run instead of those that do."""
    if output_format == "json":
        return canonical_json(plan.to_document())
    if output_format == "github":
        return render_github(plan, exclude=exclude)
    ids = left_out(plan) if exclude else plan.to_run
    if output_format == "pytest-args":
        ids = (
            _deselections(ids, plan.to_run) if exclude else ids or ([] if plan.has_tests else list(NOTHING_FOR_PYTEST))
        )
    return "".join(f"{line}\n" for line in ids)


def left_out(plan: SelectionPlan) -> list[str]:
    """Give the ids that really do not run, in order: none where the plan only observes or orders."""
    return [] if plan.observe or plan.order_only else plan.skipped


def _deselections(skipped: Iterable[str], to_run: Iterable[str]) -> list[str]:
    """Spell skipped cases for pytest, except those that would take a case with them that runs.

    `--deselect=a.py::test_b` drops every id that begins so, `a.py::test_bc` among them.
    """
    running = sorted(to_run)
    begins_none = (case_id for case_id in skipped if not _begins_any(case_id, running))
    return [f"--deselect={case_id}" for case_id in begins_none]


def _begins_any(text: str, ordered: Sequence[str]) -> bool:
    at = bisect_left(ordered, text)
    return at < len(ordered) and ordered[at].startswith(text)


def render_github(plan: SelectionPlan, *, exclude: bool = False) -> str:
    """Give lines for `$GITHUB_OUTPUT`, about what really runs; unknown values are empty.

    The cases are JSON on one line, `tests` or with `exclude` `skipped_tests`; left out where GitHub would refuse them.
    """
    seconds = (plan.to_run_s, plan.total_s - plan.to_run_s)
    est_s, saved_s = (f"{value:.1f}" if plan.is_timed else "" for value in seconds)
    values = {
        "has_tests": _truth(plan.has_tests),
        "count": str(len(plan.to_run)),
        "total": str(len(plan.cases)),
        "est_seconds": est_s,
        "est_saved_seconds": saved_s,
        "confidence": _confidence(plan),
        "model_version": plan.made_from.model or "",
        "fallback": _truth(plan.fallback),
        "fallback_reason": plan.fallback_reason,
        "observe": _truth(plan.observe),
    }
    tests = json.dumps(left_out(plan) if exclude else plan.to_run)
    if fits_output(tests):
        values["skipped_tests" if exclude else "tests"] = tests
    return render_outputs(values)


def _truth(value: object) -> str:
    return "true" if value else "false"


def _confidence(plan: SelectionPlan) -> str:
    """Spell the probability that a failing run is caught; 1 only where nothing is left out, empty where unknown."""
    if not left_out(plan):
        return "1.0000"
    return "" if plan.miss is None else f"{min(1 - plan.miss.p_miss_given_failure, 0.9999):.4f}"


def render_selection(plan: SelectionPlan) -> str:
    """Lay out subset, remainder and total."""
    return plain_table("Selection", ["", "cases", "of cases", "of time", "expected"], _sums(plan))


def _sums(plan: SelectionPlan) -> list[list[str]]:
    total_s, selected_s, count = plan.total_s, plan.selected_s, len(plan.cases)
    selected = len(plan.selected)

    def row(name: str, cases: int, seconds: float) -> list[str]:
        share = percent(seconds / total_s) if total_s else "-"
        spelled = spell_seconds(seconds) if plan.is_timed else "-"
        return [name, f"{cases:,}", percent(cases / count) if count else "-", share, spelled]

    return [
        row("selected", selected, selected_s),
        row("remainder", count - selected, total_s - selected_s),
        row("total", count, total_s),
    ]


def say_selection(plan: SelectionPlan) -> list[str]:
    """Say in sentences why, how sure, and from what."""
    lines = []
    if plan.everything_because and not plan.fallback:
        lines.append(f"Everything runs: {plan.everything_because}.")
    if plan.observe:
        lines.append("Observing: the plan is logged, everything runs.")
    if plan.order_only:
        lines.append("Only the order follows the plan: everything runs.")
    if not plan.has_tests:
        lines.append("No case runs (has_tests=false): do not start the runner with an empty list.")
    if plan.miss and plan.skipped:
        low, high = percent(plan.miss.low), percent(plan.miss.high)
        lines.append(
            f"A failing run would slip through with {percent(plan.miss.p_miss_given_failure)} "
            f"({low} to {high}, from {plan.miss.failing_runs} failing runs of the backtest)."
        )
    if plan.budget_s is not None and plan.selected_s > plan.budget_s * 1.0001:
        lines.append("The cases that always run exceed the budget.")
    if plan.history_share is not None:
        lines.append(f"{percent(plan.history_share)} of the candidates have history.")
    return lines


def render_explanation(plan: SelectionPlan, *, limit: int = 200) -> str:
    """Lay out why each case runs or is skipped, in plan order."""
    rows = [_explain(case) for case in plan.cases[:limit]]
    title = "Why" if len(plan.cases) <= limit else f"Why (the first {limit} of {len(plan.cases)}; all are in the plan)"
    return plain_table(title, ["case", "decision", "reason", "evidence", "p(fail)", "seconds"], rows)


def _explain(case: PlannedCase) -> list[str]:
    return [
        case.case_id,
        "run" if case.is_selected else "skip",
        case.reason.text,
        case.evidence or "-",
        percent(case.p_fail),
        "-" if case.expected_s is None else f"{case.expected_s:.3f}",
    ]


def render_step_summary(plan: SelectionPlan) -> str:
    """Write Markdown for `$GITHUB_STEP_SUMMARY`: sums, sentences, reasons, and the first cases folded away."""
    lines = ["### Test selection", "", "| | cases | of cases | of time | expected |", "|---|---:|---:|---:|---:|"]
    lines += [f"| {' | '.join(row)} |" for row in _sums(plan)]
    lines.append("")
    if plan.fallback:
        lines += [f"**Fallback, everything runs:** {' '.join(plan.fallback_reason.split())}", ""]
    lines += [f"{sentence}  " for sentence in say_selection(plan)]
    return clip_summary("\n".join([*lines, *_reason_lines(plan), *_case_lines(plan)]) + "\n")


def _reason_lines(plan: SelectionPlan) -> list[str]:
    counts = Counter((case.is_selected, case.reason) for case in plan.cases)
    rows = [
        f"| {'run' if is_selected else 'skip'} | {reason.text} | {count} |"
        for (is_selected, reason), count in sorted(counts.items(), key=lambda item: (not item[0][0], -item[1], item[0]))
    ]
    return ["", "| decision | reason | cases |", "|---|---|---:|", *rows] if rows else []


def _case_lines(plan: SelectionPlan) -> list[str]:
    """Fold the first cases that run for the sake of their risk or by a rule; a list of everything says nothing."""
    if plan.everything_because or not plan.selected:
        return []
    shown = list(islice((case for case in plan.cases if case.is_selected), _SUMMARY_ROWS))
    rows = [f"| {code(case.case_id)} | {case.reason.text} | {percent(case.p_fail)} |" for case in shown]
    title = f"<details><summary>The first {len(shown)} of {len(plan.selected)} cases</summary>"
    return ["", title, "", "| case | reason | p(fail) |", "|---|---|---:|", *rows, "", "</details>"]
