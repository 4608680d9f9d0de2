"""CTest's own `Testing/…/Test.xml` (`Site`).

::

    <Site><Testing><StartTestTime>1767225600</StartTestTime>
      <TestList><Test>./cart</Test></TestList>                                        only a list, no result
      <Test Status="failed"><Name>cart</Name><Results>
        <NamedMeasurement type="numeric/double" name="Execution Time"><Value>0.02</Value></NamedMeasurement>
"""

from __future__ import annotations

from collections.abc import Mapping

from cipredict.ingest.formats.interface import Findings
from cipredict.ingest.formats.json_values import epoch
from cipredict.ingest.spellings import parse_seconds
from cipredict.records import CaseRun, Verdict

_VERDICTS = {"passed": Verdict.PASSED, "failed": Verdict.FAILED, "notrun": Verdict.SKIPPED}
_LONGEST_TEXT = 4096


class CTestTarget:
    """Gives each test by its name alone, as CTest's JUnit output does."""

    def __init__(self, findings: Findings) -> None:
        self.finished: list[CaseRun] = []
        self._findings = findings
        self._status: str | None = None
        self._name = self._measurement = self._text = ""
        self._seconds: float | None = None

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """Open a test or a measurement."""
        self._text = ""
        if tag == "Test" and "Status" in attributes:
            self._status, self._name, self._seconds = attributes["Status"], "", None
        elif tag in {"NamedMeasurement", "Measurement"}:
            self._measurement = attributes.get("name", "")

    def data(self, text: str) -> None:
        """Collect a short text: output is dropped."""
        if len(self._text) < _LONGEST_TEXT:
            self._text += text

    def end(self, tag: str) -> None:
        """Take in a value, or finish a test."""
        if tag == "StartTestTime":
            self._findings.note_start(epoch(_whole_number(self._text)))
        elif self._status is None:
            return
        elif tag == "Name":
            self._name = self._text.strip()
        elif tag == "Value" and self._measurement == "Execution Time":
            self._seconds = parse_seconds(self._text.strip())
        elif tag == "Test":
            self._finish(self._status.lower())
            self._status = None

    def close(self) -> None:
        """Leave the open test."""

    def _finish(self, status: str) -> None:
        verdict = _VERDICTS.get(status)
        self.finished += self._findings.case(self._name, verdict, self._seconds)


def _whole_number(text: str) -> float | None:
    """Give the number, None where there is none."""
    return float(text) if text.strip().isdecimal() and len(text) < 20 else None
