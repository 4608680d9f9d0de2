"""What reading JUnit costs: CPU against a bare lxml walk and against junitparser, and peak memory as the file grows.

Run: ``python benchmarks/ingest/junit.py [--cases 200000] [--rounds 5]``. Every measurement is a process of its own;
the walks take turns, and the best round of each counts. Table on stderr, JSON on stdout. junitparser holds the whole
tree, so it is measured on the smallest report only.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from shapes import SHAPES, write_report

WALKS = {
    "bare": "for _, element in etree.iterparse(path, tag='testcase', huge_tree=True): element.clear()",
    "ours": "with open(path, 'rb') as stream:\n    for item in read_junit(stream, source='big', key=key): pass",
    "junitparser": "for suite in JUnitXml.fromfile(path):\n"
    "    for case in suite: case.name, case.classname, case.time, case.result",
}
CHILD = """
import json, resource, sys, time
from lxml import etree
from junitparser import JUnitXml
from cipredict.ingest.junit import read_junit
from cipredict.records import RunKey
path, key = sys.argv[1], RunKey('local', 'benchmark', '1')
begin = time.process_time()
{walk}
print(json.dumps([time.process_time() - begin, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024]))
"""


def measure(walk: str, path: Path) -> tuple[float, int]:
    """Give CPU seconds and peak bytes of one walk in a fresh process."""
    command = [sys.executable, "-c", CHILD.format(walk=WALKS[walk]), str(path)]
    cpu_s, peak_bytes = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return cpu_s, peak_bytes


def compare(path: Path, walks: list[str], rounds: int) -> dict[str, tuple[float, int]]:
    """Give the best round of each walk."""
    best: dict[str, tuple[float, int]] = {}
    for _ in range(rounds):
        for walk in walks:
            best[walk] = min(best.get(walk, (float("inf"), 0)), measure(walk, path))
    return best


def describe(shape: str, cases: int, path: Path, *, best: dict[str, tuple[float, int]]) -> dict[str, object]:
    """Give one row of the result."""
    ours = best["ours"][0]
    row: dict[str, object] = {
        "shape": shape,
        "cases": cases,
        "size_bytes": path.stat().st_size,
        "cpu_s": {walk: round(cpu_s, 3) for walk, (cpu_s, _) in best.items()},
        "peak_bytes": {walk: peak_bytes for walk, (_, peak_bytes) in best.items()},
        "cpu_ratio": round(ours / best["bare"][0], 2),
    }
    if "junitparser" in best:
        row["times_faster_than_junitparser"] = round(best["junitparser"][0] / ours, 1)
    print(
        f"{shape:>14} {cases:>8} {path.stat().st_size / 1e6:>6.0f}"
        f" {best['bare'][0]:>7.2f} {ours:>7.2f} {row['cpu_ratio']:>6}"
        f" {best['ours'][1] / 1e6:>8.0f} {row.get('times_faster_than_junitparser', ''):>12}",
        file=sys.stderr,
    )
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--shape", choices=SHAPES, action="append")
    options = parser.parse_args()
    print(
        f"{'shape':>14} {'cases':>8} {'MB':>6} {'bare s':>7} {'ours s':>7} {'ratio':>6} {'ours MB':>8}"
        f" {'junitparser':>12}",
        file=sys.stderr,
    )
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for shape in options.shape or SHAPES:
            for factor in (1, 4) if shape == "pytest_xunit2" else (1,):
                path = Path(folder) / "report.xml"
                cases = factor * options.cases
                write_report(path, cases, shape=shape)
                walks = list(WALKS) if factor == 1 else ["bare", "ours"]
                rows.append(describe(shape, cases, path, best=compare(path, walks, options.rounds)))
    print(json.dumps(rows, indent=2))


if __name__ == "__main__":
    main()
