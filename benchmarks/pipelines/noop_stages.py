"""What the runner itself costs: stages that do nothing, here and on a Dask cluster of this machine.

Run: ``python -m benchmarks.pipelines.noop_stages [--stages 1000] [--dask 200]``. Chains side by side: each stage needs
the one ten before it. Seconds of wall, and of CPU with all processes that were started; a stage is a real `true`.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from cipredict.act.cluster.executor import open_cluster
from cipredict.act.stages.attempts import run_commands
from cipredict.act.stages.interface import Executor, Limits, RunFolder, Stage
from cipredict.act.stages.runner import run_stages
from cipredict.render.plain import plain_table

PROMISE_S = 10.0


def stages(count: int) -> Sequence[Stage]:
    names = [f"stage {number}" for number in range(count)]
    return [
        Stage(name, (("true",),), needs=(names[at - 10],) if at >= 10 else (), inputs=())
        for at, name in enumerate(names)
    ]


def measure(count: int, slots: int, executor: Executor = run_commands) -> tuple[float, float]:
    """Give wall and CPU seconds of a run."""
    with tempfile.TemporaryDirectory(prefix="cipredict-") as name:
        folder = RunFolder(Path(name) / "runs" / "1", Path(name))
        wall_s, cpu_s = time.monotonic(), sum(os.times()[:4])
        result = run_stages(stages(count), folder, limits=Limits({"slots": slots}), tree_id="", executor=executor)
        assert result.is_green
        return time.monotonic() - wall_s, sum(os.times()[:4]) - cpu_s


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stages", type=int, default=1000)
    parser.add_argument("--dask", type=int, default=200, help="stages on the cluster; 0 leaves it out")
    arguments = parser.parse_args()
    wall_s, cpu_s = measure(arguments.stages, slots=8)
    rows = [("here", str(arguments.stages), f"{wall_s:.2f}", f"{cpu_s:.2f}", f"{1000 * wall_s / arguments.stages:.1f}")]
    if arguments.dask:
        with open_cluster(None, workers=2) as cluster:
            measure(4, 2, cluster)  # workers import what they need once
            dask_s, _ = measure(arguments.dask, 2, cluster)
        rows.append(
            ("dask, 2 workers", str(arguments.dask), f"{dask_s:.2f}", "-", f"{1000 * dask_s / arguments.dask:.1f}")
        )
    print(plain_table("Stages that do nothing", ("executor", "stages", "wall s", "CPU s", "ms per stage"), rows))
    scaled_s = wall_s * 1000 / arguments.stages
    print(f"\n1,000 stages under {PROMISE_S:g} s: {scaled_s:.2f} s, {'kept' if scaled_s < PROMISE_S else 'NOT KEPT'}.")
    return 0 if scaled_s < PROMISE_S else 1


if __name__ == "__main__":
    sys.exit(main())
