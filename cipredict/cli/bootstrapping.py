"""The course of a bootstrap: baseline, proof that the copy is what is tested, then fault after fault until time is up.

What came out is stored every few seconds, so an interruption costs no more than that; the next call leaves out what is
known. The user's files are only read.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cipredict.act.git_lines import recent_lines
from cipredict.act.project_copy import Project, look_at_project, project_copies
from cipredict.act.suite import SuiteRun, SuiteRunner
from cipredict.cli.fault_trials import Baseline, Trials
from cipredict.cli.suite_verdicts import green_cases, turned_red, verdicts_of
from cipredict.decide.globs import path_matcher
from cipredict.errors import InputError
from cipredict.forecast.tokens import is_test_path
from cipredict.mutate.mutants import Mutant, find_mutants
from cipredict.mutate.order import order_mutants
from cipredict.records import MutantOutcome, MutantRecord
from cipredict.store.database import open_store
from cipredict.store.mutants import add_mutants, known_mutants

_STORE_EVERY_S = 5.0
_CANARY = b"raise ImportError('cipredict bootstrap: is this copy what the tests import?')\n"


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the user asked for; as the options of the command."""

    arguments: tuple[str, ...]
    budget_s: float
    jobs: int
    commits: int
    sources: tuple[str, ...]
    python: str
    seed: int
    repository: str


@dataclass(slots=True)
class Progress:
    """What has been done so far, and what is not stored yet."""

    outcomes: Counter[str] = field(default_factory=Counter)
    waiting: list[MutantRecord] = field(default_factory=list)
    stored_at: float = 0.0
    paths: set[str] = field(default_factory=set)
    noticed: set[str] = field(default_factory=set)

    def take(self, record: MutantRecord) -> None:
        """Count an outcome and keep it for storing."""
        self.outcomes[record.outcome.value] += 1
        self.paths.add(record.path)
        self.noticed.update(record.failed)
        self.waiting.append(record)


def run_bootstrap(wishes: Wishes, *, folder: Path, store_path: Path) -> dict[str, object]:
    """Do as wished in the project at `folder`; give the summary.

    Raises
    ------
    InputError
        No tests pass, the copy is not what they import, or there is nothing to mutate.
    """
    deadline = time.monotonic() + wishes.budget_s
    project = look_at_project(folder)
    sources = _sources(project, wishes.sources)
    runner, progress = SuiteRunner(wishes.arguments, wishes.python), Progress(stored_at=time.monotonic())
    with open_store(store_path) as store:
        known = known_mutants(store, wishes.repository)
    with project_copies(project, wishes.jobs) as copies:
        try:
            baseline = _baseline(runner, copies[0], project, deadline=deadline)
            _prove_copy_is_tested(runner, copies[0], sources, baseline, project=project)
            everything = _mutants(copies[0], sources, recent_lines(folder, commits=wishes.commits), seed=wishes.seed)
            open_ones = [mutant for mutant in everything if mutant.mutant_id not in known]
            _say(f"{len(open_ones)} faults to try in {len(sources)} files, {len(everything) - len(open_ones)} known.")
            trials = Trials(runner, project, baseline, repository=wishes.repository, deadline=deadline)
            for record in trials.outcomes(open_ones, copies):
                progress.take(record)
                if time.monotonic() - progress.stored_at > _STORE_EVERY_S:
                    _store(progress, store_path, total=len(open_ones))
        finally:
            runner.stop()
            _store(progress, store_path, total=None)
    return _summary(progress, baseline, wishes, of=len(everything), known=len(everything) - len(open_ones))


def _sources(project: Project, globs: Sequence[str]) -> list[str]:
    is_wanted = path_matcher(globs or ("**",))
    chosen = [path for path in project.own_sources() if not is_test_path(path) and is_wanted(path)]
    sources = [path for path in chosen if path.rpartition("/")[2] not in {"conftest.py", "setup.py", "noxfile.py"}]
    if not sources:
        raise InputError("No Python source to inject faults into.", slug="bootstrap-empty", hint="See --sources.")
    return sources


def _baseline(runner: SuiteRunner, copy: Path, project: Project, *, deadline: float) -> Baseline:
    """Run the untouched tests twice, since one run cannot tell what is red from what is flaky."""
    runs = [_untouched(runner, copy, deadline) for _ in range(2)]
    verdicts = [verdicts_of(run, frozenset(project.own_sources())) for run in runs]
    green = green_cases(*verdicts)
    red = len({case_id for run in verdicts for case_id, verdict in run.items() if verdict in ("failed", "error")})
    if not green:
        raise InputError(
            f"No test passes without any fault: {runs[0].last_words}.", slug="bootstrap-red", hint=_RED_HINT
        )
    seconds = max(run.seconds for run in runs)
    _say(f"{len(green)} cases pass in {seconds:.1f} s" + (f"; kept apart, as not green: {red}." if red else "."))
    return Baseline(green, red, seconds)


def _untouched(runner: SuiteRunner, copy: Path, deadline: float) -> SuiteRun:
    run = runner.run(copy, timeout_s=max(deadline - time.monotonic(), 1.0))
    if not run.has_answer:
        why = "the time of --budget was up" if run.timed_out else run.last_words
        raise InputError(f"The tests do not run without any fault: {why}.", slug="bootstrap-red", hint=_RED_HINT)
    return run


_RED_HINT = "Run `python -m pytest` in a fresh checkout; arguments for pytest follow after --."


def _prove_copy_is_tested(
    runner: SuiteRunner, copy: Path, sources: Sequence[str], baseline: Baseline, *, project: Project
) -> None:
    """Break every source in the copy and see the tests fail: else an installed package is what they import."""
    originals = {path: (copy / path).read_bytes() for path in sources}
    try:
        for path in sources:
            (copy / path).write_bytes(_CANARY)
        run = runner.run(copy, timeout_s=baseline.timeout_s)
    finally:
        for path, content in originals.items():
            (copy / path).write_bytes(content)
    is_noticed = not run.report or turned_red(baseline.green, verdicts_of(run, frozenset(project.own_sources())))
    if not is_noticed:
        raise InputError(
            "The tests pass although every source of the copy is broken: they import an installed package instead.",
            slug="bootstrap-elsewhere",
            hint="Install the project in editable mode, or name its interpreter with --python.",
        )


def _mutants(copy: Path, sources: Sequence[str], recent: Mapping[str, frozenset[int]], *, seed: int) -> list[Mutant]:
    first = [path for path in recent if path in set(sources)]
    ordered = [*first, *(path for path in sources if path not in recent)]
    found = {path: find_mutants(path, (copy / path).read_bytes()) for path in ordered}
    return order_mutants({path: mutants for path, mutants in found.items() if mutants}, recent, seed=seed)


def _store(progress: Progress, store_path: Path, *, total: int | None) -> None:
    if progress.waiting:
        with open_store(store_path) as store:
            add_mutants(store, progress.waiting)
        progress.waiting.clear()
    progress.stored_at = time.monotonic()
    if total:
        counts = ", ".join(f"{count} {outcome}" for outcome, count in sorted(progress.outcomes.items()))
        _say(f"{progress.outcomes.total()} of {total} faults: {counts}.")


def _say(text: str) -> None:
    sys.stderr.write(f"cipredict: {text}\n")
    sys.stderr.flush()


def _summary(progress: Progress, baseline: Baseline, wishes: Wishes, *, of: int, known: int) -> dict[str, object]:
    tried = progress.outcomes.total()
    return {
        "repository": wishes.repository,
        "synthetic": True,
        "faults": {outcome.value: progress.outcomes[outcome.value] for outcome in MutantOutcome} | {"tried": tried},
        "faults_known_before": known,
        "faults_left": of - known - tried,
        "files": len(progress.paths),
        "cases": {"green": len(baseline.green), "kept_apart": baseline.red, "noticed_a_fault": len(progress.noticed)},
        "suite_s": round(baseline.seconds, 3),
    }
