"""Visual Studio's TRX (`dotnet test --logger trx`, Microsoft.Testing.Platform).

::

    <TestRun><Times start="2026-01-02T03:04:05Z"/><Results>
        <UnitTestResult testId="1" testName="Total (1)" outcome="Failed" duration="00:00:00.0170545"/></Results>
      <TestDefinitions><UnitTest id="1"><TestMethod className="Shop.CartTests" name="Total"/></UnitTest>

The classes come after the results, so the results wait, a small tuple each, for the end of the report.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from cipredict.ingest.formats.dotnet_ids import dotnet_id
from cipredict.ingest.formats.interface import Findings
from cipredict.ingest.spellings import parse_seconds, parse_timestamp
from cipredict.records import CaseRun, Verdict

_VERDICTS = {
    "Passed": Verdict.PASSED,
    "PassedButRunAborted": Verdict.PASSED,
    "Warning": Verdict.PASSED,
    "Completed": Verdict.PASSED,
    "Failed": Verdict.FAILED,
    "Error": Verdict.ERROR,
    "Timeout": Verdict.ERROR,
    "Aborted": Verdict.ERROR,
    "Disconnected": Verdict.ERROR,
    "InProgress": Verdict.ERROR,
    "NotExecuted": Verdict.SKIPPED,
    "NotRunnable": Verdict.SKIPPED,
    "Inconclusive": Verdict.SKIPPED,
    "Pending": Verdict.SKIPPED,
}
_DURATION = re.compile(r"^(?:(\d{1,4})\.)?(\d{1,2}):(\d{1,2}):(\d{1,2}(?:\.\d{1,9})?)$")


class _Result(NamedTuple):
    test_id: str
    name: str
    verdict: Verdict | None
    duration_s: float | None


class TrxTarget:
    """Gives all results at the end; a result with rows of data inside is given as its rows."""

    def __init__(self, findings: Findings) -> None:
        self.finished: list[CaseRun] = []
        self._findings = findings
        self._open: list[tuple[Mapping[str, str], int]] = []
        self._results: list[_Result] = []
        self._classes: dict[str, str] = {}
        self._definition = ""

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """Open a result, or note what a definition says."""
        if tag == "UnitTestResult":
            self._open.append((attributes, len(self._results)))
        elif tag == "UnitTest":
            self._definition = attributes.get("id", "")
        elif tag == "TestMethod" and attributes.get("className"):  # old ones go on: `Shop.CartTests, Shop, Version=…`
            self._classes[self._definition] = attributes["className"].partition(",")[0]
        elif tag == "Times":
            self._findings.note_start(parse_timestamp(attributes.get("start", "")))

    def data(self, text: str) -> None:
        """Drop messages and output."""

    def end(self, tag: str) -> None:
        """Keep a result until the definitions are known."""
        if tag == "UnitTestResult" and self._open:
            attributes, results_before = self._open.pop()
            if len(self._results) == results_before:
                self._keep(attributes)

    def close(self) -> None:
        """Give all results, with the classes that were met."""
        for result in self._results:
            case_id = dotnet_id(result.name, self._classes.get(result.test_id, "")) if result.name else ""
            self.finished += self._findings.case(case_id, result.verdict, result.duration_s)
        self._results = []

    def _keep(self, attributes: Mapping[str, str]) -> None:
        verdict = _VERDICTS.get(attributes.get("outcome", "Passed"))  # a schema default that loggers leave out
        took = _seconds(attributes.get("duration", ""))
        self._results.append(_Result(attributes.get("testId", ""), attributes.get("testName", ""), verdict, took))


def _seconds(text: str) -> float | None:
    found = _DURATION.match(text)
    if found is None:
        return None
    days, hours, minutes, rest = found.groups(default="0")
    return parse_seconds(str(((int(days) * 24 + int(hours)) * 60 + int(minutes)) * 60 + float(rest)))
