"""Cold start of the CI commands, paired with the bare imports on the same machine.

    python benchmarks/cold_start.py [--rounds 7]

Builds a synthetic history of 10,000 cases (and one of 20,000 for `shard`), trains small graphs, publishes, then runs
each command and its yardstick in turn. Prints a table on stderr and JSON on stdout. Wall and CPU seconds are the
medians over the rounds; ratios are medians of paired rounds.
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
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

import numpy as np

from cipredict.forecast.features import ChangeFacts
from cipredict.learn.failure import MODEL
from cipredict.learn.history import History, PastRun
from cipredict.learn.publish import Learned, publish
from cipredict.learn.run_time import TimedRun
from cipredict.learn.train import train
from cipredict.records import Change
from cipredict.render.console import people, render_table

FILES, RUNS = 400, 100


def synthetic_history(n_cases: int) -> tuple[History, list[TimedRun]]:
    """Make a history in which cases fail with the sources they are named after; seeded."""
    generator = np.random.default_rng(0)
    per_file = n_cases // FILES
    ids = [
        f"tests/unit/test_module_{f}.py::TestThing::test_case_{i}[param-{i}]"
        for f in range(FILES)
        for i in range(per_file)
    ]
    start = datetime(2026, 1, 1, tzinfo=UTC)
    runs, slots = [], np.arange(len(ids), dtype=np.int32)
    for number in range(RUNS):
        changed = generator.choice(FILES, 3, replace=False)
        fails = np.isin(slots // per_file, changed[:1]) & (generator.random(len(ids)) < 0.2)
        at = start + timedelta(hours=number)
        runs.append(
            PastRun(
                run_id=str(number),
                started_at=at,
                finished_at=at + timedelta(minutes=10),
                facts=ChangeFacts(
                    tuple(Change(f"src/module_{f}.py", 5, 1) for f in changed), f"pr-{number}", number % 4 == 0
                ),
                event="push",
                slots=slots,
                verdicts=fails.astype(np.int8),
                seconds=generator.gamma(1.0, 0.2, len(ids)).astype(np.float32),
                is_flaky=np.zeros(len(ids), np.bool_),
                wall_s=600.0,
            )
        )
    timed = [TimedRun("ci", i, r.started_at, r.finished_at, r.facts, r.wall_s, 500.0) for i, r in enumerate(runs)]
    return History(ids, runs, runs[-1].finished_at, "bench", "main"), timed


def served_by_the_ensemble(learned: Learned) -> Learned:
    """Give the same, served by its ensemble whoever earned it: the cost of scoring it is to be measured."""
    failure = replace(learned.served["failure"], by=MODEL)
    return replace(learned, served={**learned.served, "failure": failure})


def measure(command: list[str], folder: Path, standard_input: bytes) -> tuple[float, float]:
    """Give wall and CPU seconds of one process."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, cwd=folder, input=standard_input, capture_output=True, check=True, env=os.environ)
    wall = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    cipredict = str(Path(sys.executable).with_name("cipredict"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sizes, inputs = {}, {}
        for cases in (10_000, 20_000):
            history, timed = synthetic_history(cases)
            bundle = folder / f"{cases}.bundle"
            learned = served_by_the_ensemble(train(history, timed).learned)
            publish(learned, history, timed, path=bundle, now=datetime.now(UTC))
            sizes[cases] = bundle.stat().st_size
            inputs[cases] = "\n".join(history.case_ids).encode()
        select = [
            cipredict,
            "select-tests",
            "--changed",
            "src/module_7.py",
            "--target",
            "20%",
            "--forecast",
            "10000.bundle",
        ]
        shard = [cipredict, "shard", "--shards", "16", "--index", "0", "--forecast", "20000.bundle"]
        pairs = {
            "select-tests, 10,000 cases": (select, inputs[10_000], [sys.executable, "-c", "import numpy, onnxruntime"]),
            "shard, 20,000 cases": (shard, inputs[20_000], [sys.executable, "-c", "pass"]),
            "--help": ([cipredict, "--help"], b"", [sys.executable, "-c", "pass"]),
        }
        results = {}
        for label, (command, standard_input, yardstick) in pairs.items():
            own, other = [], []
            for _ in range(rounds):
                own.append(measure(command, folder, standard_input))
                other.append(measure(yardstick, folder, b""))
            results[label] = {
                "wall_s": round(median(w for w, _ in own), 4),
                "cpu_s": round(median(c for _, c in own), 4),
                "yardstick_wall_s": round(median(w for w, _ in other), 4),
                "wall_ratio": round(median(a[0] / b[0] for a, b in zip(own, other, strict=True)), 2),
            }
    rows = [
        [label, *(f"{r[k]:.3f}" for k in ("wall_s", "cpu_s", "yardstick_wall_s", "wall_ratio"))]
        for label, r in results.items()
    ]
    people().print(render_table("Cold start", ["command", "wall s", "CPU s", "yardstick wall s", "ratio"], rows))
    print(json.dumps({"results": results, "bundle_bytes": sizes}, indent=2))


if __name__ == "__main__":
    main()
