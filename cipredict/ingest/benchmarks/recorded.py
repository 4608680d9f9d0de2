"""A benchmark run as the body of an event, and back: what a CI job remembers of its measurements."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from cipredict.records import BenchmarkRecord, BenchmarkRun

EVENT_KIND = "benchmarks"


def to_body(run: BenchmarkRun, *, side: str) -> dict[str, object]:
    """Give the body of an event; `side` is head or base, of the same job."""
    return {
        "job": run.job,
        "side": side,
        "sha": run.sha,
        "benchmarks": [
            {**record._asdict(), "processes": [list(process) for process in record.processes]} for record in run.records
        ],
    }


def from_body(body: Mapping[str, object], *, at: datetime) -> tuple[str, BenchmarkRun] | str:
    """Give side and run, or why the body is none."""
    entries = body.get("benchmarks")
    if not isinstance(entries, list):
        return "holds no benchmarks"
    try:
        records = tuple(
            BenchmarkRecord(
                str(entry["benchmark"]),
                tuple(tuple(map(float, process)) for process in entry["processes"]),
                str(entry["metric"]),
                str(entry["unit"]),
                higher_is_better=bool(entry["higher_is_better"]),
            )
            for entry in entries
        )
    except (KeyError, TypeError, ValueError) as error:
        return f"is damaged: {error!r}"
    job, sha = str(body.get("job", "")), str(body.get("sha", ""))
    return str(body.get("side", "head")), BenchmarkRun(records, job=job, sha=sha, measured_at=at)
