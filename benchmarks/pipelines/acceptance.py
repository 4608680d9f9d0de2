"""What pipelines promise, measured on a real one: this repository's suite, the bundled history, real cache histories.

Run: ``python -m benchmarks.pipelines.acceptance [TESTS ...] [--whole] [--no-gates] [--no-suite]``, in a checkout. By
default a part of the suite runs twice: in shards, one per processor, planned by what cases took in one process before.
``--whole`` runs all of it once, dealt out evenly with a queue, in a pipeline with other stages. Ends with one table:
promise, measured, kept or not. Exits 1 where one is not kept.

Efficiency is work / (makespan * workers); work is the seconds of all jobs, or in a replay of all cases and one process.
Five workers are replayed from measured seconds, with the cost of a process (start, imports, collection) in each.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

from benchmarks.cache.keys import read_components
from benchmarks.pipelines.enforcement import enforced
from benchmarks.pipelines.sharded_suite import TAIL_SHARE, Seconds, SuiteRun, plan_of, run_alone, run_sharded
from cipredict.cache_history import read_histories
from cipredict.cache_stages import CacheStage
from cipredict.decide.caching.designs import DESIGNS
from cipredict.decide.caching.provider import Outcome
from cipredict.decide.caching.replay import Replay, replay
from cipredict.decide.queue_replay import replay_queue
from cipredict.render.plain import plain_table

PART = ("tests/decide", "tests/plans", "tests/render", "tests/perf", "tests/dockerfile", "tests/act/stages")
WORKERS = 5
DESIGN = "lock+restore"


class Promise(NamedTuple):
    """One row of the table."""

    promise: str
    measured: str
    is_kept: bool


def of_a_part(tests: Sequence[str]) -> Iterator[Promise]:
    """Run a part of the suite in one process, then in shards planned by that, with nothing beside them."""
    processors = os.cpu_count() or 1
    alone = run_alone(tests)
    sharded = run_sharded(tests, shards=processors, past=alone.seconds, beside=False)
    for run in (alone, sharded):
        if run.execution.status != "success":
            sys.exit(f"Run {run.execution.run_id} is a {run.execution.status}: its seconds mean nothing.")
    speedup = alone.wall_s / sharded.wall_s
    load = os.getloadavg()[1]
    measured = f"{speedup:.2f}x ({alone.wall_s:.0f} s alone, {sharded.wall_s:.0f} s in shards; load {load:.1f})"
    yield Promise(f"for real: {processors} shards on {processors} processors", measured, is_kept=speedup > 1)
    computed = sum(alone.cpu_s) / max(sharded.cpu_s)
    measured = f"{computed:.2f}x ({sum(alone.cpu_s):.0f} s alone, {max(sharded.cpu_s):.0f} s in the longer shard)"
    yield Promise("  the same in CPU seconds, without others' load", measured, is_kept=computed > 1)
    yield from of_more_workers(alone, past=sharded.seconds)


def of_the_whole() -> Iterator[Promise]:
    """Run the whole suite once in shards, with the other stages of a pipeline beside them."""
    processors = os.cpu_count() or 1
    run = run_sharded(["tests"], shards=processors, past={}, beside=True)
    yield from _of_the_run(run, processors)
    yield from of_more_workers(run, past=run.seconds)


def _of_the_run(run: SuiteRun, processors: int) -> Iterator[Promise]:
    execution = run.execution
    minutes = execution.duration / 60
    what = f"{minutes:.1f} min, {len(run.seconds)} cases, {execution.status}"
    yield Promise("pipeline under 15 minutes", what, is_kept=minutes < 15 and execution.status == "success")
    share = execution.busy_s / (execution.duration * execution.slots)
    measured = f"{share:.0%} ({execution.busy_s:.0f} s of jobs in {execution.duration:.0f} s, {processors} slots)"
    yield Promise("efficiency of the pipeline > 80 %", measured, is_kept=share > 0.8)


def of_more_workers(run: SuiteRun, *, past: Seconds) -> Iterator[Promise]:
    """Replay measured seconds on more workers, planned by those of another run where there were two."""
    total_s = sum(run.seconds.values())
    usual_s = total_s / len(run.seconds)
    forecast = {case: past.get(case, usual_s) for case in run.seconds}
    known = ", times known before" if past is run.seconds else ""
    plans = {"static": plan_of(forecast, WORKERS), "tail queue": plan_of(forecast, WORKERS, tail_share=TAIL_SHARE)}
    for name, plan in plans.items():
        if plan.queue:
            real = [sum(run.seconds[case] for case in batch.tests) for batch in plan.queue]
            end_s = max(replay_queue(plan.queue, real, shards=WORKERS))
        else:
            end_s = max(sum(run.seconds[case] for case in shard.tests) for shard in plan.shards)
        speedup = (total_s + run.overhead_s) / (end_s + run.overhead_s)
        cases = total_s / end_s
        measured = f"{speedup:.2f}x ({cases:.2f}x without the {run.overhead_s:.1f} s that a process costs)"
        yield Promise(f"replayed: {WORKERS} workers, {name}{known}, >= 4x", measured, is_kept=speedup >= 4)
        share = speedup / WORKERS
        yield Promise(f"replayed: efficiency, {name}, > 80 %", f"{share:.0%}", is_kept=share > 0.8)


def of_the_caches(keys: Path) -> Iterator[Promise]:
    """Replay the key design that is recommended; a warm run is one whose cache is not its first."""
    stage = CacheStage("pip", key_files=("constraints.txt",), manifest_files=("pyproject.toml",), source_files=("**",))
    [history] = read_histories(Path(), [stage], commits=1500, patterns={})
    found = {"this repository's pip": replay(DESIGNS[DESIGN], history.snapshots)}
    for path in sorted(keys.glob("*.csv")):
        for component, snapshots in read_components(path, 1500):
            found[f"{path.stem} {component}"] = replay(DESIGNS[DESIGN], snapshots)
    for name, one in found.items():
        print(f"  {name}: {_spell(one)}", file=sys.stderr)
    least = min(found, key=lambda name: _hits(found[name]))
    hits = fmean(map(_hits, found.values()))
    coverage = found["this repository's pip"].coverage
    measured = f"{hits:.1%} of {len(found)} histories' runs, least {_hits(found[least]):.1%} ({least})"
    yield Promise("warm cache hit > 80 %, exact or prefix", measured, is_kept=_hits(found[least]) > 0.8)
    yield Promise("  packages then restored (this repository)", f"{coverage:.1%}", is_kept=(coverage or 0) > 0.8)


def _hits(found: Replay) -> float:
    warm = found.runs[1:]
    return sum(run.outcome is not Outcome.MISS for run in warm) / len(warm)


def _spell(found: Replay) -> str:
    shares = ", ".join(f"{one.name.lower()} {found.share(one):.1%}" for one in Outcome)
    return f"{len(found.runs)} runs, {shares}" + (f", coverage {found.coverage:.1%}" if found.coverage else "")


def of_the_gates() -> Iterator[Promise]:
    """Run every action and comparison through a pipeline."""
    kept, count, wrong = enforced()
    for line in wrong:
        print(line, file=sys.stderr)
    yield Promise("gates enforced 100 %", f"{kept} of {count} pipelines", is_kept=kept == count)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tests", nargs="*", default=PART)
    parser.add_argument("--whole", action="store_true", help="all of the suite, once, in shards")
    parser.add_argument("--no-gates", action="store_true", help="leave out the 96 pipelines of the gates")
    parser.add_argument("--no-suite", action="store_true", help="leave out the suite")
    parser.add_argument("--keys", type=Path, default=Path("../shared/data/cache/keys"))
    arguments = parser.parse_args()
    steps: list[Callable[[], Iterator[Promise]]] = [lambda: of_the_caches(arguments.keys)]
    if not arguments.no_suite:
        steps.insert(0, of_the_whole if arguments.whole else lambda: of_a_part(arguments.tests))
    if not arguments.no_gates:
        steps.append(of_the_gates)
    began_s, cpu_s = time.monotonic(), time.process_time()
    rows = [row for step in steps for row in step()]
    marks = [(row.promise, row.measured, "kept" if row.is_kept else "NOT KEPT") for row in rows]
    print(plain_table("What pipelines promise", ("promise", "measured", ""), marks))
    print(f"\n{time.monotonic() - began_s:.0f} s of wall, {time.process_time() - cpu_s:.0f} s of CPU of this process.")
    return 0 if all(row.is_kept for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
