"""Robot Framework's `output.xml`, of versions 3 to 7.

::

    <robot><suite name="Shop" source="/repo/shop"><suite name="Cart" source="/repo/shop/cart.robot">
      <test name="Is empty">
        <kw name="..."><status status="PASS" .../></kw>                          only the test's own status counts
        <status status="PASS" starttime="20260102 03:04:05.000" endtime="..."/>  or start="2026-01-02T…" elapsed="0.1"
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from cipredict.ingest.formats.interface import Findings, join_id
from cipredict.ingest.spellings import parse_seconds, parse_timestamp
from cipredict.records import CaseRun, Verdict

_VERDICTS = {
    "PASS": Verdict.PASSED,
    "FAIL": Verdict.FAILED,
    "SKIP": Verdict.SKIPPED,
    "NOT RUN": Verdict.SKIPPED,
    "NOT_RUN": Verdict.SKIPPED,
}


class RobotTarget:
    """Gives each test as `file::name`; where no suite names its file, `Suite.Sub::name`."""

    def __init__(self, findings: Findings) -> None:
        self.finished: list[CaseRun] = []
        self._findings = findings
        self._suites: list[tuple[str, str]] = []
        self._test: str | None = None
        self._depth = 0
        self._status: Mapping[str, str] = {}

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """Open a suite or test, or note the test's own status."""
        if self._test is not None:
            self._depth += 1
            if tag == "status" and self._depth == 1:
                self._status = attributes
        elif tag == "test":
            self._test, self._depth, self._status = attributes.get("name", ""), 0, {}
        elif tag == "suite" and "name" in attributes:  # those of the statistics have an id only
            self._suites.append((attributes["name"], attributes.get("source", "")))

    def data(self, text: str) -> None:
        """Drop captured output."""

    def end(self, tag: str) -> None:
        """Finish a test or suite."""
        if self._test is None:
            if tag == "suite" and self._suites:
                self._suites.pop()
        elif self._depth:
            self._depth -= 1
        else:
            self._finish(self._test)
            self._test = None

    def close(self) -> None:
        """Leave the open test: its status comes last."""

    def _finish(self, test: str) -> None:
        verdict = _VERDICTS.get(self._status.get("status", ""))
        begin = parse_timestamp(self._status.get("starttime") or self._status.get("start", ""))
        self._findings.note_start(begin)
        self.finished += self._findings.case(join_id(self._owner(), test), verdict, self._seconds(begin))

    def _owner(self) -> str:
        source = self._suites[-1][1] if self._suites else ""
        return self._findings.path(source) if source else ".".join(name for name, _ in self._suites)

    def _seconds(self, begin: datetime | None) -> float | None:
        if "elapsed" in self._status:
            return parse_seconds(self._status["elapsed"])
        end = parse_timestamp(self._status.get("endtime", ""))
        return parse_seconds(str((end - begin).total_seconds())) if begin and end else None
