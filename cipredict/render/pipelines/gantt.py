"""A pipeline plan as a Gantt chart: in a terminal, and as SVG."""

from __future__ import annotations

from html import escape

from cipredict.plans.pipeline_plan import PipelinePlan, PlannedJob
from cipredict.render.plain import percent, plain_table
from cipredict.render.shards import duration

_WIDTH = 48
_ROW, _LABEL, _CHART, _TOP = 22, 230, 640, 34
_TICKS = 6


def render_gantt(plan: PipelinePlan) -> str:
    """Lay out the jobs in order of their start; `#` marks those that the planned end hangs on."""
    chain = set(plan.chain)
    rows = [
        (
            job.name,
            duration(job.start_s),
            duration(job.end_s - job.start_s),
            duration(job.slack_s),
            _bar(job, plan, chain),
        )
        for job in plan.jobs
    ]
    title = f"Pipeline {plan.name}: {len(plan.jobs)} jobs"
    width = max((len(row[-1]) for row in rows), default=0)
    return plain_table(
        title, ("job", "start", "takes", "slack", "".ljust(width)), [(*row[:-1], row[-1].ljust(width)) for row in rows]
    )


def _bar(job: PlannedJob, plan: PipelinePlan, chain: set[str]) -> str:
    if not plan.makespan_s:
        return ""
    start = round(job.start_s / plan.makespan_s * _WIDTH)
    end = max(round(job.end_s / plan.makespan_s * _WIDTH), start + 1)
    return "|" + " " * start + ("#" if job.name in chain else "=") * (end - start)


def render_plan_summary(plan: PipelinePlan) -> str:
    """Say when it ends, how good that is, what it hangs on, and what does not run."""
    lines = [
        f"Planned end after {duration(plan.makespan_s)}; half of the runs by {duration(plan.p50_s)}, "
        f"nine of ten by {duration(plan.p90_s)}.",
        f"No schedule ends before {duration(plan.lower_bound_s)} ({plan.gap_share:.1%} above that bound); with runners "
        f"without number {duration(plan.unlimited_s)}, one after the other {duration(plan.serial_s)}.",
    ]
    if plan.chain:
        lines.append(f"The end hangs on: {' -> '.join(plan.chain)}.")
    if plan.utilisation:
        used = ", ".join(f"{name} {percent(share)} of {plan.limits[name]}" for name, share in plan.utilisation.items())
        lines.append(f"In use: {used}.")
    lines += [f"Skipped: {skipped.stage}: {skipped.reason}." for skipped in plan.skipped]
    return "\n".join([*lines, *plan.reasons])


def render_reasons(plan: PipelinePlan) -> str:
    """List why each stage runs, once."""
    reasons = {job.stage: job.reason for job in plan.jobs}
    return "\n".join(f"{stage}: {reason}" for stage, reason in reasons.items())


def render_gantt_svg(plan: PipelinePlan) -> str:
    """Draw the chart; names are escaped, nothing is loaded from elsewhere."""
    height = _TOP + _ROW * len(plan.jobs) + 12
    width = _LABEL + _CHART + 20
    chain = set(plan.chain)
    body = [_axis(plan, height), *(_svg_row(job, at, plan=plan, chain=chain) for at, job in enumerate(plan.jobs))]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'font-family="sans-serif" font-size="12" role="img">\n'
        f"<title>{escape(plan.name)}: ends after {duration(plan.makespan_s)}</title>\n"
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>\n' + "\n".join(body) + "\n</svg>\n"
    )


def _axis(plan: PipelinePlan, height: int) -> str:
    lines = []
    for tick in range(_TICKS + 1):
        x = _LABEL + _CHART * tick / _TICKS
        label = duration(plan.makespan_s * tick / _TICKS)
        lines.append(
            f'<line x1="{x:.1f}" y1="{_TOP - 8}" x2="{x:.1f}" y2="{height - 8}" stroke="#d0d7de"/>'
            f'<text x="{x:.1f}" y="{_TOP - 14}" text-anchor="middle" fill="#57606a">{label}</text>'
        )
    return "\n".join(lines)


def _svg_row(job: PlannedJob, at: int, *, plan: PipelinePlan, chain: set[str]) -> str:
    scale = _CHART / plan.makespan_s if plan.makespan_s else 0.0
    y = _TOP + _ROW * at
    x, length = _LABEL + job.start_s * scale, max((job.end_s - job.start_s) * scale, 1.0)
    color = "#cf222e" if job.name in chain else "#0969da"
    about = f"{job.name}: {duration(job.start_s)} to {duration(job.end_s)}, slack {duration(job.slack_s)}. {job.reason}"
    return (
        f'<text x="{_LABEL - 8}" y="{y + 15}" text-anchor="end" fill="#1f2328">{escape(_short(job.name))}</text>'
        f'<rect x="{x:.1f}" y="{y + 3}" width="{length:.1f}" height="{_ROW - 6}" rx="3" fill="{color}">'
        f"<title>{escape(about)}</title></rect>"
    )


def _short(name: str) -> str:
    return name if len(name) <= 32 else f"{name[:31]}…"
