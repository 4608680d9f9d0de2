"""The target of the JUnit parser: start and end tags in, finished cases in a ledger out.

The shape of a report, where any level may be missing and suites nest::

    <testsuites name>
      <testsuite name file hostname timestamp>
        <testcase classname name file time status>
          <failure/> | <error/> | <skipped/> | <flakyFailure/> | <rerunFailure/>
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from cipredict.ingest.attempts import CaseLedger, merge_attempts, merge_pytest_attempts
from cipredict.ingest.dialects import MOCHA_TESTS, Dialect, Suite, detect_dialect, identify
from cipredict.ingest.spellings import LONGEST_CASE_S, parse_seconds, parse_timestamp
from cipredict.records import CaseRun, Verdict

_new_tuple = tuple.__new__  # half the price of the named tuple's own constructor
_PASSED = Verdict.PASSED
_SEVERITY = {Verdict.PASSED: 0, Verdict.SKIPPED: 1, Verdict.FAILED: 2, Verdict.ERROR: 3}
_OUTCOMES = {"skipped": Verdict.SKIPPED, "failure": Verdict.FAILED, "error": Verdict.ERROR}
_RETRIES = frozenset({"flakyFailure", "flakyError", "rerunFailure", "rerunError"})
"""Surefire: an earlier attempt, inside the case that finally passed (flaky…) or failed (rerun…)."""

_STATUSES = {
    "disabled": Verdict.SKIPPED,
    "notrun": Verdict.SKIPPED,
    "skipped": Verdict.SKIPPED,
    "ignored": Verdict.SKIPPED,
    "untested": Verdict.SKIPPED,
    "fail": Verdict.FAILED,
    "failed": Verdict.FAILED,
    "failure": Verdict.FAILED,
    "error": Verdict.ERROR,
    "errored": Verdict.ERROR,
}
"""The attribute of CTest, GoogleTest, tst and behave; it counts where no child says the outcome."""

_REMEMBERED_CLASSES = 16_384
_SCHEMA_LOCATION = "{http://www.w3.org/2001/XMLSchema-instance}noNamespaceSchemaLocation"


class JUnitEvents:
    """Receives lxml's parse events and adds each case to `ledger` as it ends.

    A plain class with plain counters: `start` and `end` run for every tag of every report.
    """

    def __init__(self, known_files: frozenset[str]) -> None:
        self.ledger = CaseLedger()
        self.root = ""
        self.dialect: Dialect | None = None
        self.started_at: datetime | None = None
        self.entries = 0
        self.unnamed = 0
        self.untimed = 0
        self.implausible_times = 0
        self._known_files = known_files
        self._suites = [Suite()]
        self._suite = self._suites[0]
        self._cases = self.ledger.suite
        self._prefixes: dict[str | None, str] = {}
        self._case: Mapping[str, str] | None = None
        self._has_children = False
        self._verdict = _PASSED
        self._retries = 0
        self._peak_memory_bytes: int | None = None

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """Open a case or suite, or note what a child says about the open case."""
        if tag == "testcase":
            if self._case is not None:  # broken markup: its end tag is missing
                self._finish_case(self._case)
            self._case = attributes
            self.root = self.root or tag
        elif tag[0] == "{":
            self.start(tag.partition("}")[2], attributes)
        elif self._case is not None:
            self._note_child(tag, attributes)
        elif tag == "testsuite":
            self._open_suite(attributes)
        elif not self.root:
            self.root = tag
            self._suite.root_name = attributes.get("name", "")

    def end(self, tag: str) -> None:
        """Finish a case or suite."""
        if tag == "testcase":
            if self._case is not None:
                self._finish_case(self._case)
        elif tag[0] == "{":
            self.end(tag.partition("}")[2])
        elif tag == "testsuite" and len(self._suites) > 1:
            self._finish_suite()
            self._suites.pop()
            self._suite = self._suites[-1]

    def close(self) -> None:
        """Finish what a truncated report left open, but not the open case: its outcome may have been cut off."""
        self._finish_suite()

    def _open_suite(self, attributes: Mapping[str, str]) -> None:
        self._finish_suite()
        self.root = self.root or "testsuite"
        self._suite = Suite(
            name=attributes.get("name", ""),
            file=attributes.get("file", "") or self._suite.file,
            hostname=attributes.get("hostname", ""),
            root_name=self._suites[0].root_name,
            is_surefire="surefire" in attributes.get(_SCHEMA_LOCATION, ""),
        )
        self._suites.append(self._suite)
        if self._suite.name == "Root Suite" and self._suite.root_name == MOCHA_TESTS:
            self._suites[0].file = self._suite.file  # mocha-junit-reporter names the file once, for those that follow
        moment = parse_timestamp(attributes.get("timestamp", ""))
        if moment is not None and (self.started_at is None or moment < self.started_at):
            self.started_at = moment

    def _finish_suite(self) -> None:
        self._prefixes.clear()
        self.ledger.finish_suite(has_go_subtests=self._suite.dialect is Dialect.GOTESTSUM)

    def _note_child(self, tag: str, attributes: Mapping[str, str]) -> None:
        self._has_children = True
        outcome = _OUTCOMES.get(tag)
        if outcome is not None:
            if _SEVERITY[outcome] > _SEVERITY[self._verdict]:
                self._verdict = outcome
        elif tag in _RETRIES:
            self._retries += 1
        elif tag == "property" and attributes.get("name") == "peak_memory_bytes":
            self._peak_memory_bytes = _parse_bytes(attributes.get("value", ""))

    def _finish_case(self, attributes: Mapping[str, str]) -> None:
        """Add the case. Runs once per case of every report, so the common case, a bare tag, takes the short way."""
        self._case = None
        self.entries += 1
        suite = self._suite
        if suite.dialect is None:
            self._meet(suite, attributes)
        prefix, name = self._prefixes.get(attributes.get("classname")), attributes.get("name")
        case_id = prefix + name if prefix and name else self._identify(suite, attributes)
        try:
            seconds: float | None = float(attributes["time"])
        except (KeyError, ValueError):
            seconds = self._odd_seconds(attributes)
        else:
            if not 0.0 <= seconds <= LONGEST_CASE_S:  # type: ignore[operator]  # float() gave it
                seconds = self._odd_seconds(attributes)
        if self._has_children or "status" in attributes:
            case = self._take_outcome(case_id, seconds, attributes.get("status", ""))
        else:
            case = _new_tuple(CaseRun, (case_id, _PASSED, seconds, 1, False, None))
        cases = self._cases
        if case_id in cases:
            case = (merge_pytest_attempts if suite.is_pytest else merge_attempts)(cases[case_id], case)
        if case_id:
            cases[case_id] = case

    def _identify(self, suite: Suite, attributes: Mapping[str, str]) -> str:
        """Name a case, and remember what xunit2 puts before the names of a class."""
        case_id = identify(suite, attributes, self._known_files)
        if not case_id:
            self.unnamed += 1
        elif suite.dialect is Dialect.PYTEST_XUNIT2 and attributes.get("classname"):
            if len(self._prefixes) > _REMEMBERED_CLASSES:
                self._prefixes.clear()
            self._prefixes[attributes["classname"]] = case_id.removesuffix(attributes["name"])
        return case_id

    def _take_outcome(self, case_id: str, seconds: float | None, status: str) -> CaseRun:
        """Build the case from what its children and its status said, and forget it for the next one."""
        verdict = self._verdict
        if verdict is _PASSED and status:
            verdict = _STATUSES.get(status.lower(), _PASSED)
        is_flaky = self._retries > 0 and verdict is _PASSED
        case = CaseRun(case_id, verdict, seconds, 1 + self._retries, is_flaky, self._peak_memory_bytes)
        self._has_children = False
        self._verdict, self._retries, self._peak_memory_bytes = _PASSED, 0, None
        return case

    def _meet(self, suite: Suite, attributes: Mapping[str, str]) -> None:
        """Settle a suite's dialect at its first case."""
        suite.dialect = detect_dialect(suite, attributes, self._known_files)
        suite.is_pytest = suite.dialect in {Dialect.PYTEST_XUNIT1, Dialect.PYTEST_XUNIT2}
        self.dialect = self.dialect or suite.dialect

    def _odd_seconds(self, attributes: Mapping[str, str]) -> float | None:
        text = attributes.get("time")
        seconds = None if text is None else parse_seconds(text)
        if text is None:
            self.untimed += 1
        elif seconds is None:
            self.implausible_times += 1
        return seconds


def _parse_bytes(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) < 20 else None
