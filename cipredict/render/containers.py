"""Analyses and rewrites of Dockerfiles as tables for people and as JSON. Pure; it knows plain values only."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

from cipredict.plans.container_row import InstructionRow
from cipredict.quantities import spell_seconds
from cipredict.render.plain import percent, plain_table

Figures = Mapping[str, float | int | None]
Conditions = tuple[tuple[str, str], ...]
FindingView = tuple[str, int, str, bool, str, float | None, float | None]
_SHOWN = 20
_BASES = (
    ("", "measured", ""),
    ("=", "estimated", "= estimated from the steps of many builds, as said above"),
    ("~", "assumed", "~ assumed for the kind of step; --progress takes a build's log, --store the steps of CI"),
    ("~", "scaled", "~ assumed for the kind of step, scaled to what the builds of CI took in all"),
)
_MARKS = {basis: mark for mark, basis, _ in _BASES}


@dataclass(frozen=True, slots=True)
class AnalysisView:
    """An analysis of one file. A finding: rule, line, message, is safe, reason against it, seconds and RUNs saved."""

    path: str
    notes: tuple[str, ...]
    needs: Mapping[str, tuple[str, ...]]
    rows: tuple[InstructionRow, ...]
    findings: tuple[FindingView, ...]
    replay: Figures


@dataclass(frozen=True, slots=True)
class OutcomeView:
    """A rewritten file: what was applied (rule, title, conditions, before, after) and what was not (…, after)."""

    path: str
    notes: tuple[str, ...]
    applied: tuple[tuple[str, str, Conditions, Figures, Figures], ...]
    refused: tuple[tuple[str, str, Conditions, Figures | None], ...]
    before: Figures
    after: Figures
    speedup: float
    basis: str
    text: str
    added_patterns: tuple[str, ...]
    patch: str


def render_analysis(view: AnalysisView) -> str:
    """Lay out one analysis for people."""
    return "\n".join([*_analysis_parts(view), "", ""])


def _analysis_parts(view: AnalysisView) -> Iterator[str]:
    yield view.path
    yield from (f"  {note}" for note in view.notes)
    for stage, needs in view.needs.items():
        yield f"  stage {stage} <- {', '.join(needs)}"
    columns = ["line", "stage", "instruction", "reads", "files", "size", "seconds", "changes/100", "rebuilds/100"]
    yield plain_table("", columns, [_step_cells(row) for row in view.rows])
    yield from (legend for mark, basis, legend in _BASES if any(row.basis == basis for row in view.rows) and mark)
    yield from _replay_lines(view.replay)
    if not view.findings:
        yield "Nothing to do: no rule has anything to say."
    for rule, line, message, is_safe, reason, saved_s, _ in view.findings[:_SHOWN]:
        saved = _saved(saved_s)
        yield f"  {rule} (line {line}, {saved}): {message} {'Safe.' if is_safe else reason}".rstrip()


def _saved(saved_s: float | None) -> str:
    if saved_s is None:
        return "not estimated without history"
    return f"{spell_seconds(saved_s)} per 100 commits" if saved_s > 0 else "no rebuild less, a smaller image"


def _step_cells(row: InstructionRow) -> list[str]:
    reads = ", ".join(row.reads)
    return [
        str(row.line),
        row.stage,
        _short(row.text, 38),
        _short(reads, 24) or "-",
        str(row.files),
        _bytes(row.size_bytes),
        f"{_MARKS[row.basis]}{_seconds(row.seconds)}",
        "-" if row.input_changes is None else f"{row.input_changes:.1f}",
        "-" if row.rebuilds is None else f"{row.rebuilds:.1f}",
    ]


def _seconds(seconds: float) -> str:
    return f"{seconds:.1f}".removesuffix(".0")


def _short(text: str, width: int) -> str:
    joined = " ".join(text.split())
    return joined if len(joined) <= width else joined[: width - 1] + "…"


def _bytes(size: int) -> str:
    if size < 1000:
        return f"{size} B"
    return f"{size / 1000:.0f} kB" if size < 1_000_000 else f"{size / 1_000_000:.1f} MB"


def _replay_lines(figures: Figures) -> Iterator[str]:
    if not figures["builds"]:
        yield "No history was replayed: nothing is estimated."
        return
    yield f"Replay of {figures['builds']} commits: {_figures_line(figures)}"


def _figures_line(figures: Figures) -> str:
    builds = figures["builds"] or 1
    return (
        f"layer hits {percent(figures['layer_hit_share'])}, {figures['run_rebuilds']} RUNs and "
        f"{figures['layer_rebuilds']} layers rebuilt, {spell_seconds(100 * (figures['seconds'] or 0) / builds)} "
        f"per 100 commits, {figures['cached_builds']} builds all cached"
    )


def render_outcome(view: OutcomeView) -> str:
    """Say what was rewritten and why that is safe, and what was left alone and why."""
    return "\n".join([*_outcome_parts(view), ""])


def _outcome_parts(view: OutcomeView) -> Iterator[str]:
    yield view.path
    yield from (f"  {note}" for note in view.notes)
    for rule, title, conditions, before, after in view.applied:
        yield f"applied {rule}: {title}"
        yield f"  {_change(before, after)}"
        yield from (f"  {standing}: {text}" for standing, text in conditions)
    for rule, title, conditions, after_it in view.refused:
        yield f"not applied {rule}: {title}"
        if after_it and after_it["builds"]:
            yield f"  would give: {_change(view.after, after_it)}"
        yield from (f"  not shown: {text}" for standing, text in conditions if standing == "violated")
    if not view.before["builds"]:
        yield "No history was replayed: nothing can be estimated, so nothing is applied."
        return
    if not view.applied:
        yield f"Nothing to do in {view.before['builds']} commits: {_figures_line(view.before)}"
        return
    yield f"before: {_figures_line(view.before)}"
    yield f"after:  {_figures_line(view.after)}"
    yield f"speedup {view.speedup:.2f} over {view.before['builds']} commits; seconds are {view.basis}"


def _change(before: Figures, after: Figures) -> str:
    runs = f"RUNs rebuilt {before['run_rebuilds']} -> {after['run_rebuilds']}"
    return f"{runs}, seconds {before['seconds']:.0f} -> {after['seconds']:.0f}"


def analyses_json(views: Sequence[AnalysisView]) -> str:
    """Give the JSON of analyses, a list."""
    return _json([_analysis_json(view) for view in views])


def _analysis_json(view: AnalysisView) -> dict[str, object]:
    names = ("rule", "line", "message", "is_safe", "reason", "saved_s_per_100", "saved_runs_per_100")
    return {
        "dockerfile": view.path,
        "notes": list(view.notes),
        "stages": {stage: list(needs) for stage, needs in view.needs.items()},
        "instructions": [{**asdict(row), "lost_s": row.lost_s} for row in view.rows],
        "findings": [dict(zip(names, one, strict=True)) for one in view.findings],
        "replay": dict(view.replay),
    }


def outcome_json(view: OutcomeView) -> str:
    """Give the JSON of a rewritten file."""
    return _json(
        {
            "dockerfile": view.path,
            "notes": list(view.notes),
            "applied": [
                {
                    "rule": rule,
                    "title": title,
                    "conditions": _listed(conditions),
                    "before": dict(before),
                    "after": dict(after),
                }
                for rule, title, conditions, before, after in view.applied
            ],
            "not_applied": [
                {"rule": rule, "title": title, "conditions": _listed(conditions), "after": after and dict(after)}
                for rule, title, conditions, after in view.refused
            ],
            "before": dict(view.before),
            "after": dict(view.after),
            "estimated_speedup": view.speedup,
            "seconds_are": view.basis,
            "optimized_dockerfile": view.text,
            "dockerignore_additions": list(view.added_patterns),
            "patch": view.patch,
        }
    )


def _listed(conditions: Conditions) -> list[dict[str, str]]:
    return [{"standing": standing, "condition": text} for standing, text in conditions]


def _json(document: object) -> str:
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=True) + "\n"
