"""A million results: the nightly training, the night after, and one selection among 50,000 cases.

    python benchmarks/prediction/scale.py [--runs 500] [--cases 2000] [--candidates 50000]

Makes a history in which cases fail with the sources they are named after, takes it in with `ingest table`, and runs
`cipredict train` as a process of its own on all but the last ten runs; then those come and it trains again with the
rows kept from the night before. A bundle of 50,000 cases, served by an ensemble, is then read by `select-tests`. Wall,
CPU (user + system) and peak resident memory are the processes' own; the replay alone is timed inside this one. Table on
stderr, JSON on stdout.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pandas as pd

from cipredict.forecast.case_index import build_case_index
from cipredict.learn.loading import load
from cipredict.learn.publish import publish
from cipredict.learn.rows import collect_rows
from cipredict.learn.train import train
from cipredict.render.console import people, render_table
from cipredict.store.database import open_store

ROOT = Path(__file__).parents[2]
CIPREDICT = str(Path(sys.executable).with_name("cipredict"))
FILES = 200
START = datetime(2026, 1, 1, tzinfo=UTC)
LATE_RUNS = 10
"""Runs that come in the second night."""
MAP = (
    "run_id=run,case_id=case,verdict=verdict,duration_s=seconds,started_at=started,finished_at=finished,sha=sha,"
    "branch=branch,event=event,changed=changed"
)


@dataclass(frozen=True, slots=True)
class Spent:
    """What a process took: seconds, and the most memory it held, in MB."""

    wall_s: float
    cpu_s: float
    peak_mb: float


def make_table(runs: int, cases: int) -> pd.DataFrame:
    """Give a row per run and case; a fifth of the cases of one changed module fail in half of the runs."""
    generator = np.random.default_rng(0)
    names = np.array([f"tests/unit/test_module_{n % FILES}.py::TestThing::test_case_{n}" for n in range(cases)])
    frames = []
    for number in range(runs):
        changed = generator.choice(FILES, 3, replace=False)
        is_hit = (np.arange(cases) % FILES == changed[0]) & (number % 2 == 0)
        fails = is_hit & (generator.random(cases) < 0.2)
        at = START + timedelta(hours=number)
        on_main = number % 4 == 0
        frames.append(
            pd.DataFrame(
                {
                    "run": f"r{number}",
                    "case": names,
                    "verdict": np.where(fails, "failed", "passed"),
                    "seconds": generator.gamma(1.0, 0.2, cases),
                    "started": at,
                    "finished": at + timedelta(minutes=10),
                    "sha": f"{number:040}",
                    "branch": "main" if on_main else f"pr-{number}",
                    "event": "push" if on_main else "pull_request",
                    "changed": ";".join(f"src/module_{module}.py" for module in changed),
                }
            )
        )
    return pd.concat(frames, ignore_index=True)


def run(command: Sequence[str], folder: Path, *, standard_input: bytes = b"") -> Spent:
    """Run one process in `folder`; what it says goes to a file there."""
    environment = os.environ | {"CIPREDICT_STORE": "history.duckdb", "CIPREDICT_FORECAST": "forecast.bundle"}
    (folder / "input.txt").write_bytes(standard_input)
    started = time.perf_counter()
    with (folder / "said.txt").open("ab") as said, (folder / "input.txt").open("rb") as given:
        process = subprocess.Popen(
            command, cwd=folder, stdin=given, stdout=subprocess.DEVNULL, stderr=said, env=environment
        )
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError((folder / "said.txt").read_text(encoding="utf-8")[-2000:])
    return Spent(time.perf_counter() - started, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def write_tables(folder: Path, runs: int, cases: int) -> None:
    """Write what comes in each night."""
    table = make_table(runs, cases)
    late = table.run.isin([f"r{n}" for n in range(runs - LATE_RUNS, runs)])
    for name, rows in (("earlier", table[~late]), ("late", table[late])):
        rows.to_parquet(folder / f"{name}.parquet")


def nights(folder: Path, runs: int, cases: int) -> dict[str, Spent]:
    """Train on all but the last runs, then on all with the rows of the night before.

    The tables are made by a process of their own: Linux counts what a parent held as its child's peak.
    """
    maker = get_context("spawn").Process(target=write_tables, args=(folder, runs, cases))
    maker.start()
    maker.join()
    spent = {}
    for name, n_rows in (("earlier", (runs - LATE_RUNS) * cases), ("late", LATE_RUNS * cases)):
        ingest = [CIPREDICT, "ingest", "table", f"{name}.parquet", "--map", MAP, "--repository", "bench"]
        spent[f"ingest table, {n_rows:,} rows"] = run(ingest, folder)
        spent[f"train, {name} runs in"] = run([CIPREDICT, "train"], folder)
    return spent


def row_seconds(folder: Path) -> dict[str, float]:
    """Time the replay alone on the whole history: in full, and with the rows of ten runs before."""
    with open_store(folder / "history.duckdb", read_only=True) as store:
        history = load(store, as_of=datetime.now(UTC)).history
        before = load(store, as_of=history.runs[-LATE_RUNS].started_at).history
    cache, seconds = folder / "bench.rows", {}
    for name, runs, path in (("full", history, None), ("first night", before, cache), ("second night", history, cache)):
        index, started = build_case_index(runs.case_ids), time.process_time()
        collect_rows(runs, index, judge_from=runs.split(0.7), cache=path)
        seconds[name] = round(time.process_time() - started, 3)
    return seconds


def selections(folder: Path, candidates: int, *, rounds: int = 7) -> dict[str, Any]:
    """Publish a bundle of many cases, served by the ensemble, and let `select-tests` choose among them."""
    sys.path.insert(0, str(ROOT / "benchmarks"))
    from cold_start import served_by_the_ensemble, synthetic_history  # noqa: PLC0415  # a script beside this folder

    learned = served_by_the_ensemble(train(*synthetic_history(4000)).learned)
    history, timed = synthetic_history(candidates)
    publish(learned, history, timed, path=folder / "forecast.bundle", now=datetime.now(UTC))
    command = [CIPREDICT, "select-tests", "--changed", "src/module_7.py", "--target", "20%"]
    ids = "\n".join(history.case_ids).encode()
    spent = [run(command, folder, standard_input=ids) for _ in range(rounds)]
    best = min(spent, key=lambda one: one.wall_s)
    return {
        "cases": len(history.case_ids),
        "wall_s": round(median(one.wall_s for one in spent), 3),
        "best_wall_s": round(best.wall_s, 3),
        "cpu_s": round(median(one.cpu_s for one in spent), 3),
        "peak_mb": round(max(one.peak_mb for one in spent)),
        "weights": learned.served["failure"].weights,
    }


def main() -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=500)
    parser.add_argument("--cases", type=int, default=2000)
    parser.add_argument("--candidates", type=int, default=50_000)
    parser.add_argument(
        "--only", choices=("train", "replay", "select"), help="one part; replay needs a --folder of train"
    )
    parser.add_argument("--folder", type=Path, help="work here and leave it")
    asked = parser.parse_args()
    document: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = asked.folder or Path(name)
        folder.mkdir(exist_ok=True)
        if asked.only in {None, "train"}:
            document["processes"] = _show(nights(folder, asked.runs, asked.cases))
        if asked.only in {None, "replay"}:
            document["replay_cpu_s"] = row_seconds(folder)
        if asked.only in {None, "select"}:
            document["select_tests"] = selections(folder, asked.candidates)
    print(json.dumps(document, indent=2))
    return 0


def _show(spent: dict[str, Spent]) -> dict[str, Any]:
    rows = [[what, *(f"{x:.1f}" for x in (s.wall_s, s.cpu_s, s.peak_mb))] for what, s in spent.items()]
    people().print(render_table("A million results", ["step", "wall s", "CPU s", "peak MB"], rows))
    return {what: asdict(one) for what, one in spent.items()}


if __name__ == "__main__":
    raise SystemExit(main())
