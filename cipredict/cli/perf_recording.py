"""Benchmark results into the event file, and back out of event files or the store."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from cipredict.cli.environment import ci_run
from cipredict.cli.outputs import warn
from cipredict.cli.perf_comparing import this_job
from cipredict.errors import InputError, UsageError
from cipredict.events import append_event
from cipredict.ingest.benchmarks.reading import read_benchmarks
from cipredict.ingest.benchmarks.recorded import EVENT_KIND, from_body, to_body
from cipredict.plans.document import compact_json
from cipredict.records import BenchmarkRun

if TYPE_CHECKING:
    from cipredict.perf.align import JobPair
    from cipredict.settings import Settings

SIDES = ("head", "base")


def record_files(paths: Sequence[Path], settings: Settings, *, side: str, sha: str | None, job: str | None) -> None:
    """Remember what result files hold, all as one job's."""
    if side not in SIDES:
        raise UsageError(f"--side: '{side}' is neither head nor base.", slug="perf-side")
    found = [read for path in paths for read in read_benchmarks(path)]
    for read in found:
        for problem in read.problems:
            warn(f"{read.run.source}: {problem}")
    run = ci_run()
    for read in found:
        stated = sha or read.run.sha or (run.sha if run and side == "head" else "")
        named = replace(read.run, job=job or this_job(), sha=stated)
        remember_run(named, settings.events, side=side)
    count = sum(len(read.run.records) for read in found)
    sys.stderr.write(f"Remembered {count} benchmarks of {side} in {settings.events}.\n")


def remember_run(run: BenchmarkRun, folder: Path, *, side: str) -> None:
    """Append a run to the event file.

    Raises
    ------
    InputError
        The folder cannot be written.
    """
    ci = ci_run()
    key: dict[str, object] = {}
    if ci is not None:
        key = {"provider": ci.provider, "repository": ci.repository, "run_id": ci.run_id, "attempt": ci.attempt}
    at = run.measured_at or datetime.now(UTC)
    try:
        append_event(folder, EVENT_KIND, at, run=key, body=compact_json(to_body(run, side=side)))
    except OSError as error:
        raise InputError(f"Cannot write {folder}: {error.strerror}.", slug="output-unwritable") from error


def load_pairs(settings: Settings, sources: Sequence[Path], *, since: datetime, until: datetime) -> list[JobPair]:
    """Give what jobs measured since then, in order of time; a job without a base has an empty one."""
    from cipredict.perf.align import JobPair  # noqa: PLC0415  # numpy, not for --help

    sides = list(_from_files(sources) if sources else _from_store(settings, until))
    jobs: dict[str, dict[str, BenchmarkRun]] = {}
    for number, (side, run) in enumerate(sides):
        if run.measured_at is None or not since <= run.measured_at <= until:
            continue
        job = jobs.setdefault(run.job or f"unnamed {number}", {})
        known = job.get(side)
        job[side] = run if known is None else replace(known, records=known.records + run.records)
    pairs = [
        JobPair(job.get("base", BenchmarkRun(())), job["head"], same_job="base" in job)
        for job in jobs.values()
        if "head" in job
    ]
    if not pairs:
        raise InputError("No benchmark was recorded in that time.", slug="perf-no-history")
    return sorted(pairs, key=lambda pair: pair.head.measured_at or since)


def _from_files(paths: Sequence[Path]) -> Iterable[tuple[str, BenchmarkRun]]:
    from cipredict.cli.event_files import read_event_files  # noqa: PLC0415  # not for --help

    events, complaints = read_event_files(paths)
    for complaint in complaints:
        warn(complaint)
    return _decoded((event.at, event.body) for event in events if event.kind == EVENT_KIND)


def _from_store(settings: Settings, until: datetime) -> Iterable[tuple[str, BenchmarkRun]]:
    from cipredict.store.database import open_store  # noqa: PLC0415  # duckdb, not for --help
    from cipredict.store.queries import load_benchmark_events  # noqa: PLC0415

    with open_store(settings.store, read_only=True) as door:
        rows = load_benchmark_events(door, until).to_pylist()
    return _decoded((row["happened_at"], json.loads(row["body"])) for row in rows)


def _decoded(bodies: Iterable[tuple[datetime, object]]) -> Iterable[tuple[str, BenchmarkRun]]:
    for at, body in bodies:
        read = from_body(body, at=at) if isinstance(body, dict) else "is no object"
        if isinstance(read, str):
            warn(f"A remembered measurement of {at:%Y-%m-%d %H:%M} {read}.")
        else:
            yield read
