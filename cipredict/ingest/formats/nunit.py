"""NUnit's own XML: version 3 (`test-run`, with shapes of its loggers) and version 2 (`test-results`).

::

    <test-run start-time="2026-01-02 03:04:05Z"><test-suite type="TestFixture" ...>
      <test-case name="Total(1)" fullname="Shop.CartTests.Total(1)" result="Failed" label="Error" duration="0.02"/>
    <test-results date="2026-01-02" time="03:04:05"><test-suite><results>
      <test-case name="Shop.CartTests.Total(1)" executed="True" result="Success" time="0.02"/>

`classname` is not used: loggers of `dotnet test` write it without the namespace.
"""

from __future__ import annotations

from collections.abc import Mapping

from cipredict.ingest.formats.dotnet_ids import dotnet_id
from cipredict.ingest.formats.interface import Findings
from cipredict.ingest.spellings import parse_seconds, parse_timestamp
from cipredict.records import CaseRun, Verdict

_VERDICTS = {
    "passed": Verdict.PASSED,
    "warning": Verdict.PASSED,
    "success": Verdict.PASSED,
    "failed": Verdict.FAILED,
    "failure": Verdict.FAILED,
    "error": Verdict.ERROR,
    "cancelled": Verdict.ERROR,
    "notrunnable": Verdict.ERROR,
    "invalid": Verdict.ERROR,
    "skipped": Verdict.SKIPPED,
    "ignored": Verdict.SKIPPED,
    "inconclusive": Verdict.SKIPPED,
}


class NUnitTarget:
    """Gives each test case at its end, so that the one where a report breaks off does not count."""

    def __init__(self, findings: Findings) -> None:
        self.finished: list[CaseRun] = []
        self._findings = findings
        self._case: Mapping[str, str] | None = None

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """Open a case, or note when the run began."""
        if tag == "test-case":
            self._case = attributes
        elif tag == "test-run":
            self._findings.note_start(parse_timestamp(attributes.get("start-time", "")))
        elif tag == "test-results":
            self._findings.note_start(parse_timestamp(f"{attributes.get('date', '')}T{attributes.get('time', '')}"))

    def data(self, text: str) -> None:
        """Drop messages and output."""

    def end(self, tag: str) -> None:
        """Finish a case."""
        if tag == "test-case" and self._case is not None:
            self._finish(self._case)
            self._case = None

    def close(self) -> None:
        """Leave the open case."""

    def _finish(self, attributes: Mapping[str, str]) -> None:
        case_id = _id(attributes)
        verdict = _VERDICTS.get(attributes.get("result", "").lower())
        if verdict is Verdict.FAILED:  # the label tells an exception, a time-out or a case that cannot run
            label = _VERDICTS.get(attributes.get("label", "").lower())
            verdict = label if label is Verdict.ERROR else verdict
        took = parse_seconds(attributes.get("duration") or attributes.get("time", ""))
        self.finished += self._findings.case(case_id, verdict, took)


def _id(attributes: Mapping[str, str]) -> str:
    """Cut the case's own name off its full name: only then may the fixture's arguments hold dots."""
    name, full_name = attributes.get("name", ""), attributes.get("fullname", "")
    owner = full_name.removesuffix("." + name)
    return dotnet_id(name, owner) if owner != full_name else dotnet_id(full_name or name)
