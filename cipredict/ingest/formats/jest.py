"""`jest --json`, and `vitest --reporter=json`, which writes the same shape; durations in ms.

::

    {"numTotalTests": 2, "startTime": 1767225600500, "testResults": [
      {"name": "/repo/src/cart.test.js", "status": "failed", "message": "", "assertionResults": [
        {"ancestorTitles": ["cart"], "title": "total", "fullName": "cart total", "status": "passed",
         "duration": 12, "invocations": 2}]}]}

Retries show here, not in JUnit: as `invocations` in jest, as messages of a test that passed in vitest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from cipredict.ingest.formats.interface import Findings, Json, join_id
from cipredict.ingest.formats.json_values import as_object, count, epoch, name, objects, seconds, texts
from cipredict.records import CaseRun, Verdict

_VERDICTS = {
    "passed": Verdict.PASSED,
    "failed": Verdict.FAILED,
    "pending": Verdict.SKIPPED,
    "skipped": Verdict.SKIPPED,
    "todo": Verdict.SKIPPED,
    "disabled": Verdict.SKIPPED,
}
_Title = Callable[[Json], str]


def is_jest(document: object) -> bool:
    """Tell by the list of files that both write."""
    return isinstance(as_object(document).get("testResults"), list)


def is_vitest(document: object) -> bool:
    """Tell vitest by what jest also counts."""
    return is_jest(document) and "numRuntimeErrorTestSuites" not in as_object(document)


def decode_jest(document: object, findings: Findings) -> Iterator[CaseRun]:
    """Give the cases as `file::full name`."""
    return _decode(document, findings, _full_name)


def decode_vitest(document: object, findings: Findings) -> Iterator[CaseRun]:
    """Give the cases as `file::outer > inner`."""
    return _decode(document, findings, _path_of_titles)


def _full_name(result: Json) -> str:
    return name(result.get("fullName")) or " ".join([*texts(result.get("ancestorTitles")), name(result.get("title"))])


def _path_of_titles(result: Json) -> str:
    return " > ".join([*texts(result.get("ancestorTitles")), name(result.get("title"))])


def _decode(document: object, findings: Findings, title: _Title) -> Iterator[CaseRun]:
    report = as_object(document)
    findings.note_start(epoch(report.get("startTime"), units_per_second=1e3))
    for file in objects(report.get("testResults")):
        path = findings.path(name(file.get("name")))
        has_cases = False
        for result in objects(file.get("assertionResults")):
            has_cases = True
            yield from _case(join_id(path, title(result)), result, findings)
        if not has_cases and file.get("status") == "failed" and path:  # it did not load
            yield CaseRun(path, Verdict.ERROR, None)


def _case(case_id: str, result: Json, findings: Findings) -> list[CaseRun]:
    verdict = _VERDICTS.get(name(result.get("status")))
    attempts = _attempts(result, verdict)
    is_flaky = attempts > 1 and verdict is Verdict.PASSED
    took = seconds(result.get("duration"), units_per_second=1e3)
    return findings.case(case_id, verdict, took, attempts=attempts, is_flaky=is_flaky)


def _attempts(result: Json, verdict: Verdict | None) -> int:
    messages = result.get("failureMessages")
    if verdict is Verdict.PASSED and isinstance(messages, list) and messages:
        return 1 + len(messages)
    return max(1, count(result.get("invocations")))
