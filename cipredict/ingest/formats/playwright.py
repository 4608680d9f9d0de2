"""`playwright test --reporter=json`; durations in ms.

::

    {"config": {"rootDir": "/repo/e2e"}, "stats": {"startTime": "..."}, "errors": [{"location": {"file": "..."}}],
     "suites": [{"title": "cart.spec.ts", "file": "cart.spec.ts", "specs": [...], "suites": [
       {"title": "Cart", "specs": [{"title": "pays", "tests": [
         {"projectName": "webkit", "status": "flaky", "results": [{"status": "failed", "duration": 900}, ...]}]}]}]}]}

A test is listed once per project, which is usually a browser, with every attempt.
"""

from __future__ import annotations

from collections.abc import Iterator

from cipredict.ingest.formats.interface import Findings, Json, join_id
from cipredict.ingest.formats.json_values import as_object, name, objects, seconds
from cipredict.ingest.spellings import parse_timestamp
from cipredict.records import CaseRun, Verdict

_VERDICTS = {
    "expected": Verdict.PASSED,
    "flaky": Verdict.PASSED,
    "unexpected": Verdict.FAILED,
    "skipped": Verdict.SKIPPED,
}


def is_playwright(document: object) -> bool:
    """Tell by the suites and the configuration."""
    found = as_object(document)
    return isinstance(found.get("suites"), list) and isinstance(found.get("config"), dict)


def decode_playwright(document: object, findings: Findings) -> Iterator[CaseRun]:
    """Give the tests as `file::[project] title`, titles joined, and the files that did not load."""
    report = as_object(document)
    findings.note_start(parse_timestamp(name(as_object(report.get("stats")).get("startTime"))))
    root = name(as_object(report.get("config")).get("rootDir"))
    for error in objects(report.get("errors")):
        path = name(as_object(error.get("location")).get("file"))
        if path:  # absolute, unlike that of a suite
            yield CaseRun(findings.path(path.removeprefix(f"{root}/")), Verdict.ERROR, None)
        else:
            findings.problems.append("an error outside of tests")
    for path, titles, spec in _specs(report):
        for test in objects(spec.get("tests")):
            yield from _case(_id(findings.path(path), titles, test), test, findings)


def _specs(report: Json) -> Iterator[tuple[str, list[str], Json]]:
    """Give every spec with its file and its titles, outermost first; the suite of the file is no title."""
    waiting: list[tuple[str, list[str], Json]] = [
        (name(suite.get("file")), [], suite) for suite in reversed(list(objects(report.get("suites"))))
    ]
    while waiting:
        path, titles, suite = waiting.pop()
        for spec in objects(suite.get("specs")):
            yield path, [*titles, name(spec.get("title"))], spec
        waiting.extend(
            (path, [*titles, name(inner.get("title"))], inner) for inner in reversed(list(objects(suite.get("suites"))))
        )


def _id(path: str, titles: list[str], test: Json) -> str:
    if not titles[-1]:
        return ""
    return join_id(path, playwright_title(name(test.get("projectName")), titles))


def playwright_title(project: str, titles: list[str]) -> str:
    """Join a test's titles as Playwright itself prints them."""
    title = " \N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK} ".join(titles)
    return f"[{project}] {title}" if project else title


def _case(case_id: str, test: Json, findings: Findings) -> list[CaseRun]:
    status = name(test.get("status"))
    results = list(objects(test.get("results")))
    took = seconds(results[-1].get("duration"), units_per_second=1e3) if results else None
    attempts = max(1, len(results))
    return findings.case(case_id, _VERDICTS.get(status), took, attempts=attempts, is_flaky=status == "flaky")
