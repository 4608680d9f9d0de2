from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from cipredict.act.measuring import last_processor, run_command
from cipredict.errors import UsageError

needs_affinity = pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system cannot pin")


def test_a_command_runs_where_it_is_told(tmp_path: Path) -> None:
    run_command([sys.executable, "-c", "open('x', 'w')"], cwd=tmp_path, timeout_s=30)
    run_command("echo y > y", cwd=tmp_path, timeout_s=30)

    assert sorted(file.name for file in tmp_path.iterdir()) == ["x", "y"]


@needs_affinity
def test_it_is_pinned_and_we_are_not(tmp_path: Path) -> None:
    before = os.sched_getaffinity(0)
    code = "import os; print(len(os.sched_getaffinity(0)), file=open('x', 'w'))"
    run_command([sys.executable, "-c", code], cwd=tmp_path, timeout_s=30, processor=last_processor())

    assert (tmp_path / "x").read_text() == "1\n"
    assert os.sched_getaffinity(0) == before


@pytest.mark.parametrize(
    ("command", "told"),
    [
        pytest.param(["no-such-program"], "cannot be started", id="missing"),
        pytest.param("echo first; echo why; exit 3", "failed with 3: first / why", id="failing"),
        pytest.param("exit 1", "no output", id="silent"),
        pytest.param("sleep 30", "did not end within", id="too slow"),
    ],
)
def test_what_goes_wrong_is_one_line(tmp_path: Path, command: list[str] | str, told: str) -> None:
    with pytest.raises(UsageError, match=told) as caught:
        run_command(command, cwd=tmp_path, timeout_s=0.5)

    assert "\n" not in str(caught.value)


def test_what_the_command_left_running_is_ended(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        run_command("(sleep 30 & echo $! > pid; wait)", cwd=tmp_path, timeout_s=1.0)
    pid = int((tmp_path / "pid").read_text())
    for _ in range(50):
        state = Path(f"/proc/{pid}/stat")
        if not state.exists() or state.read_text().split()[2] == "Z":
            return
        time.sleep(0.05)
    pytest.fail(f"process {pid} still runs")
