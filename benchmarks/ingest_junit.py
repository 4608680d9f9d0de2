"""What reading JUnit costs: CPU against a bare lxml walk over the same bytes, and peak memory as the file grows.

Run: ``python benchmarks/ingest_junit.py [--cases 200000] [--rounds 5]``. Every measurement is a process of its own;
the walks take turns, and the best round of each counts. Table on stderr, JSON on stdout.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

WALKS = {
    "bare iterparse": "for _, element in etree.iterparse(path, tag='testcase'): element.clear()",
    "cipredict": "with open(path, 'rb') as stream:\n    for item in read_junit(stream, source='big', key=key): pass",
}
CHILD = """
import json, resource, sys, time
from lxml import etree
from cipredict.ingest.junit import read_junit
from cipredict.records import RunKey
path, key = sys.argv[1], RunKey('local', 'benchmark', '1')
begin = time.process_time()
{walk}
print(json.dumps([time.process_time() - begin, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024]))
"""


def write_report(path: Path, cases: int) -> None:
    """Write what pytest writes: one suite, a failure in fifty with its traceback, a skip in thirty-three."""
    traceback = "E   assert 1 == 2\n" * 20
    with path.open("w", encoding="utf-8") as file:
        file.write('<?xml version="1.0" encoding="utf-8"?><testsuites name="pytest tests">')
        file.write(f'<testsuite name="pytest" tests="{cases}" time="1" timestamp="2026-11-23T21:37:31.246762+00:00">')
        for number in range(cases):
            module = number // 40
            seconds = number * 7919 % 1000 / 1000
            file.write(f'<testcase classname="tests.unit.package{module % 37}.test_module{module}.TestThing" ')
            file.write(f'name="test_case[{number % 40}]" time="{seconds:.3f}"')
            if number % 50 == 0:
                file.write(f'><failure message="assert 1 == 2">{traceback}</failure></testcase>')
            elif number % 33 == 0:
                file.write('><skipped type="pytest.skip" message="no">no</skipped></testcase>')
            else:
                file.write(" />")
        file.write("</testsuite></testsuites>")


def measure(walk: str, path: Path) -> tuple[float, int]:
    """Give CPU seconds and peak bytes of one walk in a fresh process."""
    command = [sys.executable, "-c", CHILD.format(walk=WALKS[walk]), str(path)]
    cpu_s, peak_bytes = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return cpu_s, peak_bytes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for factor in (1, 4):
            path = Path(folder) / f"{factor}.xml"
            write_report(path, factor * options.cases)
            best: dict[str, tuple[float, int]] = {}
            for _ in range(options.rounds):
                for walk in WALKS:
                    best[walk] = min(best.get(walk, (float("inf"), 0)), measure(walk, path))
            rows.append(
                {
                    "cases": factor * options.cases,
                    "size_bytes": path.stat().st_size,
                    "cpu_s": {walk: round(best[walk][0], 3) for walk in WALKS},
                    "cpu_ratio": round(best["cipredict"][0] / best["bare iterparse"][0], 2),
                    "peak_bytes": {walk: best[walk][1] for walk in WALKS},
                }
            )
    print(
        f"{'cases':>8} {'MB':>6} {'bare s':>7} {'ours s':>7} {'ratio':>6} {'bare MB':>8} {'ours MB':>8}",
        file=sys.stderr,
    )
    for row in rows:
        cpu, peak = row["cpu_s"], row["peak_bytes"]
        print(
            f"{row['cases']:>8} {row['size_bytes'] / 1e6:>6.0f} {cpu['bare iterparse']:>7.2f} {cpu['cipredict']:>7.2f}"
            f" {row['cpu_ratio']:>6.2f} {peak['bare iterparse'] / 1e6:>8.0f} {peak['cipredict'] / 1e6:>8.0f}",
            file=sys.stderr,
        )
    print(json.dumps(rows, indent=2))


if __name__ == "__main__":
    main()
