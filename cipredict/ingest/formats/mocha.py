"""`mocha --reporter json`; durations in ms.

::

    {"stats": {"start": "2026-01-02T03:04:05.000Z"},
     "tests": [{"fullTitle": "cart total", "file": "/repo/test/cart.js", "duration": 3, "currentRetry": 0, "err": {}}],
     "pending": [...], "failures": [...], "passes": [...]}

`tests` has every test once, with its last attempt; a hook that failed is only in `failures`.
"""

from __future__ import annotations

from collections.abc import Iterator

from cipredict.ingest.formats.interface import Findings, Json, join_id
from cipredict.ingest.formats.json_values import as_object, count, name, objects, seconds
from cipredict.ingest.spellings import parse_timestamp
from cipredict.records import CaseRun, Verdict


def is_mocha(document: object) -> bool:
    """Tell by the lists of outcomes beside the statistics."""
    found = as_object(document)
    return "stats" in found and isinstance(found.get("tests"), list) and isinstance(found.get("failures"), list)


def decode_mocha(document: object, findings: Findings) -> Iterator[CaseRun]:
    """Give the tests, then the hooks that failed."""
    report = as_object(document)
    findings.note_start(parse_timestamp(name(as_object(report.get("stats")).get("start"))))
    pending = {_id(test, findings) for test in objects(report.get("pending"))}
    failed = {_id(test, findings) for test in objects(report.get("failures"))}
    for test in objects(report.get("tests")):
        case_id = _id(test, findings)
        failed.discard(case_id)
        yield from _case(test, case_id, findings, is_pending=case_id in pending)
    for case_id in sorted(failed - {""}):
        yield CaseRun(case_id, Verdict.ERROR, None)


def _id(test: Json, findings: Findings) -> str:
    title = name(test.get("fullTitle"))
    path = findings.path(name(test.get("file")))
    return join_id(path, title)


def _case(test: Json, case_id: str, findings: Findings, *, is_pending: bool) -> list[CaseRun]:
    verdict = Verdict.FAILED if as_object(test.get("err")) else Verdict.SKIPPED if is_pending else Verdict.PASSED
    attempts = 1 + count(test.get("currentRetry"))
    is_flaky = attempts > 1 and verdict is Verdict.PASSED
    took = seconds(test.get("duration"), units_per_second=1e3)
    return findings.case(case_id, verdict, took, attempts=attempts, is_flaky=is_flaky)
