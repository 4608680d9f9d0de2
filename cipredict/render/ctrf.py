"""A run as a CTRF report, the Common Test Report Format of https://ctrf.io: JSON, all times in milliseconds.

What the store does not know (messages, traces, single attempts) is left out; what CTRF demands and nobody knows is 0:
the duration of a case that was not measured, start and stop of a run known from its reports only.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from cipredict import __version__
from cipredict.ids import case_file
from cipredict.records import Verdict

Row = Mapping[str, Any]  # Any: a query's columns
_STATUS = {
    Verdict.PASSED: "passed",
    Verdict.FAILED: "failed",
    Verdict.ERROR: "failed",
    Verdict.SKIPPED: "skipped",
}
_STATUSES = ("passed", "failed", "skipped", "pending", "other")
_SOURCE_FILE = re.compile(r"[^:]+\.(py|[cm]?[jt]sx?|rb|php|go|java|kt|cs|cc?|cpp|rs|swift|feature|robot|exs?|dart)")


def render_ctrf(run: Row, cases: Iterable[Row]) -> dict[str, object]:
    """Give the report of one run; a case in several reports (a matrix) is listed once for each."""
    tests = [_test(case) for case in cases]
    stop = run["finished_at"] or run["started_at"]
    key = "/".join(str(run[part]) for part in ("provider", "repository", "run_id", "attempt"))
    document = {
        "reportFormat": "CTRF",
        "specVersion": "1.0.0",
        "reportId": str(uuid5(NAMESPACE_URL, f"cipredict:{key}")),
        "runId": run["run_id"],
        "timestamp": stop.isoformat() if stop else None,
        "generatedBy": f"cipredict {__version__}",
        "results": {
            "tool": {"name": "cipredict", "version": __version__},
            "summary": _summary(run, tests),
            "tests": tests,
            "environment": _environment(run),
        },
    }
    return _known(document)


def _summary(run: Row, tests: list[dict[str, object]]) -> dict[str, object]:
    counts = Counter(test["status"] for test in tests)
    start, stop = _milliseconds(run["started_at"]), _milliseconds(run["finished_at"] or run["started_at"])
    flaky = sum(bool(test.get("flaky")) for test in tests)
    statuses = {status: counts[status] for status in _STATUSES}
    return {"tests": len(tests), **statuses, "flaky": flaky, "start": start, "stop": stop, "duration": stop - start}


def _test(case: Row) -> dict[str, object]:
    *suite, name = _split(case["case_id"])
    verdict, file = Verdict(case["verdict"]), case_file(case["case_id"])
    return _known(
        {
            "name": name,
            "testId": case["case_id"],
            "suite": suite,
            "filePath": file if _SOURCE_FILE.fullmatch(file) else None,
            "status": _STATUS[verdict],
            "rawStatus": verdict.value,
            "duration": round((case["duration_s"] or 0) * 1000),
            "retries": case["attempts"] - 1,
            "flaky": case["is_flaky"] and verdict is Verdict.PASSED,
            "labels": {"job": case["job"]} if case["job"] else {},
            "extra": _known({"peakMemoryBytes": case["peak_memory_bytes"]}),
        }
    )


def _split(case_id: str) -> list[str]:
    """Split at `::`, but not inside the parameters."""
    head, bracket, parameters = case_id.partition("[")
    *suite, name = head.split("::")
    return [*suite, name + bracket + parameters]


def _environment(run: Row) -> dict[str, object]:
    names = {
        "buildId": "run_id",
        "buildName": "workflow",
        "repositoryName": "repository",
        "commit": "sha",
        "branchName": "branch",
    }
    extra = {name: run[name] for name in ("provider", "attempt", "event", "result")}
    return _known({**{name: run[column] for name, column in names.items()}, "extra": _known(extra)})


def _known(facts: Mapping[str, object]) -> dict[str, object]:
    """Leave out what is unknown: CTRF has no null, and an empty suite or label is not allowed."""
    return {name: value for name, value in facts.items() if value not in (None, "", [], {})}


def _milliseconds(at: datetime | None) -> int:
    return round(at.timestamp() * 1000) if at else 0
