"""The queue for real: pytest processes over a suite of sleeping tests whose times differ from the forecast.

Run: ``python -m benchmarks.prediction.tail_queue_live [--queue redis] > tail_queue_live.json``; `redis` starts a
`redis-server` of its own, `dir` needs nothing. Table on stderr, JSON on stdout.

static         each process runs its shard of the plan
queue          the same plan with its tail in a queue, idle shards help
queue, killed  one process is killed (SIGKILL) after a while: the others take over what it had not finished. Then it is
               retried and replays what it had finished, so that the build is green

Wall seconds are those of the slowest process, from its first case to its last, so that starting Python four times on a
busy machine is left out. For the killed run they also contain the lease, after which the others know.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.shard_plans import show
from cipredict.decide.division import ShardOptions
from cipredict.decide.shard import plan_shards
from cipredict.forecast.interface import Basis, DurationForecast
from cipredict.plans.document import MadeFrom, write_plan

PROCESSES = 4
CASES = 240
LEASE_S = 3
SUITE = """
import json, os, time
import pytest
SECONDS = json.load(open("seconds.json"))

@pytest.mark.parametrize("at", range(len(SECONDS)))
def test_case(at):
    begin = time.time()
    time.sleep(SECONDS[at])
    with open(os.environ["LOG"], "a") as log:
        log.write(json.dumps([os.environ["SHARD"], at, begin, time.time()]) + "\\n")
"""
Run = tuple[str, int, float, float]
"""Shard, case, begin and end."""


def make_suite(folder: Path) -> list[float]:
    """Write a suite, its plan by the forecast, and the times it really takes: log-normal errors, as of real suites."""
    dice = random.Random(4)  # noqa: S311  # a made-up suite
    forecast = [min(3.0, dice.lognormvariate(-1.9, 1.1)) for _ in range(CASES)]
    real = [min(4.0, seconds * dice.lognormvariate(0.0, 0.5)) for seconds in forecast]
    cases = [
        DurationForecast(f"test_sleep.py::test_case[{at}]", seconds, seconds / 2, seconds * 2, Basis.HISTORY, 5)
        for at, seconds in enumerate(forecast)
    ]
    plan = plan_shards(cases, PROCESSES, made_from=MadeFrom("benchmark"), options=ShardOptions(tail_share=0.15))
    write_plan(folder / "plan.json", plan.to_document())
    (folder / "seconds.json").write_text(json.dumps(real))
    (folder / "test_sleep.py").write_text(SUITE)
    return real


def start(folder: Path, shard: int, *, log: str, queue: str = "", build: str = "") -> subprocess.Popen[str]:
    options = [f"--cipredict-queue={queue}", f"--cipredict-build={build}"] if queue else []
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "pytest", "-q", "-p", "cipredict", "-p", "no:cacheprovider"),
            *("--cipredict-plan=plan.json", f"--cipredict-shard={shard}/{PROCESSES}", *options),
        ],
        cwd=folder,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "SHARD": str(shard), "LOG": log},
        stdout=subprocess.PIPE,
        text=True,
    )


def read_log(path: Path) -> list[Run]:
    return [tuple(json.loads(line)) for line in path.read_text().splitlines()] if path.exists() else []


def finish(processes: Sequence[subprocess.Popen[str]]) -> list[int]:
    for process in processes:
        process.communicate(timeout=300)
    return [process.returncode for process in processes]


def summary(name: str, runs: Sequence[Run], *, real: Sequence[float], codes: Sequence[int]) -> dict[str, object]:
    shards = sorted({run[0] for run in runs})
    spans = [
        max(run[3] for run in runs if run[0] == shard) - min(run[2] for run in runs if run[0] == shard)
        for shard in shards
    ]
    bound_s = max(sum(real) / PROCESSES, *real)
    times = Counter(run[1] for run in runs)
    return {
        "run": name,
        "wall_s": max(spans),
        "first_done_s": min(spans),
        "bound_s": bound_s,
        "ratio": max(spans) / bound_s,
        "missing": sum(not times[at] for at in range(CASES)),
        "twice": sum(count > 1 for count in times.values()),
        "exit_codes": " ".join(map(str, codes)),
    }


def run_all(folder: Path, real: Sequence[float], *, name: str, queue: str = "") -> dict[str, object]:
    log = f"{name}.log"
    processes = [start(folder, shard, log=log, queue=queue, build=name) for shard in range(1, PROCESSES + 1)]
    codes = finish(processes)
    return summary(name, read_log(folder / log), real=real, codes=codes)


def run_and_kill(folder: Path, real: Sequence[float], *, queue: str) -> list[dict[str, object]]:
    """Kill one process in mid-run and retry it; a killed attempt's report is lost, so only its retry counts for it."""
    name, log = "queue, killed", folder / "killed.log"
    processes = [start(folder, shard, log=str(log), queue=queue, build=name) for shard in range(1, PROCESSES + 1)]
    while sum(run[0] == "1" for run in read_log(log)) < CASES // PROCESSES // 4:
        time.sleep(0.05)
    processes[0].send_signal(signal.SIGKILL)
    codes = finish(processes)
    runs = read_log(log)
    retry = start(folder, 1, log=str(folder / "retry.log"), queue=queue, build=name)
    codes[0] = finish([retry])[0]
    replayed = read_log(folder / "retry.log")
    green = [run for run in runs if run[0] != "1"] + replayed
    killed = summary(name, [run for run in runs if run[0] != "1"], real=real, codes=codes[1:])
    done_before = len([run for run in runs if run[0] == "1"])
    missing = f"{killed['missing']} (done by the killed: {done_before})"
    return [
        {**killed, "missing": missing},
        {**summary("with its retry", green, real=real, codes=codes), "wall_s": "", "ratio": ""},
    ]


@contextmanager
def queue_server(kind: str, folder: Path) -> Iterator[str]:
    """Give the address of a queue, which a server holds for as long as this lasts."""
    parameters = f"?lease={LEASE_S}s"
    if kind == "dir":
        yield f"dir:{folder / 'queue'}{parameters}"
        return
    program = shutil.which("redis-server")
    if program is None:
        raise SystemExit("redis-server is not on PATH; try --queue dir")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        time.sleep(1.0)
        yield f"redis://127.0.0.1:{port}/0{parameters}"
    finally:
        server.terminate()
        server.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--queue", choices=("dir", "redis"), default="redis")
    options = parser.parse_args()
    with TemporaryDirectory() as name:
        folder = Path(name)
        real = make_suite(folder)
        with queue_server(options.queue, folder) as queue:
            rows = [
                run_all(folder, real, name="static"),
                run_all(folder, real, name="queue", queue=queue),
                *run_and_kill(folder, real, queue=queue),
            ]
    columns = ("run", "wall_s", "first_done_s", "bound_s", "ratio", "missing", "twice", "exit_codes")
    show(f"{PROCESSES} processes, {CASES} cases, queue: {options.queue}", rows, columns)
    print(json.dumps({"queue": options.queue, "lease_s": LEASE_S, "runs": rows}, indent=2))


if __name__ == "__main__":
    main()
