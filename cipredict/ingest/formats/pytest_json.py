"""pytest-json-report: one document with the phases of every case.

::

    {"created": 1767225600.5, "root": "/repo", "exitcode": 1,
     "collectors": [{"nodeid": "tests/test_a.py", "outcome": "failed"}],
     "tests": [{"nodeid": "tests/test_a.py::test_b", "outcome": "rerun",
                "setup": {"duration": 0.1, "outcome": "passed"}, "call": {...}, "teardown": {...}}]}

The phases are those of the last attempt. That a subtest failed shows nowhere, so such a case looks passed.
"""

from __future__ import annotations

from collections.abc import Iterator

from cipredict.ingest.formats.interface import Findings, Json
from cipredict.ingest.formats.json_values import as_object, epoch, name, objects, seconds
from cipredict.ingest.formats.pytest_phases import COLLECTION_VERDICTS, PhasedCase
from cipredict.records import CaseRun, Verdict

_PHASES = ("setup", "call", "teardown")
_OUTCOMES = {
    "passed": Verdict.PASSED,
    "xpassed": Verdict.PASSED,
    "rerun": Verdict.PASSED,
    "subtests passed": Verdict.PASSED,
    "failed": Verdict.FAILED,
    "subtests failed": Verdict.FAILED,
    "error": Verdict.ERROR,
    "skipped": Verdict.SKIPPED,
    "xfailed": Verdict.SKIPPED,
}


def is_pytest_json(document: object) -> bool:
    """Tell by `tests` and what only this plugin writes beside it."""
    found = as_object(document)
    return isinstance(found.get("tests"), list) and ("collectors" in found or {"root", "exitcode"} <= found.keys())


def decode_pytest_json(document: object, findings: Findings) -> Iterator[CaseRun]:
    """Give the files that could not be collected, then the cases."""
    report = as_object(document)
    findings.note_start(epoch(report.get("created")))
    for collector in objects(report.get("collectors")):
        verdict = COLLECTION_VERDICTS.get(name(collector.get("outcome")))
        if verdict is not None and name(collector.get("nodeid")):
            yield CaseRun(name(collector.get("nodeid")), verdict, None)
    for test in objects(report.get("tests")):
        yield from _case(test, findings)


def _case(test: Json, findings: Findings) -> list[CaseRun]:
    node_id, outcome = name(test.get("nodeid")), name(test.get("outcome"))
    case = PhasedCase(node_id, _OUTCOMES.get(outcome, Verdict.PASSED), attempts=2 if outcome == "rerun" else 1)
    for when in _PHASES:
        phase = as_object(test.get(when))
        if phase:
            case.add(when, name(phase.get("outcome")), seconds(phase.get("duration")))
    end = case.finish()
    verdict = end.verdict if outcome in _OUTCOMES else None
    return findings.case(node_id, verdict, end.duration_s, attempts=end.attempts, is_flaky=end.is_flaky)
