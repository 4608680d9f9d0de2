"""Is the band beside the durations honest? Public projects, each run forecast from those that had ended before it.

Run: ``python -m benchmarks.report.bands [--data ../shared/data/runs]``. Prints, per project, the share of runs inside
the interval that promises 90 %, the share above it (the runs that a reader should look at), how wide it is (upper over
lower end, median), and beside it the naive band: the 5 % and 95 % quantiles of the 20 runs before.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import fmean, median

import numpy as np

from benchmarks.prediction.run_time import read_runs
from cipredict.learn.run_bands import RunBand, replay_run_bands
from cipredict.learn.run_time import TimedRun

WARM = 20


def naive(runs: Sequence[TimedRun]) -> Iterator[RunBand]:
    for number, run in enumerate(runs):
        before = [one.wall_s for one in runs[max(0, number - 20) : number]]
        if before:
            low, middle, high = np.quantile(before, (0.05, 0.5, 0.95))
            yield RunBand(run, float(middle), float(low), float(high))


def measure(bands: Sequence[RunBand]) -> tuple[float, float, float]:
    """Give the shares inside and above, and the width."""
    inside = fmean(one.is_inside for one in bands)
    above = fmean(one.run.wall_s > one.high_s for one in bands)
    return inside, above, median((one.high_s + 1) / (one.low_s + 1) for one in bands)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, default=Path(__file__).parents[3] / "shared" / "data" / "runs")
    options = parser.parse_args()
    print(f"{'project':40} {'runs':>6} {'inside':>8} {'above':>7} {'width':>7} | naive: inside  above  width")
    for path in sorted(options.data.glob("*/processed/*.csv")):
        runs = read_runs(path)
        ours, theirs = (measure(list(found)[WARM:]) for found in (replay_run_bands(runs, coverage=0.9), naive(runs)))
        print(f"{path.stem:40} {len(runs):6} {ours[0]:8.1%} {ours[1]:7.1%} {ours[2]:7.2f} | ", end="")
        print(f"{theirs[0]:13.1%} {theirs[1]:6.1%} {theirs[2]:6.2f}")


if __name__ == "__main__":
    main()
