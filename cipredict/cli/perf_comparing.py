"""`perf compare` from files to verdict: read both sides, compare, write, show, exit."""

from __future__ import annotations

import os
import socket
import sys
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from cipredict import __version__
from cipredict.cli.environment import ci_run
from cipredict.cli.outputs import append_step_summary, tell, warn
from cipredict.errors import EXIT_INCONCLUSIVE, EXIT_OK, EXIT_VERDICT_NO, UsageError
from cipredict.ingest.benchmarks.reading import read_benchmarks
from cipredict.plans.comparison import Comparison, ComparisonVerdict, read_jobs
from cipredict.plans.document import MadeFrom, canonical_json, write_plan
from cipredict.plans.noise_profile import NO_PROFILE, read_noise_profile
from cipredict.quantities import parse_share

if TYPE_CHECKING:
    from cipredict.perf.align import JobPair
    from cipredict.perf.compare import CompareOptions
    from cipredict.records import BenchmarkRun

_EXITS = {
    ComparisonVerdict.BLOCK: EXIT_VERDICT_NO,
    ComparisonVerdict.WARN: EXIT_OK,
    ComparisonVerdict.INCONCLUSIVE: EXIT_INCONCLUSIVE,
    ComparisonVerdict.PASS: EXIT_OK,
}


@dataclass(frozen=True, slots=True)
class ComparingOptions:
    """The options that `compare` and `run` share, as typed."""

    noise: Path | None = None
    confirms: tuple[Path, ...] = ()
    blocking: tuple[str, ...] = ("*",)
    renames: tuple[str, ...] = ()
    min_change: str = "5%"
    job: str | None = None
    show_all: bool = False
    output: Path | None = None
    metrics: Path | None = None
    as_json: bool = False


def compare_files(base: Path, head: Path, options: ComparingOptions, *, paired: bool) -> Comparison:
    """Compare two sides, each of one run or of a folder of runs."""
    from cipredict.perf.align import JobPair, merge_jobs  # noqa: PLC0415  # numpy, not for --help

    sides = [_read_side(path) for path in (base, head)]
    if paired and len(sides[0]) != len(sides[1]):
        counts = f"{base} holds {len(sides[0])} runs, {head} {len(sides[1])}"
        raise UsageError(f"--paired: {counts}.", slug="perf-paired")
    one, other = map(merge_jobs, sides)
    return compare_pair(JobPair(one, other, same_job=paired), options)


def _read_side(path: Path) -> list[BenchmarkRun]:
    found = read_benchmarks(path)
    for read in found:
        for problem in read.problems:
            warn(f"{read.run.source}: {problem}")
    return [read.run for read in found]


def compare_pair(pair: JobPair, options: ComparingOptions) -> Comparison:
    """Compare what one job measured of both, or two sides of different jobs."""
    from dataclasses import replace  # noqa: PLC0415

    from cipredict.perf.compare import compare  # noqa: PLC0415  # scipy

    named = pair._replace(head=replace(pair.head, job=options.job or this_machine()))
    comparison = compare([named], compare_options(options))
    return replace(comparison, made_from=MadeFrom(__version__, commit=pair.head.sha))


def compare_options(options: ComparingOptions) -> CompareOptions:
    """Read what a comparison goes by."""
    from cipredict.perf.compare import CompareOptions  # noqa: PLC0415  # scipy
    from cipredict.perf.scores import Rule  # noqa: PLC0415

    return CompareOptions(
        rule=Rule(min_change=parse_share(options.min_change, option="--min-change")),
        profile=NO_PROFILE if options.noise is None else read_noise_profile(options.noise),
        earlier=tuple(job for path in options.confirms for job in read_jobs(path)),
        renames=dict(map(_rename, options.renames)),
        may_block=lambda series: any(fnmatchcase(series, glob) for glob in options.blocking),
    )


def _rename(text: str) -> tuple[str, str]:
    old, equals, new = text.partition("=")
    if not (old and equals and new):
        raise UsageError(f"--rename: '{text}' is not OLD=NEW.", slug="perf-rename")
    return old, new


def this_machine() -> str:
    """Name this machine, which does not confirm itself: a hosted runner is new for every job, others have names."""
    name = os.environ.get("RUNNER_NAME") or socket.gethostname()
    is_hosted = os.environ.get("RUNNER_ENVIRONMENT") == "github-hosted"
    return this_job() if is_hosted else name


def this_job() -> str:
    """Name this job, to keep what it measured together."""
    run = ci_run()
    if run is None:
        return f"{socket.gethostname()}/{os.getpid()}"
    machine = os.environ.get("RUNNER_NAME") or socket.gethostname()
    return f"{run.provider}/{run.repository}/{run.run_id}/{run.attempt}/{run.job}/{machine}"


def conclude(comparison: Comparison, options: ComparingOptions) -> None:
    """Write and show a comparison, and leave with its exit code."""
    from cipredict.render import performance  # noqa: PLC0415  # not for --help

    document = comparison.to_document()
    if options.output is not None:
        write_plan(options.output, document)
    if options.metrics is not None:
        write_plan(options.metrics, comparison.metrics_document())
    lines = performance.render_comparison(comparison, show_all=options.show_all)
    tell(lambda: "".join(f"{line}\n" for line in lines))
    append_step_summary(lambda: performance.render_markdown(comparison))
    if options.as_json:
        sys.stdout.write(canonical_json(document))
    elif os.environ.get("GITHUB_ACTIONS") == "true":
        sys.stdout.write(performance.render_annotations(comparison))
    raise typer.Exit(_EXITS[comparison.verdict])
