"""The hooks behind `--cipredict-report`: a line of JSON per phase of every case, in the words of pytest-reportlog.

::

    {"$report_type": "SessionStart", "pytest_version": "9.2.0", "cipredict_version": "0.1.0"}
    {"$report_type": "TestReport", "nodeid": "tests/test_a.py::test_b", "when": "call", "outcome": "passed",
     "duration": 0.012, "start": 1767225600.5, "worker": "gw0", "peak_memory_growth_bytes": 4096}
    {"$report_type": "SessionFinish", "exitstatus": 0}

Lines are written as the cases end, so a killed session leaves every line but its last. `docs/pytest-plugin.md` has the
fields. Under pytest-xdist only the controller writes; the workers measure memory, which travels on the report.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Generator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TextIO

import pytest

import cipredict
from cipredict.pytest_plugin.case_ids import reported_case_id

_MEMORY = "cipredict_memory_growth_bytes"
"""Attribute of a report; pytest serialises it with the rest, unlike `user_properties` it stays out of JUnit files."""
QUARANTINED = "cipredict_quarantined"
"""Attribute of a failed report that `quarantine` keeps out of the count."""


def register_recorder(config: pytest.Config) -> None:
    """Measure in every process that runs cases; write in the one that sees all reports."""
    config.pluginmanager.register(MemoryMeter(), "cipredict_memory_meter")
    if not hasattr(config, "workerinput"):
        path = config.invocation_params.dir / config.option.cipredict_report
        config.pluginmanager.register(Recorder(config, path), "cipredict_recorder")


def peak_memory_bytes() -> int | None:
    """Give the highest resident memory this process ever had, None where the platform does not tell (Windows)."""
    try:
        import resource  # noqa: PLC0415  # POSIX only
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024  # Linux counts KiB, macOS bytes


class MemoryMeter:
    """Notes on each report by how much its phase raised the peak memory of the process.

    The peak never falls, so a case that needs less than an earlier one shows 0: a lower bound of what it needs.
    """

    def __init__(self) -> None:
        self._before: int | None = None

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self) -> None:
        """Begin the setup phase."""
        self._before = peak_memory_bytes()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_call(self) -> None:
        """Begin the call phase."""
        self._before = peak_memory_bytes()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_teardown(self) -> None:
        """Begin the teardown phase."""
        self._before = peak_memory_bytes()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Put the growth since the phase began on its report, and on the reports of subtests within it."""
        report = yield
        now = peak_memory_bytes()
        if now is not None and self._before is not None:
            setattr(report, _MEMORY, now - self._before)
        return report


class Recorder:
    """Writes the report; a file that cannot be written costs the report, not the session."""

    def __init__(self, config: pytest.Config, path: Path) -> None:
        self._path = path
        self._config = config
        self._problem = ""
        self._file: TextIO | None = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("w", encoding="utf-8", buffering=1)
        except OSError as error:
            self._give_up(error)
        self._write("SessionStart", {"pytest_version": pytest.__version__, "cipredict_version": cipredict.__version__})

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Write one phase of one case."""
        self._write(type(report).__name__, _phase(report, nodeid=reported_case_id(self._config, report.nodeid)))

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Write a file that could not be collected, or was skipped as a whole."""
        if not report.passed:
            self._write("CollectReport", {"nodeid": report.nodeid, "outcome": report.outcome})

    def note(self, kind: str, fields: Mapping[str, object]) -> None:
        """Write a line of another part of the plugin."""
        self._write(kind, fields)

    @pytest.hookimpl(trylast=True)  # after the selector has settled the exit code
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the exit code and close."""
        self._write("SessionFinish", {"exitstatus": int(session.exitstatus)})

    def pytest_unconfigure(self) -> None:
        """Close the file."""
        self._close()

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say so when there is no report."""
        if self._problem:
            terminalreporter.write_line(self._problem, yellow=True)

    def _write(self, kind: str, fields: Mapping[str, object]) -> None:
        if self._file is None:
            return
        try:
            self._file.write(json.dumps({"$report_type": kind, **fields}) + "\n")
        except OSError as error:  # a full disk
            self._give_up(error)

    def _close(self) -> None:
        if self._file:
            with suppress(OSError):  # closing tries to write what a full disk refused before
                self._file.close()
            self._file = None

    def _give_up(self, error: OSError) -> None:
        self._close()
        self._problem = (
            f"cipredict: warning: cannot write the report {self._path}: {error.strerror} [plugin-report-unwritable]"
        )


def _phase(report: pytest.TestReport, *, nodeid: str) -> Mapping[str, object]:
    fields: dict[str, object] = {
        "nodeid": nodeid,
        "when": report.when,
        "outcome": report.outcome,
        "duration": round(report.duration, 6),
        "start": round(report.start, 6),
    }
    optional = {
        "worker": getattr(report, "worker_id", None),
        "peak_memory_growth_bytes": getattr(report, _MEMORY, None),
        "wasxfail": getattr(report, "wasxfail", None),
        "quarantined": getattr(report, QUARANTINED, None),
    }
    return fields | {name: value for name, value in optional.items() if value is not None}
