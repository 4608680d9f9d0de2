"""The hooks behind `--cipredict-quarantine PLAN.json`: quarantined failures are reported, and turn nothing red.

Nothing is hidden. The cases run, their reports stay failed, so that JUnit files, `--lf` and the history see every
failure; the terminal shows them as QUARANTINED with their tracebacks in a section of their own. Only pytest's count of
failures, which makes the exit code and serves `--maxfail`, leaves them out. Three kinds of failure count all the same:

- of a case that the plan does not name, or no longer: every entry ends on a day
- of a case that failed in each of several attempts here (pytest-rerunfailures): that is no chance
- all of them, where the plan cannot be read or is no quarantine plan as `cipredict flaky` wrote it

Under pytest-xdist the controller sees every report and makes the exit code: the workers need no plan.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Generator, Iterator, Mapping
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from cipredict.errors import InputError
from cipredict.plans.quarantine_document import read_quarantine_plan, still_quarantined
from cipredict.plans.quarantine_plan import QuarantinedCase
from cipredict.pytest_plugin.case_ids import reported_case_id
from cipredict.pytest_plugin.recorder import QUARANTINED


def register_quarantine(config: pytest.Config) -> None:
    """Read the plan in the one process that makes the exit code."""
    if not hasattr(config, "workerinput"):
        path = config.invocation_params.dir / config.option.cipredict_quarantine
        plugin = Quarantine(config, path, datetime.now(UTC).date())
        config.pluginmanager.register(plugin, "cipredict_quarantine")


class Quarantine:
    """Keeps the failures of quarantined cases out of the count, and shows them."""

    def __init__(self, config: pytest.Config, path: Path, today: date) -> None:
        self._config = config
        self._cases: Mapping[str, QuarantinedCase] = {}
        self._name = "no quarantine plan"
        self._warnings: list[str] = []
        self._session: pytest.Session | None = None
        self._seen: set[str] = set()
        self._reruns: Counter[str] = Counter()
        self._tolerated: list[pytest.TestReport] = []
        self._throughout: set[str] = set()
        self._read(path, today)

    def _read(self, path: Path, today: date) -> None:
        try:
            plan = read_quarantine_plan(path)
        except InputError as error:
            self._warnings.append(f"{error.message.rstrip('.')}. Every failure counts. [plugin-quarantine-ignored]")
            return
        self._cases = still_quarantined(plan, today)
        self._name = f"quarantine plan {plan.to_document()['id']}"
        if expired := len(plan.quarantined) - len(self._cases):
            self._warnings.append(
                f"{expired} of {len(plan.quarantined)} entries of {path} have expired. Their failures count. "
                "[plugin-quarantine-expired]"
            )

    def pytest_report_header(self) -> str:
        """Name the plan in the header."""
        return f"cipredict: {self._name} ({len(self._cases)} cases)"

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Take hold of the count of failures."""
        self._session = session

    @pytest.hookimpl(wrapper=True, tryfirst=True)  # before the session counts the failure
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> Generator[None, None, None]:
        """Leave a quarantined case's failure out of the count, before `--maxfail` looks at it."""
        case_id = reported_case_id(self._config, report.nodeid)
        if self._session and case_id in self._cases:
            self._seen.add(case_id)
            self._reruns[case_id] += report.outcome == "rerun"  # type: ignore[comparison-overlap]  # by a plugin
            if report.failed and self._reruns[case_id]:
                self._throughout.add(case_id)
            elif report.failed:
                setattr(report, QUARANTINED, True)
                self._tolerated.append(report)
                self._session.testsfailed -= 1
        return (yield)

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(
        self, report: pytest.TestReport
    ) -> tuple[str, str, tuple[str, Mapping[str, bool]]] | None:
        """Show such a failure as what it is."""
        if getattr(report, QUARANTINED, False):
            return "quarantined", "Q", ("QUARANTINED", {"yellow": True})
        return None

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Show the failures that did not count with their tracebacks, and count everything in one line."""
        if self._tolerated:
            terminalreporter.section("quarantined failures: reported, not counted", yellow=True, bold=True)
        for report in self._tolerated:
            terminalreporter.section(f"{report.nodeid} ({report.when})", sep="_", yellow=True)
            terminalreporter.write_line(report.longreprtext)
        for line in self._lines():
            terminalreporter.write_line(line, yellow=True)

    def pytest_unconfigure(self) -> None:
        """Say the same on stderr when there is no terminal reporter."""
        if not self._config.pluginmanager.hasplugin("terminalreporter"):
            sys.stderr.writelines(f"{line}\n" for line in self._lines())

    def _lines(self) -> Iterator[str]:
        failed = sorted({reported_case_id(self._config, report.nodeid) for report in self._tolerated})
        for case_id in failed:
            case = self._cases[case_id]
            owner = f", owner {case.owner}" if case.owner else ""
            yield f"QUARANTINED {case_id} until {case.expires_on}{owner}: {'; '.join(case.reasons)}"
        for case_id in sorted(self._throughout):
            yield (
                f"cipredict: warning: {case_id} is quarantined, but failed in each of {self._reruns[case_id] + 1} "
                "attempts. Its failure counts. [plugin-quarantine-steady]"
            )
        for warning in self._warnings:
            yield f"cipredict: warning: {warning}"
        if self._cases:
            yield (
                f"cipredict: {self._name}: {len(self._seen)} of its {len(self._cases)} cases ran here, "
                f"{len(failed)} failed without turning the session red."
            )
