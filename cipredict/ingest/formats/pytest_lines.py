"""pytest-reportlog, and `pytest --cipredict-report`, which writes the same kind of lines with memory.

::

    {"$report_type": "SessionStart", "pytest_version": "9.2.0"}
    {"$report_type": "CollectReport", "nodeid": "tests/test_a.py", "outcome": "failed"}
    {"$report_type": "TestReport", "nodeid": "tests/test_a.py::test_b", "when": "call", "outcome": "passed",
     "duration": 0.012, "start": 1767225600.5}
    {"$report_type": "SubTestReport", ...}                       within the call of its case
    {"$report_type": "SessionFinish", "exitstatus": 0}
"""

from __future__ import annotations

from collections.abc import Iterator

from cipredict.ingest.formats.interface import Findings, Json
from cipredict.ingest.formats.json_values import epoch, name, number, seconds
from cipredict.ingest.formats.pytest_phases import COLLECTION_VERDICTS, PhasedCase
from cipredict.records import CaseRun

_PHASES = frozenset({"setup", "call", "teardown"})


def decode_pytest_lines(lines: Iterator[Json], findings: Findings) -> Iterator[CaseRun]:
    """Give each case at its teardown; one without does not count, its outcome may be missing."""
    open_cases: dict[str, PhasedCase] = {}
    has_finished = False
    for line in lines:
        kind = name(line.get("$report_type"))
        if kind == "SessionStart" and "cipredict_version" in line:
            findings.dialect = "cipredict report"
        elif kind == "SessionFinish":
            has_finished = True
        elif kind == "CollectReport":
            yield from _collected(line)
        elif kind == "TestReport":
            yield from _test_report(line, open_cases, findings)
        elif kind in {"SubTestReport", "SubtestReport"} and line.get("outcome") == "failed":
            node_id = name(line.get("nodeid"))
            open_cases.setdefault(node_id, PhasedCase(node_id)).fail(in_body=True)
    if open_cases:
        findings.problems.append(f"{len(open_cases)} cases that did not end, skipped")
    if not has_finished:
        findings.problems.append("the session did not end")


def _test_report(line: Json, open_cases: dict[str, PhasedCase], findings: Findings) -> Iterator[CaseRun]:
    node_id = name(line.get("nodeid"))
    if not node_id:
        findings.unnamed += 1
        return
    findings.note_start(epoch(line.get("start")))
    when = name(line.get("when"))
    case = open_cases.setdefault(node_id, PhasedCase(node_id))
    case.add(when, name(line.get("outcome")), seconds(line.get("duration")))
    _note_memory(case, line)
    if (when == "teardown" and not case.must_rerun) or when not in _PHASES:  # pytest-xdist: `???`, the worker crashed
        yield open_cases.pop(node_id).finish()


def _note_memory(case: PhasedCase, line: Json) -> None:
    """Add up what the phases needed, unless the case measured itself (`record_property`, as in JUnit)."""
    grown = number(line.get("peak_memory_growth_bytes"))
    if grown is not None and grown >= 0:
        case.peak_memory_bytes = (case.peak_memory_bytes or 0) + int(grown)
    properties = line.get("user_properties")
    for pair in properties if isinstance(properties, list) else []:
        if isinstance(pair, list) and len(pair) == 2 and pair[0] == "peak_memory_bytes":
            measured = number(pair[1])
            case.peak_memory_bytes = int(measured) if measured is not None and measured >= 0 else None


def _collected(line: Json) -> Iterator[CaseRun]:
    verdict = COLLECTION_VERDICTS.get(name(line.get("outcome")))
    node_id = name(line.get("nodeid"))
    if verdict is not None and node_id:
        yield CaseRun(node_id, verdict, None)
