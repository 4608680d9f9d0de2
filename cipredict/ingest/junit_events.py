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
        self._known_files = known_files
        self._suites = [Suite()]
        self._suite = self._suites[0]
        self._pending: list[Mapping[str, str]] = []
        self._outcomes: dict[int, _Outcome] = {}
        self._ends: list[_End] = []
        self._in_case = False
        self._timestamp = ""
        self._moment: datetime | None = None

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
            self._end_run()
            self._suites.pop()
            self._suite = self._suites[-1]

    def close(self) -> None:
        """Finish what a truncated report left open, but not the open case: its outcome may have been cut off."""
        self._end_run()
        self.settle()

    def settle(self) -> None:
        """Add the cases that have ended to the ledger; the open one waits for its end."""
        pending, outcomes, ends = self._pending, self._outcomes, self._ends
        self._pending, self._outcomes, self._ends = [], {}, []
        if pending:
            self.root = self.root or "testcase"
        if self._in_case:
            self._pending.append(pending.pop())
            if len(pending) in outcomes:
                self._outcomes[0] = outcomes.pop(len(pending))
        self.entries += len(pending)
        self._add_runs(pending, outcomes, ends)

    def _open_suite(self, attributes: Mapping[str, str]) -> None:
        self._end_run()
        self.root = self.root or ("testcase" if self._pending else "testsuite")
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
        end = len(self._pending) - self._in_case
        if not self._ends or self._ends[-1][0] != end:
            self._ends.append((end, self._suite))

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

    def _add_runs(
        self, pending: list[Mapping[str, str]], outcomes: Mapping[int, _Outcome], ends: Sequence[_End]
    ) -> None:
        """Add cases in runs, each of one suite: those that their end closes, and what is left to the open suite."""
        case_ids: list[str] = []
        for end, suite in (*ends, (len(pending), self._suite)):
            if len(case_ids) < end:
                case_ids += self._case_ids(suite, pending[len(case_ids) : end])
        cases = self._cases(case_ids, pending, outcomes) if pending else []
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

    def _cases(
        self, case_ids: list[str], pending: list[Mapping[str, str]], outcomes: Mapping[int, _Outcome]
    ) -> list[CaseRun]:
        """Build cases column by column: most passed, and most of the work is done for all of them in C."""
        seconds = self._seconds(pending)
        columns = zip(case_ids, repeat(_PASSED), seconds, _ONES, _FALSES, _NONES)  # constants are endless
        cases = list(map(_new_tuple, repeat(CaseRun), columns))
        judged = {*outcomes, *[index for index, attributes in enumerate(pending) if "status" in attributes]}
        for index in judged:
            status = pending[index].get("status", "")
            cases[index] = _judged(cases[index], outcomes.get(index, _SILENT), status)
        return cases

    def _case_ids(self, suite: Suite, pending: list[Mapping[str, str]]) -> list[str]:
        """Name cases; empty where the report does not. Neighbours mostly share what stands before their names."""
        if suite.dialect is None:
            self._meet(suite, pending[0])
        is_pytest, known_files = suite.is_pytest, self._known_files
        if len(pending) == 1:
            case_id = identify(suite, pending[0], known_files)
            self.unnamed += not case_id
            return [case_id]
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
        suite.is_pytest = suite.dialect is Dialect.PYTEST_XUNIT1 or suite.dialect is Dialect.PYTEST_XUNIT2
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
