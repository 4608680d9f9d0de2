"""Findings and imported workflows as tables for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cipredict.render.plain import plain_table
from cipredict.render.shards import duration
from cipredict.workflow_records import WorkflowRecord


def render_findings(path: str, findings: Sequence[Mapping[str, object]]) -> str:
    """List what to change, why that is safe, what it gains, and what is left to a person and why."""
    if not findings:
        return f"{path}: nothing to improve."
    edits = sum(bool(one["edits"]) for one in findings)
    lines = [f"{path}: {len(findings)} findings, {edits} with an edit"]
    for one in findings:
        lines.append(f"  {'+' if one['edits'] else '-'} {one['rule']}: {one['where']}: {one['what']}")
        lines += [f"      {text}" for text in _details(one)]
    return "\n".join(lines)


def _details(one: Mapping[str, object]) -> list[str]:
    details = []
    if one["why_safe"]:
        details.append(f"safe: {one['why_safe']}")
    gain, unlimited = one["gain_s"], one["unlimited_gain_s"]
    if isinstance(gain, float) and isinstance(unlimited, float):
        details.append(f"ends {_signed(gain)} at the same capacity, {_signed(unlimited)} with runners without number")
    if one["saves"]:
        details.append(f"saves: {one['saves']}")
    if one["refused"]:
        details.append(f"left to you: {one['refused']}")
    return details


def _signed(seconds: float) -> str:
    if abs(seconds) < 0.05:
        return "at the same time"
    return f"{duration(abs(seconds))} {'earlier' if seconds > 0 else 'later'}"


def render_jobs(workflow: WorkflowRecord) -> str:
    """Lay out the jobs of a workflow with their lines."""
    rows = [
        (
            job.job_id,
            str(job.block.line + 1),
            "?" if job.legs is None else str(len(job.legs)),
            ", ".join(job.needs) or "-",
            job.environment or "-",
        )
        for job in workflow.jobs
    ]
    title = f"{workflow.path} ({workflow.provider}): {len(workflow.jobs)} jobs"
    return plain_table(title, ("job", "line", "legs", "needs", "environment"), rows)
