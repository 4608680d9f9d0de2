"""The target of the JUnit parser: start and end tags in, finished cases in a ledger out.

The shape of a report, where any level may be missing and suites nest::

    <testsuites name>
      <testsuite name file hostname timestamp>
        <testcase classname name file time status>
          <failure/> | <error/> | <skipped/> | <flakyFailure/> | <rerunFailure/>
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import repeat
from typing import NamedTuple

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

_PREFIXING = frozenset({Dialect.PYTEST_XUNIT1, Dialect.PYTEST_XUNIT2, Dialect.SUREFIRE, Dialect.GENERIC})
"""Dialects whose ids are a prefix, the same for a class in a file, and the name."""

_NO_PREFIX: tuple[str, object, str | None] = ("", object(), None)
"""Fits no class."""

_SCHEMA_LOCATION = "{http://www.w3.org/2001/XMLSchema-instance}noNamespaceSchemaLocation"


class _Outcome(NamedTuple):
    """What the children of a case said about it."""

    verdict: Verdict = _PASSED
    retries: int = 0
    peak_memory_bytes: int | None = None


_ONES, _FALSES, _NONES = repeat(1), repeat(object=False), repeat(None)
_SILENT = _Outcome()


class JUnitEvents:
    """Receives lxml's parse events; `settle` turns the cases that have ended into rows of the `ledger`.

    `start` and `end` run for every tag of every report, so they only remember: the attributes of a case and, for the
    few that have children, an outcome. The rest is done for many cases at a time, in one loop.
    """

    def __init__(self, known_files: frozenset[str]) -> None:
        self.ledger = CaseLedger()
        self.root = ""
        self.dialect: Dialect | None = None
        self.started_at: datetime | None = None
        self.ended_at: datetime | None = None
        self.entries = 0
        self.unnamed = 0
        self.untimed = 0
        self.implausible_times = 0
        self._known_files = known_files
        self._suites = [Suite()]
        self._suite = self._suites[0]
        self._pending: list[Mapping[str, str]] = []
        self._outcomes: dict[int, _Outcome] = {}
        self._in_case = False

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """Open a case or suite, or note what a child says about the open case."""
        if tag == "testcase":  # where one is open, the markup is broken: its end tag is missing
            self._pending.append(attributes)
            self._in_case = True
        elif tag[0] == "{":
            self.start(tag.rpartition("}")[2], attributes)  # a namespace may hold braces itself
        elif self._in_case:
            self._note_child(tag, attributes)
        elif tag == "testsuite":
            self._open_suite(attributes)
        elif not self.root and not self._pending:
            self.root = tag
            self._suite.root_name = attributes.get("name", "")

    def end(self, tag: str) -> None:
        """Finish a case or suite."""
        if tag == "testcase":
            self._in_case = False
        elif tag[0] == "{":
            self.end(tag.rpartition("}")[2])
        elif tag == "testsuite" and len(self._suites) > 1:
            self._finish_suite()
            self._suites.pop()
            self._suite = self._suites[-1]

    def close(self) -> None:
        """Finish what a truncated report left open, but not the open case: its outcome may have been cut off."""
        self._finish_suite()

    def settle(self) -> None:
        """Add the cases that have ended to the ledger; the open one waits for its end."""
        pending, outcomes = self._pending, self._outcomes
        self._pending, self._outcomes = [], {}
        if pending:
            self.root = self.root or "testcase"
        if self._in_case:
            self._pending.append(pending.pop())
            if len(pending) in outcomes:
                self._outcomes[0] = outcomes.pop(len(pending))
        if pending:
            self.entries += len(pending)
            self._add_cases(pending, outcomes)

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
        self._note_times(attributes)

    def _note_times(self, attributes: Mapping[str, str]) -> None:
        moment = parse_timestamp(attributes["timestamp"]) if "timestamp" in attributes else None
        if moment is None:
            return
        self.started_at = min(moment, self.started_at or moment)
        if seconds := parse_seconds(attributes.get("time", "")):
            with suppress(OverflowError):  # in the year 9999
                end = moment + timedelta(seconds=seconds)
                self.ended_at = max(end, self.ended_at or end)

    def _finish_suite(self) -> None:
        self.settle()
        if self.ledger.suite:
            self.ledger.finish_suite(has_go_subtests=self._suite.dialect is Dialect.GOTESTSUM)

    def _note_child(self, tag: str, attributes: Mapping[str, str]) -> None:
        said = self._outcomes.get(len(self._pending) - 1, _SILENT)
        verdict = _OUTCOMES.get(tag)
        if verdict is not None and _SEVERITY[verdict] > _SEVERITY[said.verdict]:
            said = said._replace(verdict=verdict)
        elif tag in _RETRIES:
            said = said._replace(retries=said.retries + 1)
        elif tag == "property" and attributes.get("name") == "peak_memory_bytes":
            said = said._replace(peak_memory_bytes=_parse_bytes(attributes.get("value", "")))
        else:
            return
        self._outcomes[len(self._pending) - 1] = said

    def _add_cases(self, pending: list[Mapping[str, str]], outcomes: Mapping[int, _Outcome]) -> None:
        """Add cases of the suite, column by column: most passed, and most of the work is done for all of them in C."""
        suite = self._suite
        if suite.dialect is None:
            self._meet(suite, pending[0])
        case_ids = self._case_ids(suite, pending)
        seconds = self._seconds(pending)
        columns = zip(case_ids, repeat(_PASSED), seconds, _ONES, _FALSES, _NONES)  # constants are endless
        cases = list(map(_new_tuple, repeat(CaseRun), columns))
        judged = {*outcomes, *[index for index, attributes in enumerate(pending) if "status" in attributes]}
        for index in judged:
            status = pending[index].get("status", "")
            cases[index] = _judged(cases[index], outcomes.get(index, _SILENT), status)
        self.ledger.add(case_ids, cases, merge=merge_pytest_attempts if suite.is_pytest else merge_attempts)

    def _case_ids(self, suite: Suite, pending: list[Mapping[str, str]]) -> list[str]:
        """Name cases; empty where the report does not. Neighbours mostly share what stands before their names."""
        is_pytest, known_files = suite.is_pytest, self._known_files
        prefix, of_class, of_file = _NO_PREFIX
        case_ids = []
        for attributes in pending:
            get = attributes.get
            name = get("name")
            if (
                name
                and get("classname") == of_class
                and get("file") == of_file
                and (is_pytest or _is_plain(name, prefix))
            ):
                case_ids.append(prefix + name)
            else:
                case_id = identify(suite, attributes, known_files)
                prefix, of_class, of_file = _common_prefix(suite, attributes, case_id)
                self.unnamed += not case_id
                case_ids.append(case_id)
        return case_ids

    def _seconds(self, pending: list[Mapping[str, str]]) -> list[float | None]:
        """Give the seconds of cases, None where they are missing or cannot be."""
        try:
            seconds: list[float | None] = [float(attributes["time"]) for attributes in pending]
        except (KeyError, ValueError):
            return [self._odd_seconds(attributes) for attributes in pending]
        if min(seconds) >= 0.0 and sum(seconds) <= LONGEST_CASE_S:  # type: ignore[type-var,arg-type,operator]  # all are floats
            return seconds  # each is within the limit; one that is no number fails the sum
        return [self._odd_seconds(attributes) for attributes in pending]

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


def _judged(case: CaseRun, said: _Outcome, status: str) -> CaseRun:
    """Give a case the outcome that its children and its status said."""
    verdict = said.verdict
    if verdict is _PASSED and status:
        verdict = _STATUSES.get(status.lower(), _PASSED)
    is_flaky = said.retries > 0 and verdict is _PASSED
    return CaseRun(case.case_id, verdict, case.duration_s, 1 + said.retries, is_flaky, said.peak_memory_bytes)


def _common_prefix(suite: Suite, attributes: Mapping[str, str], case_id: str) -> tuple[str, object, str | None]:
    """Give what `identify` puts before every plain name of this class and file; empty where it depends on the name."""
    name, classname = attributes.get("name") or "", attributes.get("classname") or ""
    prefix = case_id.removesuffix(name)
    is_pytest = suite.is_pytest
    is_known = suite.dialect in _PREFIXING and classname and name and prefix + name == case_id
    if is_known and (is_pytest or (name not in {classname, suite.name} and _is_plain(name, prefix))):
        return prefix, classname, attributes.get("file")
    return _NO_PREFIX


def _is_plain(name: str, prefix: str) -> bool:
    """Tell that a name neither repeats what stands before it nor is trimmed: such names only follow their prefix."""
    return name not in prefix and name.strip() == name


def _parse_bytes(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) < 20 else None
