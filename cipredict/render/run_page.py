"""A run, or the runs of a branch, as Markdown for a step summary or a comment. Pure; whoever posts it clips it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from statistics import median
from typing import Any

from cipredict.quantities import spell_seconds
from cipredict.records import JobRecord
from cipredict.render.github import code
from cipredict.render.plain import percent

Row = Mapping[str, Any]  # a query's columns
_NAME = 300
_MARKUP = re.compile(r"[\[*~\\]|:(?=//)|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
_LISTED = 50
_MARKS = {"success": "✅", "failure": "❌", "error": "❌", "timeout": "⏱️", "cancellation": "⚪", "skip": "⚪"}


def render_run(run: Row, failures: Sequence[Row], jobs: Sequence[JobRecord], *, before: Sequence[Row]) -> str:
    """Give one run: how it ended, what failed, where the time went, held against the runs before it."""
    lines = [f"### {_mark(run)} Run {_name(run['run_id'])}: {run['result'] or 'unknown'}", "", *_facts(run, before), ""]
    return "\n".join([*lines, *_failures(failures), *_jobs(jobs)])


def render_branch(ref: str, runs: Sequence[Row], failures: Sequence[Row], *, before: Sequence[Row]) -> str:
    """Give a branch or commit: its last run as above, then all its runs."""
    last = runs[0]
    lines = [f"### {_mark(last)} {_name(ref)}: {last['result'] or 'unknown'}", "", *_facts(last, before), ""]
    table = ["#### Runs", "", "| run | ended (UTC) | result | duration | failures |", "|---|---|---|---:|---:|"]
    for run in runs:
        took = _seconds(run["duration_s"])
        table.append(
            f"| {_name(run['run_id'])} | {run['ended']:%Y-%m-%d %H:%M} | {_mark(run)} {run['result'] or 'unknown'} "
            f"| {took} | {run['failures']} |"
        )
    return "\n".join([*lines, *_failures(failures), *table, ""])


def _facts(run: Row, before: Sequence[Row]) -> Iterator[str]:
    """Give what is to be known at a glance; what is unknown is left out."""
    if run["duration_s"] is not None:
        usual = [one["duration_s"] for one in before if one["duration_s"] is not None]
        against = f", {_against(run['duration_s'], median(usual))} of the {len(usual)} runs before" if usual else ""
        yield f"* took {_seconds(run['duration_s'])}{against}"
    if run["queued_s"] is not None:
        yield f"* its first job waited {_seconds(run['queued_s'])}"
    yield f"* {run['results']:,} results, {run['failures']:,} failed"
    judged = [one for one in before if one["result"] in {"success", "failure", "error", "timeout"}]
    if judged:
        share = sum(one["result"] == "success" for one in judged) / len(judged)
        yield f"* {percent(share)} of the {len(judged)} runs before succeeded"


def _against(seconds: float, usual: float) -> str:
    return f"{seconds / usual - 1:+.0%} against the median ({_seconds(usual)})" if usual else "against a median of 0 s"


def _failures(failures: Sequence[Row]) -> Iterator[str]:
    if failures:
        yield from ("#### Failed", "", "| test | verdict | time |", "|---|---|---:|")
        for one in failures:
            yield f"| {_name(one['case_id'])} | {one['verdict']} | {_seconds(one['duration_s'])} |"
        yield ""


def _jobs(jobs: Sequence[JobRecord]) -> Iterator[str]:
    """Give the longest jobs."""
    timed = [
        (job, (job.finished_at - job.started_at).total_seconds()) for job in jobs if job.started_at and job.finished_at
    ]
    if timed:
        yield from ("#### Jobs, the longest first", "", "| job | result | duration | waited |", "|---|---|---:|---:|")
        for job, took in sorted(timed, key=lambda pair: (-pair[1], pair[0].job_id))[:_LISTED]:
            result = job.result.value if job.result else "unknown"
            yield f"| {_name(job.name)} | {result} | {_seconds(took)} | {_seconds(job.queued_s)} |"
        yield ""


def _mark(run: Row) -> str:
    return _MARKS.get(str(run["result"]), "❔")


def _seconds(seconds: float | None) -> str:
    return "-" if seconds is None else spell_seconds(seconds)


def _name(text: object) -> str:
    """Give a name as code that is neither link nor emphasis: Markdown goes on inside HTML.

    >>> _name("a[b](https://c).py::__d__")
    '<code>a&#91;b](https&#58;//c).py::&#95;&#95;d&#95;&#95;</code>'
    """
    whole = str(text)
    return _MARKUP.sub(lambda found: f"&#{ord(found[0])};", code(whole if len(whole) <= _NAME else f"{whole[:_NAME]}…"))
