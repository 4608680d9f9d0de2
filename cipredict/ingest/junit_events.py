"""The target of the JUnit parser: start and end tags in, finished cases in a ledger out.

The shape of a report, where any level may be missing and suites nest::

    <testsuites name>
      <testsuite name file hostname timestamp>
        <testcase classname name file time status>
          <failure/> | <error/> | <skipped/> | <flakyFailure/> | <rerunFailure/>
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import repeat
from typing import NamedTuple

from cipredict.ingest.attempts import CaseLedger, merge_attempts, merge_pytest_attempts
from cipredict.ingest.dialects import MOCHA_TESTS, Dialect, Suite, detect_dialect
from cipredict.ingest.junit_naming import name_cases
from cipredict.ingest.junit_pending import PendingCases, Run
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

_SCHEMA_LOCATION = "{http://www.w3.org/2001/XMLSchema-instance}noNamespaceSchemaLocation"


class _Outcome(NamedTuple):
    """What the children of a case said about it."""

    verdict: Verdict = _PASSED
    retries: int = 0
    peak_memory_bytes: int | None = None


_End = tuple[int, Suite]
"""Where in the pending cases a suite's run of them ends."""

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
        self.has_doctype = False
        self._known_files = known_files
        self._suites = [Suite()]
        self._suite = self._suites[0]
        self._pending = PendingCases()
        self._outcomes: dict[int, _Outcome] = {}
        self._ends: list[_End] = []
        self._in_case = False
        self._timestamp = ""
        self._moment: datetime | None = None

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """Open a case or suite, or note what a child says about the open case."""
        if tag == "testcase":  # where one is open, the markup is broken: its end tag is missing
            self._pending.rows.append(attributes)
            self._in_case = True
        elif tag[0] == "{":
            self.start(tag.rpartition("}")[2], attributes)  # a namespace may hold braces itself
        elif self._in_case:
            self._note_child(tag, attributes)
        elif tag == "testsuite":
            self._open_suite(attributes)
        elif not self.root and not self._pending.rows:
            self.root = tag
            self._suite.root_name = attributes.get("name", "")

    def end(self, tag: str) -> None:
        """Finish a case or suite."""
        if tag == "testcase":
            self._in_case = False
        elif tag[0] == "{":
            self.end(tag.rpartition("}")[2])
        elif tag == "testsuite" and len(self._suites) > 1:
            self._end_run()
            self._suites.pop()
            self._suite = self._suites[-1]

    def doctype(self, name: str, public_id: str | None, system: str | None) -> None:
        """Note that attributes and entities may be declared."""
        del name, public_id, system  # the signature of a target
        self.has_doctype = True

    @property
    def ended(self) -> int:
        """Count the cases that have ended and are not settled; an open one makes it negative."""
        return -1 if self._in_case else len(self._pending.rows)

    def add_run(self, run: Run) -> None:
        """Take cases of the present suite that passed, from elsewhere than the parser; no case may be open."""
        self._pending.add_run(run)

    def close(self) -> None:
        """Finish what a truncated report left open, but not the open case: its outcome may have been cut off."""
        self._end_run()
        self.settle()

    def settle(self) -> None:
        """Add the cases that have ended to the ledger; the open one waits for its end."""
        pending, outcomes, ends = self._pending, self._outcomes, self._ends
        self._pending, self._outcomes, self._ends = PendingCases(), {}, []
        if pending.rows:
            self.root = self.root or "testcase"
        if self._in_case:
            self._pending.rows.append(pending.rows.pop())
            if len(pending.rows) in outcomes:
                self._outcomes[0] = outcomes.pop(len(pending.rows))
        self.entries += len(pending.rows)
        self._add_runs(pending, outcomes, ends)

    def _open_suite(self, attributes: Mapping[str, str]) -> None:
        self._end_run()
        self.root = self.root or ("testcase" if self._pending.rows else "testsuite")
        get = attributes.get
        root = self._suites[0]
        file = get("file") or self._suite.file
        is_surefire = "surefire" in get(_SCHEMA_LOCATION, "")
        self._suite = suite = Suite(get("name", ""), file, get("hostname", ""), root.root_name, is_surefire)
        self._suites.append(suite)
        if suite.name == "Root Suite" and suite.root_name == MOCHA_TESTS:
            root.file = suite.file  # mocha-junit-reporter names the file once, for those that follow
        if timestamp := get("timestamp"):
            self._note_times(timestamp, get("time", ""))

    def _note_times(self, timestamp: str, time: str) -> None:
        if timestamp != self._timestamp:
            self._timestamp, self._moment = timestamp, parse_timestamp(timestamp)
        moment = self._moment
        if moment is None:
            return
        self.started_at = min(moment, self.started_at or moment)
        if seconds := parse_seconds(time):
            with suppress(OverflowError):  # in the year 9999
                end = moment + timedelta(seconds=seconds)
                self.ended_at = max(end, self.ended_at or end)

    def _end_run(self) -> None:
        """Remember where cases in a row of the present suite end; an open case has lost its end, and comes later."""
        end = len(self._pending.rows) - self._in_case
        if not self._ends or self._ends[-1][0] != end:
            self._ends.append((end, self._suite))

    def _note_child(self, tag: str, attributes: Mapping[str, str]) -> None:
        said = self._outcomes.get(len(self._pending.rows) - 1, _SILENT)
        verdict = _OUTCOMES.get(tag)
        if verdict is not None and _SEVERITY[verdict] > _SEVERITY[said.verdict]:
            said = said._replace(verdict=verdict)
        elif tag in _RETRIES:
            said = said._replace(retries=said.retries + 1)
        elif tag == "property" and attributes.get("name") == "peak_memory_bytes":
            said = said._replace(peak_memory_bytes=_parse_bytes(attributes.get("value", "")))
        else:
            return
        self._outcomes[len(self._pending.rows) - 1] = said

    def _add_runs(self, pending: PendingCases, outcomes: Mapping[int, _Outcome], ends: Sequence[_End]) -> None:
        """Add cases in runs, each of one suite: those that their end closes, and what is left to the open suite."""
        case_ids: list[str] = []
        for end, suite in (*ends, (len(pending.rows), self._suite)):
            if len(case_ids) < end:
                case_ids += self._case_ids(suite, pending, slice(len(case_ids), end))
        cases = self._cases(case_ids, pending, outcomes) if case_ids else []
        begin = self._close_runs(case_ids, cases, ends[:1], begin=0)
        last = ends[-1][0] if ends else 0
        is_plain = all(suite.dialect is not Dialect.GOTESTSUM for _, suite in ends[1:])
        if not (is_plain and self.ledger.add_suites(case_ids[begin:last], cases[begin:last])):
            self._close_runs(case_ids, cases, ends[1:], begin=begin)
        self._add(self._suite, case_ids[last:], cases[last:])

    def _close_runs(self, case_ids: list[str], cases: list[CaseRun], ends: Sequence[_End], *, begin: int) -> int:
        """Add the cases from `begin` on, closing each suite; give where the last one ends."""
        for end, suite in ends:
            self._add(suite, case_ids[begin:end], cases[begin:end])
            self.ledger.finish_suite(has_go_subtests=suite.dialect is Dialect.GOTESTSUM)
            begin = end
        return begin

    def _add(self, suite: Suite, case_ids: list[str], cases: list[CaseRun]) -> None:
        if cases:
            self.ledger.add(case_ids, cases, merge=merge_pytest_attempts if suite.is_pytest else merge_attempts)

    def _cases(self, case_ids: list[str], pending: PendingCases, outcomes: Mapping[int, _Outcome]) -> list[CaseRun]:
        """Build cases column by column: most passed, and most of the work is done for all of them in C."""
        seconds = self._seconds(pending.column("time"))
        columns = zip(case_ids, repeat(_PASSED), seconds, _ONES, _FALSES, _NONES)  # constants are endless
        cases = list(map(_new_tuple, repeat(CaseRun), columns))
        statuses = pending.rare_column("status")
        for index in {*outcomes, *statuses}:
            cases[index] = _judged(cases[index], outcomes.get(index, _SILENT), statuses.get(index, ""))
        return cases

    def _case_ids(self, suite: Suite, pending: PendingCases, part: slice) -> list[str]:
        """Name cases; empty where the report does not."""
        if suite.dialect is None:
            self._meet(suite, pending.attributes(part.start))
        case_ids = name_cases(suite, pending, part, known_files=self._known_files)
        self.unnamed += case_ids.count("")
        return case_ids

    def _seconds(self, times: Sequence[str | None]) -> list[float | None]:
        """Give the seconds of cases, None where they are missing or cannot be."""
        try:
            seconds: list[float | None] = list(map(float, times))  # type: ignore[arg-type]  # None is caught below
        except (TypeError, ValueError):
            return list(map(self._odd_seconds, times))
        if min(seconds) >= 0.0 and sum(seconds) <= LONGEST_CASE_S:  # type: ignore[type-var,arg-type,operator]  # all are floats
            return seconds  # each is within the limit; one that is no number fails the sum
        return list(map(self._odd_seconds, times))

    def _meet(self, suite: Suite, attributes: Mapping[str, str]) -> None:
        """Settle a suite's dialect at its first case."""
        suite.dialect = detect_dialect(suite, attributes, self._known_files)
        suite.is_pytest = suite.dialect is Dialect.PYTEST_XUNIT1 or suite.dialect is Dialect.PYTEST_XUNIT2
        self.dialect = self.dialect or suite.dialect

    def _odd_seconds(self, text: str | None) -> float | None:
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


def _parse_bytes(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) < 20 else None
