"""Trying injected faults in copies of a project, one per copy at a time, within a deadline."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from cipredict.act.project_copy import Project
from cipredict.act.suite import SuiteRun, SuiteRunner
from cipredict.cli.suite_verdicts import turned_red, verdicts_of
from cipredict.mutate.mutants import Mutant
from cipredict.records import MutantOutcome, MutantRecord

_SLACK, _LEAST_S = 3.0, 5.0
"""A fault may make the suite this much slower before it counts as a loop without end."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """The project without a fault.

    Attributes
    ----------
    green : cases that passed, twice; the others are kept apart
    red : cases that failed in either run
    seconds : of the slower run
    """

    green: frozenset[str]
    red: int
    seconds: float

    @property
    def timeout_s(self) -> float:
        """Give the time after which a suite with a fault is in a loop without end."""
        return self.seconds * _SLACK + _LEAST_S


@dataclass(frozen=True, slots=True)
class Trials:
    """Tries faults in copies; `outcomes` gives what came out, as it comes."""

    runner: SuiteRunner
    project: Project
    baseline: Baseline
    repository: str
    deadline: float

    def outcomes(self, mutants: Sequence[Mutant], copies: Sequence[Path]) -> Iterator[MutantRecord]:
        """Try the faults in order, one per copy at a time, until they or the time run out."""
        coming, free = iter(mutants), list(copies)
        running: dict[Future[MutantRecord | None], Path] = {}
        with ThreadPoolExecutor(len(copies)) as pool:
            try:
                while True:
                    if time.monotonic() < self.deadline:
                        for mutant, copy in zip(islice(coming, len(free)), tuple(free), strict=False):
                            running[pool.submit(self._try, mutant, copy)] = copy
                            free.remove(copy)
                    if not running:
                        return
                    for future in wait(running, return_when=FIRST_COMPLETED).done:
                        free.append(running.pop(future))
                        record = future.result()
                        if record:
                            yield record
            finally:
                self.runner.stop()  # whoever interrupts us must not wait for suites that are running

    def _try(self, mutant: Mutant, copy: Path) -> MutantRecord | None:
        """Run the suite on one fault; None where it is no fault or the budget ended first."""
        file = copy / mutant.path
        original = file.read_bytes()
        try:
            faulty = mutant.apply(original)
        except ValueError:
            return None
        allowed_s = self.baseline.timeout_s
        try:
            file.write_bytes(faulty)
            run = self.runner.run(copy, timeout_s=max(min(allowed_s, self.deadline - time.monotonic()), 0.1))
        finally:
            file.write_bytes(original)
        if run.exit_code is None and (not run.timed_out or run.seconds < allowed_s):
            return None
        return self._record(mutant, run)

    def _record(self, mutant: Mutant, run: SuiteRun) -> MutantRecord:
        failed: tuple[str, ...] = ()
        if run.has_answer:
            failed = turned_red(self.baseline.green, verdicts_of(run, frozenset(self.project.own_sources())))
            outcome = MutantOutcome.KILLED if failed else MutantOutcome.SURVIVED
        else:
            outcome = MutantOutcome.TIMEOUT if run.timed_out else MutantOutcome.BROKEN
        return MutantRecord(
            repository=self.repository,
            mutant_id=mutant.mutant_id,
            path=mutant.path,
            function=mutant.function,
            line=mutant.line,
            operator=mutant.operator,
            recorded_at=datetime.now(UTC),
            outcome=outcome,
            duration_s=run.seconds,
            failed=failed,
        )
