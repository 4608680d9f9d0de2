"""Analyse 1,000 Dockerfiles without history, as `cipredict container analyze` does; the limit is 10 seconds.

python benchmarks/container/many.py [--count 1000]
"""

from __future__ import annotations

import argparse
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SAMPLES = Path(__file__).parents[2] / "data" / "samples" / "dockerfiles"
LIMIT_S = 10.0


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--count", type=int, default=1000)
    count = options.parse_args().count
    kinds = [
        "python-pip",
        "node-pnpm",
        "go-make",
        "rust-cargo",
        "uv-bind-mounts",
        "java-maven",
        "heredoc-run",
        "flags-copy",
    ]
    root = Path(tempfile.mkdtemp())
    for number in range(count):
        folder = root / f"{number % 50}"
        folder.mkdir(exist_ok=True)
        shutil.copy(SAMPLES / f"Dockerfile.{kinds[number % len(kinds)]}", folder / f"Dockerfile.{number}")
        for name in ("requirements.txt", "package.json", "go.mod", "a.py"):
            (folder / name).touch()
    paths = sorted(map(str, root.rglob("Dockerfile.*")))
    command = [sys.executable, "-m", "cipredict", "container", "analyze", "--history", "0", "--format", "json", *paths]
    started = time.perf_counter()
    done = subprocess.run(command, capture_output=True, check=False)
    wall = time.perf_counter() - started

    cpu = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"{count} Dockerfiles: {wall:.1f} s wall, {cpu.ru_utime + cpu.ru_stime:.1f} s CPU, exit {done.returncode}")
    if done.returncode or cpu.ru_utime + cpu.ru_stime > LIMIT_S:
        print(done.stderr.decode()[-2000:])
        sys.exit(1)


if __name__ == "__main__":
    main()
