"""`go test -json`: events of interleaved packages, a line each.

::

    {"Time": "2026-01-02T03:04:05Z", "Action": "run", "Package": "example.org/shop", "Test": "TestTotal/empty"}
    {"Action": "output", ..., "Output": "..."}
    {"Action": "pass", "Package": "example.org/shop", "Test": "TestTotal/empty", "Elapsed": 0.1}
    {"Action": "fail", "Package": "example.org/shop", "Elapsed": 0.4}                      ends the package

Ids and rules are those of gotestsum's JUnit: a parent keeps the time that its subtests leave, and a package that fails
without a failing test is the case `TestMain`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from cipredict.ingest.attempts import is_failing, merge_attempts, subtract_subtests
from cipredict.ingest.formats.interface import Findings, Json
from cipredict.ingest.formats.json_values import name, seconds
from cipredict.ingest.spellings import parse_timestamp
from cipredict.records import CaseRun, Verdict

_VERDICTS = {"pass": Verdict.PASSED, "fail": Verdict.FAILED, "skip": Verdict.SKIPPED}


@dataclass(slots=True)
class _Package:
    """What is known of a package until it ends."""

    cases: dict[str, CaseRun] = field(default_factory=dict)
    running: set[str] = field(default_factory=set)

    def add(self, case: CaseRun) -> None:
        """Take in a finished test; the same again (`-count=2`) is another attempt."""
        self.running.discard(case.case_id)
        earlier = self.cases.get(case.case_id)
        self.cases[case.case_id] = case if earlier is None else merge_attempts(earlier, case)

    def finish(self) -> Iterator[CaseRun]:
        """Give the cases, times of parents reduced."""
        subtract_subtests(self.cases)
        yield from self.cases.values()


def decode_go_test(lines: Iterator[Json], findings: Findings) -> Iterator[CaseRun]:
    """Give the cases of a package when it ends."""
    packages: dict[str, _Package] = {}
    for line in lines:
        package_name = name(line.get("Package"))
        action, test = line.get("Action"), name(line.get("Test"))
        if not package_name or not isinstance(action, str):
            continue
        if findings.started_at is None:  # the first line is the earliest
            findings.note_start(parse_timestamp(name(line.get("Time"))))
        package = packages.setdefault(package_name, _Package())
        if test and action == "run":
            package.running.add(f"{package_name}::{test}")
        elif action in _VERDICTS:
            case = CaseRun(f"{package_name}::{test}", _VERDICTS[action], seconds(line.get("Elapsed")))
            if test:
                package.add(case)
            else:
                _end(packages.pop(package_name), package_name, case)
                yield from package.finish()
    unfinished = [package for package in packages.values() if package.cases or package.running]
    for package in unfinished:
        yield from package.finish()
    if unfinished:
        findings.problems.append(f"{len(unfinished)} packages that did not end")


def _end(package: _Package, package_name: str, end: CaseRun) -> None:
    """Blame what was running when a package failed: a panic or time-out ends every test without a word."""
    if end.verdict is not Verdict.FAILED:
        return
    for case_id in sorted(package.running):
        package.add(CaseRun(case_id, Verdict.FAILED, None))
    if not any(is_failing(case.verdict) for case in package.cases.values()):
        package.add(CaseRun(f"{package_name}::TestMain", Verdict.FAILED, 0.0))
