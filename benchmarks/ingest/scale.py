"""Ten million results in one file: how fast they go in, how large the file is, how long every query takes.

Run: ``python benchmarks/ingest/scale.py [--results 10000000] [--cases 5000] [--folder /tmp]``. The history is made up
but shaped like one: long pytest ids that come and go, gamma durations to the microsecond, one failure in 200, reruns,
four report files a run, changes, jobs, plans. Every step is a process of its own, so its CPU, peak memory and cold
start are its own; before a cold query the file's pages are dropped from the page cache. Of three warm rounds the best
counts. Table on stderr, JSON on stdout.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from cipredict.events import Event
from cipredict.records import (
    CaseBatch,
    CaseRun,
    Change,
    JobRecord,
    ReportRecord,
    ReportStatus,
    RunKey,
    RunRecord,
    Verdict,
)
from cipredict.store import queries
from cipredict.store.batches import add_case_batches
from cipredict.store.database import Store, open_store
from cipredict.store.ledger import add_events
from cipredict.store.trust import load_flaky_outcomes
from cipredict.store.writer import add_jobs, add_reports, add_runs

FIRST = datetime(2023, 1, 2, tzinfo=UTC)
HOURS_BETWEEN_RUNS = 6
REPORTS_PER_RUN = 4
RUNS_PER_CHUNK = 4
"""As `cipredict ingest`: the file is opened, and so locked, for about 20,000 cases at a time."""
JOURNAL_BYTES = 15_000_000
"""Just below 16 MiB, where DuckDB takes the journal over into the file by itself."""
PLANS = 200
"""Plans remembered, one per run of the last 200, each of all cases."""
Chunk: TypeAlias = tuple[list[RunRecord], list[JobRecord], list[CaseBatch], list[ReportRecord]]


@dataclass(frozen=True, slots=True)
class Shape:
    """The size of the history: `runs` runs of `cases` cases each, out of a tenth more that come and go."""

    runs: int
    cases: int


class Maker:
    """Makes any run of the history, the same each time."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        random = np.random.default_rng(7)
        known = shape.cases + shape.cases // 10
        self.ids = [_case_id(number, random) for number in range(known)]
        self.typical_s = random.gamma(0.6, 0.5, known) + 0.001
        self.frailty = np.minimum(random.gamma(0.08, 0.06, known), 0.4)  # few cases fail often, most never

    def run(self, number: int) -> RunRecord:
        """Give a run with its change; every third is a push."""
        start = FIRST + timedelta(hours=HOURS_BETWEEN_RUNS * number)
        is_push = number % 3 == 0
        paths = [f"src/shop/package{(number * 7 + k * 13) % 97}/module{(number * 3 + k) % 61}.py" for k in range(4)]
        return RunRecord(
            self.key(number),
            start,
            start + timedelta(minutes=19),
            workflow="tests",
            sha=f"{number:040x}",
            branch="main" if is_push else f"feature/{number % 211}",
            event="push" if is_push else "pull_request",
            changes=tuple(Change(path, 12, 3) for path in dict.fromkeys(paths)),
        )

    def key(self, number: int) -> RunKey:
        """Give the key of a run."""
        return RunKey("github", "acme/shop", str(4_000_000_000 + number * 1_117))

    def jobs(self, number: int) -> list[JobRecord]:
        """Give the jobs of a run, one per report file."""
        run = self.run(number)
        return [
            JobRecord(run.key, _job(number, shard), f"tests ({shard})", run.started_at, run.finished_at, 9.5)
            for shard in range(REPORTS_PER_RUN)
        ]

    def reports(self, number: int) -> list[CaseBatch]:
        """Give the report files of a run: its cases, dealt by file to the shards."""
        random = np.random.default_rng([11, number])
        first = number * (len(self.ids) - self.shape.cases) // self.shape.runs
        chosen = np.arange(first, first + self.shape.cases)
        seconds = np.round(self.typical_s[chosen] * random.gamma(9, 1 / 9, len(chosen)), 6).tolist()
        fails = random.random(len(chosen)) < self.frailty[chosen]
        skips = random.random(len(chosen)) < 0.01
        reruns = random.random(len(chosen)) < 0.003
        cases = [
            _case(self.ids[slot], seconds[k], fails=fails[k], skips=skips[k], reruns=reruns[k])
            for k, slot in enumerate(chosen.tolist())
        ]
        cuts = np.linspace(0, len(cases), REPORTS_PER_RUN + 1).astype(int).tolist()
        return [
            CaseBatch(self.key(number), f"run {number}/junit-{shard}.xml", tuple(cases[a:b]), _job(number, shard))
            for shard, (a, b) in enumerate(pairwise(cuts))
        ]

    def plan(self, number: int) -> Event:
        """Give the event of a selection plan that decided on every case of a run."""
        run = self.run(number)
        key = run.key
        ids = [case.case_id for report in self.reports(number) for case in report.cases]
        random = np.random.default_rng([13, number])
        chances = np.round(random.beta(0.2, 30, len(ids)), 6).tolist()
        body = {
            "id": f"{number:012x}",
            "schema": "cipredict.selection-plan/1",
            "observe": number % 2 == 0,
            "cases": {
                "id": ids,
                "decision": ["skip" if p < 0.001 else "run" for p in chances],
                "p_fail": chances,
                "expected_s": np.round(self.typical_s[: len(ids)], 3).tolist(),
            },
        }
        run_of = {"provider": key.provider, "repository": key.repository, "run_id": key.run_id, "attempt": "1"}
        return Event("plan", run.started_at, run_of, body)


def _case_id(number: int, random: np.random.Generator) -> str:
    module, place = divmod(number, 40)
    words = ("reads", "writes", "raises", "keeps", "drops", "merges", "orders", "rounds", "accepts", "refuses")
    name = "_".join(words[k] for k in random.integers(0, len(words), 4))
    parameter = f"[utf-8-{place}-{random.integers(0, 9999)}]" if place % 2 else ""
    file = f"tests/unit/package{module % 37}/test_module_{module}.py"
    return f"{file}::TestThing{place // 8}::test_{name}_{place}{parameter}"


def _case(case_id: str, seconds: float, *, fails: bool, skips: bool, reruns: bool) -> CaseRun:
    if skips:
        return CaseRun(case_id, Verdict.SKIPPED, 0.0)
    if reruns:
        return CaseRun(case_id, Verdict.PASSED, seconds, 2, is_flaky=True)
    return CaseRun(case_id, Verdict.FAILED if fails else Verdict.PASSED, seconds)


def _job(number: int, shard: int) -> str:
    return str(9_000_000_000 + number * 31 + shard)


# -- steps, each in a process of its own -------------------------------------------------------------------------------


def step_ingest(path: Path, shape: Shape) -> dict[str, Any]:
    """Store all runs but the last, in the order of time, opening the file anew for every chunk."""
    maker = Maker(shape)
    making_s, making_cpu_s, longest_s = 0.0, 0.0, 0.0
    began, began_cpu = time.perf_counter(), time.process_time()
    for first in range(0, shape.runs - 1, RUNS_PER_CHUNK):
        numbers = range(first, min(first + RUNS_PER_CHUNK, shape.runs - 1))
        making, making_cpu = time.perf_counter(), time.process_time()
        chunk = _chunk(maker, numbers)
        making_s += time.perf_counter() - making
        making_cpu_s += time.process_time() - making_cpu
        longest_s = max(longest_s, _store(path, chunk))
    wall_s = time.perf_counter() - began - making_s
    cpu_s = time.process_time() - began_cpu - making_cpu_s
    results = (shape.runs - 1) * shape.cases
    return {
        "results": results,
        "wall_s": wall_s,
        "cpu_s": cpu_s,
        "results_per_s": results / wall_s,
        "longest_lock_s": longest_s,
        "making_s": making_s,
    }


def step_night(path: Path, shape: Shape) -> dict[str, Any]:
    """Add one run to the full store."""
    chunk = _chunk(Maker(shape), range(shape.runs - 1, shape.runs))
    return {"results": shape.cases, "lock_s": _store(path, chunk)}


def step_again(path: Path, shape: Shape) -> dict[str, Any]:
    """Take one report file of the middle in again, and then all of a chunk."""
    maker, middle = Maker(shape), shape.runs // 2
    _, _, batches, reports = _chunk(maker, [middle])
    one_s = _store(path, ([], [], batches[:1], reports[:1]))
    chunk_s = _store(path, _chunk(maker, range(middle, middle + RUNS_PER_CHUNK)))
    return {"one_report_lock_s": one_s, "chunk_lock_s": chunk_s}


def step_plans(path: Path, shape: Shape) -> dict[str, Any]:
    """Take the events of the last runs in."""
    maker = Maker(shape)
    events = [maker.plan(number) for number in range(max(0, shape.runs - PLANS), shape.runs)]
    began = time.perf_counter()
    with open_store(path) as store:
        add_events(store, events)
    return {"plans": len(events), "lock_s": time.perf_counter() - began}


def step_query(path: Path, shape: Shape, name: str) -> dict[str, Any]:
    """Ask one question in a fresh process, with the file out of the page cache, and then once more."""
    ask = QUERIES[name]
    as_of = FIRST + timedelta(hours=HOURS_BETWEEN_RUNS * shape.runs)
    _drop_from_page_cache(path)
    began = time.perf_counter()
    with open_store(path, read_only=True) as store:
        opened = time.perf_counter()
        rows = ask(store, as_of)
        cold_s = time.perf_counter() - began
        wall_s, cpu_s = zip(*(_timed(ask, store, as_of) for _ in range(3)), strict=True)
    return {"rows": rows, "open_s": opened - began, "cold_s": cold_s, "warm_s": min(wall_s), "warm_cpu_s": min(cpu_s)}


def _timed(ask: Callable[[Store, datetime], int], store: Store, as_of: datetime) -> tuple[float, float]:
    began, began_cpu = time.perf_counter(), time.process_time()
    ask(store, as_of)
    return time.perf_counter() - began, time.process_time() - began_cpu


def step_killed(path: Path, shape: Shape) -> dict[str, Any]:
    """Die without a goodbye, before the last checkpoint: the journal of what was committed stays."""
    maker, journal = Maker(shape), path.with_name(path.name + ".wal")
    with open_store(path) as store:
        for number in range(min(shape.runs, 400)):
            add_case_batches(store, maker.reports(number))
            if journal.stat().st_size > JOURNAL_BYTES:
                break
        print(json.dumps({"wal_bytes": journal.stat().st_size}), flush=True)
        os._exit(9)


def step_reopened(path: Path, _shape: Shape) -> dict[str, Any]:
    """Open after the kill."""
    began = time.perf_counter()
    with open_store(path, read_only=True):
        opened_s = time.perf_counter() - began
    return {"replay_and_open_s": opened_s}


def _chunk(maker: Maker, numbers: Sequence[int]) -> Chunk:
    runs = [maker.run(number) for number in numbers]
    jobs = [job for number in numbers for job in maker.jobs(number)]
    batches = [report for number in numbers for report in maker.reports(number)]
    reports = [
        ReportRecord(batch.source, ReportStatus.VALID, FIRST, cases=len(batch.cases), size_bytes=9, sha256=f"{k:064x}")
        for k, batch in enumerate(batches)
    ]
    return runs, jobs, batches, reports


def _store(path: Path, chunk: Chunk) -> float:
    """Write a chunk as `cipredict ingest` does; give the seconds for which the file was held."""
    runs, jobs, batches, reports = chunk
    began = time.perf_counter()
    with open_store(path) as store:
        add_runs(store, runs)
        add_jobs(store, jobs)
        add_case_batches(store, batches)
        add_reports(store, reports)
    return time.perf_counter() - began


def _drop_from_page_cache(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _load_for_learning(store: Store, as_of: datetime) -> int:
    from cipredict.learn.loading import load  # noqa: PLC0415  # numpy's start is not the store's

    return len(load(store, as_of=as_of).history.runs)


def _table(load: Callable[..., Any], **window: int) -> Callable[[Store, datetime], int]:
    return lambda store, as_of: int(load(store, as_of, **window).num_rows)


QUERIES = {
    "load_runs": _table(queries.load_runs),
    "load_cases": _table(queries.load_cases),
    "load_changes": _table(queries.load_changes),
    "load_jobs": _table(queries.load_jobs),
    "load_case_runs": _table(queries.load_case_runs),
    "load_case_runs, last 400 runs": _table(queries.load_case_runs, last_runs=400),
    "load_case_runs, last 20 runs": _table(queries.load_case_runs, last_runs=20),
    "load_case_history": _table(queries.load_case_history),
    "load_case_history, last 100 runs": _table(queries.load_case_history, last_runs=100),
    "load_flaky_outcomes, 90 days": lambda store, as_of: int(
        load_flaky_outcomes(store, as_of, since=as_of - timedelta(days=90)).num_rows
    ),
    "load_file_churn": _table(queries.load_file_churn),
    "load_plans": _table(queries.load_plans),
    "load_ledger": _table(queries.load_ledger),
    "learn.loading.load": _load_for_learning,
}
STEPS: dict[str, Callable[..., dict[str, Any]]] = {
    "ingest": step_ingest,
    "night": step_night,
    "again": step_again,
    "plans": step_plans,
    "query": step_query,
    "killed": step_killed,
    "reopened": step_reopened,
}


# -- the whole ---------------------------------------------------------------------------------------------------------


def run_step(name: str, options: argparse.Namespace, *, query: str = "") -> dict[str, Any]:
    """Run a step in a fresh process; give what it measured, its peak memory, and the size of the file after it."""
    size = ["--results", str(options.results), "--cases", str(options.cases)]
    command = [sys.executable, __file__, "--path", str(options.path), *size, "--step", name, "--query", query]
    done = subprocess.run(command, check=False, stdout=subprocess.PIPE, text=True)
    if not done.stdout:
        raise SystemExit(f"step {name} {query} failed")
    found = {"step": query or name, **json.loads(done.stdout), "size_bytes": options.path.stat().st_size}
    shown = {key: round(value, 3) if isinstance(value, float) else value for key, value in found.items()}
    print("  ".join(f"{key} {value}" for key, value in shown.items()), file=sys.stderr, flush=True)
    return shown


def measure(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    for name in ("ingest", "night", "again", "plans"):
        yield run_step(name, options)
    for query in QUERIES:
        yield run_step("query", options, query=query)
    for name in ("killed", "reopened"):
        yield run_step(name, options)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=int, default=10_000_000)
    parser.add_argument("--cases", type=int, default=5_000)
    parser.add_argument("--folder", default=None, help="where the file is made and deleted")
    parser.add_argument("--path", type=Path, default=None, help="keep the file here; the steps after `ingest` reuse it")
    parser.add_argument("--step", choices=sorted(STEPS), help="only this step, in this process")
    parser.add_argument("--query", choices=["", *QUERIES], default="")
    options = parser.parse_args()
    shape = Shape(options.results // options.cases, options.cases)
    if options.step:
        arguments = (options.query,) if options.query else ()
        found = STEPS[options.step](options.path, shape, *arguments)
        found["peak_bytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        print(json.dumps(found))
        return
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        options.path = options.path or Path(folder) / "history.duckdb"
        print(json.dumps(list(measure(options)), indent=2))


if __name__ == "__main__":
    main()
