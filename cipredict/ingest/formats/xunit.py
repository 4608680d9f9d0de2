"""xUnit.net's own XML, version 2 (`assemblies`), which version 3 extends; seconds.

::

    <assemblies><assembly run-date="2026-01-02" run-time="03:04:05"><collection>
      <test name="Shop.CartTests.Total(price: 1)" type="Shop.CartTests" time="0.02" result="Pass"/>
"""

from __future__ import annotations

from collections.abc import Mapping

from cipredict.ingest.formats.dotnet_ids import dotnet_id
from cipredict.ingest.formats.interface import Findings
from cipredict.ingest.spellings import parse_seconds, parse_timestamp
from cipredict.records import CaseRun, Verdict

_VERDICTS = {
    "Pass": Verdict.PASSED,
    "Fail": Verdict.FAILED,
    "Skip": Verdict.SKIPPED,
    "NotRun": Verdict.SKIPPED,
}


class XUnitTarget:
    """Gives each test at its end."""

    def __init__(self, findings: Findings) -> None:
        self.finished: list[CaseRun] = []
        self._findings = findings
        self._test: Mapping[str, str] | None = None

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """Open a test, or note when an assembly began."""
        if tag == "test":
            self._test = attributes
        elif tag == "assembly":
            begin = f"{attributes.get('run-date', '')}T{attributes.get('run-time', '')}"
            self._findings.note_start(parse_timestamp(begin))

    def data(self, text: str) -> None:
        """Drop messages and output."""

    def end(self, tag: str) -> None:
        """Finish a test."""
        if tag == "test" and self._test is not None:
            self._finish(self._test)
            self._test = None

    def close(self) -> None:
        """Leave the open test."""

    def _finish(self, attributes: Mapping[str, str]) -> None:
        name = attributes.get("name", "")
        verdict = _VERDICTS.get(attributes.get("result", ""))
        case_id = dotnet_id(name, attributes.get("type", "")) if name else ""
        self.finished += self._findings.case(case_id, verdict, parse_seconds(attributes.get("time", "")))
