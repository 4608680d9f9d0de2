"""`perf run`: base and head in working trees of their own, measured in turns until it is decided or time is over."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from cipredict.act.measuring import last_processor, run_command
from cipredict.act.worktrees import resolve, worktree
from cipredict.cli.outputs import warn
from cipredict.cli.perf_comparing import ComparingOptions, compare_options, compare_pair, this_job
from cipredict.cli.perf_recording import remember_run
from cipredict.errors import UsageError
from cipredict.ingest.benchmarks.reading import read_benchmarks
from cipredict.plans.comparison import Comparison
from cipredict.quantities import parse_seconds
from cipredict.records import BenchmarkRun

if TYPE_CHECKING:
    from cipredict.settings import Settings

OUTPUT = "{output}"
_FEWEST_ROUNDS = 3
_MOST_LOOKS = 2
"""Looking again after more rounds is a second chance for chance; a third is not given."""


@dataclass(frozen=True, slots=True)
class RunningOptions:
    """The options of `run` alone, as typed."""

    command: tuple[str, ...]
    base: str
    head: str = "HEAD"
    build: str | None = None
    results: str | None = None
    time: str = "10m"
    rounds: int | None = None
    warmup: int = 1
    processor: str = "last"


@dataclass(frozen=True, slots=True)
class _Tree:
    """A working tree that is measured."""

    side: str
    sha: str
    place: Path


class _Bench:
    """Measures both trees round by round, in turns that alternate."""

    def __init__(self, trees: Sequence[_Tree], options: RunningOptions, *, job: str, ends_at: float) -> None:
        self._trees = trees
        self._options = options
        self._job = job
        self._ends_at = ends_at
        self._processor = _processor(options.processor)
        self._longest_s = 0.0
        self.rounds = 0
        self.runs: dict[str, list[BenchmarkRun]] = {tree.side: [] for tree in trees}

    def has_time(self) -> bool:
        """Tell whether another round can end in time, if it takes as long as the longest so far."""
        return time.monotonic() + self._longest_s <= self._ends_at

    def warm_up(self) -> None:
        """Run both and forget it."""
        self._round()

    def measure(self) -> None:
        """Run both and keep it."""
        for side, run in self._round():
            self.runs[side].append(run)
        self.rounds += 1

    def merged(self, side: str) -> BenchmarkRun:
        """Give all rounds of a side as one run: a round is a process."""
        runs = self.runs[side]
        return replace(runs[0], records=tuple(record for run in runs for record in run.records))

    def _round(self) -> list[tuple[str, BenchmarkRun]]:
        begun = time.monotonic()
        order = self._trees if self.rounds % 2 == 0 else self._trees[::-1]
        measured = [(tree.side, self._measure(tree)) for tree in order]
        self._longest_s = max(self._longest_s, time.monotonic() - begun)
        return measured

    def _measure(self, tree: _Tree) -> BenchmarkRun:
        results = tree.place / (self._options.results or ".cipredict-results.json")
        results.unlink(missing_ok=True)
        command = [part.replace(OUTPUT, str(results)) for part in self._options.command]
        timeout_s = max(self._ends_at - time.monotonic(), 2 * self._longest_s)  # a begun round may end a little late
        run_command(command, cwd=tree.place, timeout_s=timeout_s, processor=self._processor)
        [read] = read_benchmarks(results)
        return replace(read.run, job=self._job, sha=tree.sha, measured_at=datetime.now(UTC))


def measure(options: RunningOptions, comparing: ComparingOptions, settings: Settings) -> Comparison:
    """Measure both sides, remember what was measured, and compare."""
    if options.results is None and not any(OUTPUT in part for part in options.command):
        raise UsageError("Say where results are: {output} in the command, or --results FILE.", slug="perf-results")
    compare_options(comparing)  # what is wrong with them is said before minutes of measuring
    ends_at = time.monotonic() + parse_seconds(options.time, option="--time")
    job = comparing.job or this_job()
    with _interruptible(), ExitStack() as stack:
        trees = [_tree(stack, side, ref) for side, ref in (("base", options.base), ("head", options.head))]
        for tree in trees:
            if options.build:
                run_command(options.build, cwd=tree.place, timeout_s=ends_at - time.monotonic())
        bench = _Bench(trees, options, job=job, ends_at=ends_at)
        comparison = _until_decided(bench, options, comparing)
    for side in ("base", "head"):
        remember_run(bench.merged(side), settings.events, side=side)
    return comparison


def _tree(stack: ExitStack, side: str, ref: str) -> _Tree:
    sha = resolve(ref, cwd=Path.cwd())
    return _Tree(side, sha, stack.enter_context(worktree(sha, cwd=Path.cwd())))


def _until_decided(bench: _Bench, options: RunningOptions, comparing: ComparingOptions) -> Comparison:
    for _ in range(options.warmup):
        bench.warm_up()
    bench.measure()
    wanted = options.rounds or _rounds_needed(bench, comparing)
    for look in range(1, _MOST_LOOKS + 1):
        while bench.rounds < wanted * look and bench.has_time():
            bench.measure()
        comparison = _compare(bench, comparing)
        if options.rounds or not comparison.needs_confirmation or not bench.has_time():
            break
    if bench.rounds < wanted:
        warn(f"The time was over after {bench.rounds} of {wanted} rounds.")
    sys.stderr.write(f"Measured base and head in {spell_count(bench.rounds)}.\n")
    return comparison


def spell_count(rounds: int) -> str:
    """Write a number of rounds."""
    return "one round" if rounds == 1 else f"{rounds} rounds in turns"


def _rounds_needed(bench: _Bench, comparing: ComparingOptions) -> int:
    """Give the fewest rounds that can decide: few where the noise is known, else what the rank test needs."""
    from cipredict.perf.evidence import fewest_runs  # noqa: PLC0415  # scipy

    how = compare_options(comparing)
    series = {record.series for record in bench.merged("head").records}
    known = {name for name, noise in how.profile.paired.items() if noise.sigma is not None}
    return _FEWEST_ROUNDS if series <= known else fewest_runs(len(series), how.rule.false_discovery)


def _compare(bench: _Bench, comparing: ComparingOptions) -> Comparison:
    from cipredict.perf.align import JobPair  # noqa: PLC0415  # numpy

    return compare_pair(JobPair(bench.merged("base"), bench.merged("head"), same_job=True), comparing)


def _processor(text: str) -> int | None:
    if text == "none":
        return None
    if text == "last":
        return last_processor()
    if text.isascii() and text.isdigit():
        return int(text)
    raise UsageError(f"--cpu: '{text}' is neither a number, last nor none.", slug="perf-cpu")


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let a cancelled CI job clean up: SIGTERM ends the block like Ctrl-C."""

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
