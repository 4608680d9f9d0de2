"""Real pytest processes with a real Redis server: the door in use, and what its loss does."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from cipredict.decide.division import ShardOptions
from cipredict.decide.shard import plan_shards
from cipredict.forecast.interface import Basis, DurationForecast
from cipredict.plans.document import MadeFrom, write_plan

CASES = 16
SUITE = f"""
import time
import pytest
@pytest.mark.parametrize("at", range({CASES}))
def test_p(at):
    with open("ran.txt", "a") as log: log.write(f"{{at}}\\n")
    time.sleep(0.1)
"""


@pytest.fixture(autouse=True)
def _suite(tmp_path: Path) -> None:
    (tmp_path / "test_a.py").write_text(SUITE)
    cases = [DurationForecast(f"test_a.py::test_p[{at}]", 1.0, 0.5, 2.0, Basis.HISTORY, 3) for at in range(CASES)]
    plan = plan_shards(cases, 2, made_from=MadeFrom("0"), options=ShardOptions(tail_share=0.2))
    write_plan(tmp_path / "plan.json", plan.to_document())


def start(folder: Path, shard: int, url: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "pytest", "-q", "-p", "cipredict", "-p", "no:cacheprovider"),
            *("--cipredict-plan=plan.json", f"--cipredict-shard={shard}/2"),
            *(f"--cipredict-queue={url}?lease=5s", f"--cipredict-build={folder}"),
        ],
        cwd=folder,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": ""},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_two_shards_share_a_redis_queue(tmp_path: Path, redis_url: str) -> None:
    processes = [start(tmp_path, shard, redis_url) for shard in (1, 2)]
    outputs = [process.communicate(timeout=120)[0] for process in processes]

    assert [process.returncode for process in processes] == [0, 0], outputs
    assert Counter((tmp_path / "ran.txt").read_text().split()) == Counter(map(str, range(CASES)))
    assert "cipredict: queue: " in outputs[0]


@pytest.mark.usefixtures("redis_url")  # skips where there is no server
def test_a_server_that_dies_in_mid_run_makes_the_session_red(tmp_path: Path) -> None:
    """A server of its own, as the other one is needed again."""
    program = shutil.which("redis-server")
    assert program is not None
    socket = tmp_path / "redis.sock"
    server = subprocess.Popen(
        [program, "--port", "0", "--unixsocket", str(socket), "--save", ""], cwd=tmp_path, stdout=subprocess.DEVNULL
    )
    try:
        while not socket.exists():
            time.sleep(0.05)
        process = start(tmp_path, 1, f"unix://{socket}")
        while not (tmp_path / "ran.txt").exists():
            assert process.poll() is None
            time.sleep(0.05)
    finally:
        server.send_signal(signal.SIGKILL)
        server.wait()
    output = process.communicate(timeout=120)[0]

    assert process.returncode == pytest.ExitCode.TESTS_FAILED
    assert "The Redis server cannot be used" in output
    assert "[plugin-queue-lost]" in output
