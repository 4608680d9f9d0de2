"""CTRF, the Common Test Report Format; durations in ms.

::

    {"reportFormat": "CTRF", "results": {"tool": {"name": "jest"}, "summary": {"start": 1767225600500}, "tests": [
      {"name": "cart total", "status": "passed", "duration": 12, "filePath": "src/cart.test.js",
       "suite": ["cart.test.js", "cart"], "flaky": true, "retries": 1, "retryAttempts": [{"status": "failed"}]}]}}

Any tool writes it, and the id is the one that the tool's own formats give, as far as the report allows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from posixpath import basename

from cipredict.ingest.formats.interface import Findings, Json, join_id
from cipredict.ingest.formats.json_values import as_object, count, epoch, name, objects, seconds, texts
from cipredict.ingest.formats.playwright import playwright_title
from cipredict.records import CaseRun, Verdict

_VERDICTS = {
    "passed": Verdict.PASSED,
    "failed": Verdict.FAILED,
    "skipped": Verdict.SKIPPED,
    "pending": Verdict.SKIPPED,
    "other": Verdict.SKIPPED,
}
"""`other` is what a tool says of a test that it did not judge, such as jest's `todo`; `rawStatus` may know better."""

_RAW_VERDICTS = {"error": Verdict.ERROR, "broken": Verdict.ERROR, "timedout": Verdict.FAILED}
_NODE_ID = re.compile(r"^[^:]+\.py::")


def is_ctrf(document: object) -> bool:
    """Tell by the name of the format, or, before it had one, by `results` with tests and a tool."""
    found = as_object(document)
    results = as_object(found.get("results"))
    return found.get("reportFormat") == "CTRF" or (isinstance(results.get("tests"), list) and "tool" in results)


def decode_ctrf(document: object, findings: Findings) -> Iterator[CaseRun]:
    """Give the tests."""
    results = as_object(as_object(document).get("results"))
    tool = name(as_object(results.get("tool")).get("name"))
    findings.dialect = f"CTRF {tool}".strip()
    findings.note_start(epoch(as_object(results.get("summary")).get("start"), units_per_second=1e3))
    for test in objects(results.get("tests")):
        yield from _case(test, tool.lower(), findings)


def _case(test: Json, tool: str, findings: Findings) -> list[CaseRun]:
    status = name(test.get("status"))
    verdict = _VERDICTS.get(status)
    if status in {"failed", "other"}:
        verdict = _RAW_VERDICTS.get(name(test.get("rawStatus")).lower(), verdict)
    tries = [_VERDICTS.get(name(attempt.get("status"))) for attempt in objects(test.get("retryAttempts"))]
    is_flaky = verdict is Verdict.PASSED and (test.get("flaky") is True or Verdict.FAILED in tries)
    attempts = max(1 + count(test.get("retries")), len(tries), 1 + is_flaky)
    took = seconds(test.get("duration"), units_per_second=1e3)
    return findings.case(_id(test, tool, findings), verdict, took, attempts=attempts, is_flaky=is_flaky)


def _id(test: Json, tool: str, findings: Findings) -> str:
    title = name(test.get("name"))
    if not title:
        return ""
    if tool == "cipredict" or _NODE_ID.match(title):
        return title
    path = findings.path(name(test.get("filePath")) or name(test.get("file_path")))
    above, below = _split_suite(test.get("suite"), path)
    if tool == "jest":
        title = title if title.startswith(" ".join(below)) else " ".join([*below, title])
    elif tool == "vitest":
        title = " > ".join([*below, title])
    elif tool == "playwright":
        title = playwright_title(above[0] if above else "", [*below, title])
    else:
        suite = " > ".join([*above, *below])
        return join_id(path, suite if suite != title else "", title)
    return join_id(path, title)


def _split_suite(suite: object, path: str) -> tuple[list[str], list[str]]:
    """Give what a suite, a list or joined by `>`, names above and below the test's file; all is below without it."""
    parts = [name(part) for part in suite.split(" > ")] if isinstance(suite, str) else texts(suite)
    parts = [part for part in parts if part]
    for place, part in enumerate(parts):
        if path and (part == path or path.endswith("/" + part) or part == basename(path)):
            return parts[:place], parts[place + 1 :]
    return [], parts
