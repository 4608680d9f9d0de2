"""Peak memory of the whole `cipredict ingest junit` on one report of a gigabyte, store included.

Run: ``python benchmarks/ingest/big_report.py [--megabytes 1000] [--shape long_failures]``. The report and the store
are made in a temporary folder and deleted. Table on stderr, JSON on stdout; exit 1 above 300 MB.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from shapes import SHAPES, write_report

LIMIT_BYTES = 300 * 1000**2


def cases_for(shape: str, size_bytes: int) -> int:
    """Give how many cases of a shape make a report of that size."""
    sample = 20_000
    return size_bytes * sample // sum(map(len, SHAPES[shape](sample)))


def ingest(path: Path, folder: Path) -> tuple[float, float, int]:
    """Give wall seconds, CPU seconds and peak bytes of the command."""
    command = [sys.executable, "-m", "cipredict", "ingest", "junit", str(path), "--repository", "a/b", "--run-id", "1"]
    begin = time.monotonic()
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status) != 0:
        sys.exit("The ingest failed.")
    return time.monotonic() - begin, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=1000)
    parser.add_argument("--shape", choices=SHAPES, action="append")
    options = parser.parse_args()
    rows = []
    for shape in options.shape or ["long_failures", "surefire"]:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            path = folder / "report.xml"
            cases = cases_for(shape, options.megabytes * 1000**2)
            write_report(path, cases, shape=shape)
            size_bytes = path.stat().st_size
            wall_s, cpu_s, peak_bytes = ingest(path, folder)
            row = {"shape": shape, "cases": cases, "size_bytes": size_bytes, "peak_bytes": peak_bytes}
            rows.append({**row, "wall_s": round(wall_s, 1), "cpu_s": round(cpu_s, 1)})
            print(
                f"{shape:>14} {cases:>9} cases {size_bytes / 1e6:>6.0f} MB: {peak_bytes / 1e6:.0f} MB peak,"
                f" {wall_s:.0f} s wall, {cpu_s:.0f} s CPU",
                file=sys.stderr,
            )
    print(json.dumps(rows, indent=2))
    sys.exit(any(row["peak_bytes"] > LIMIT_BYTES for row in rows))


if __name__ == "__main__":
    main()
