"""`cache advise` on a made-up repository with real lock file syntax: what it costs, and coverage checked independently.

Run: ``python benchmarks/cache/advise.py [--commits 1500] [--packages 300] [--every 9]``. Every so many commits a
twentieth of the packages of a uv.lock moves on. The independent figures come from the versions that were written, by
sets and a loop of a few lines; exits 1 where coverage or bloat differs by more than 0.0005.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import fmean

from cipredict.cache_history import read_histories
from cipredict.cache_stages import CacheStage
from cipredict.decide.caching.designs import DESIGNS
from cipredict.decide.caching.replay import replay

START_S, STEP_S = 1_700_000_000, 4 * 3600


def lock_text(versions: dict[str, int]) -> str:
    """Write as uv does: three wheels and a source archive per package."""
    parts = ["version = 1\n"]
    for name, version in sorted(versions.items()):
        files = "".join(
            f'    {{ url = "https://files.example/{name}-{version}-{tag}.whl", hash = "{version:064x}", size = 1 }},\n'
            for tag in ("a", "b", "c")
        )
        parts.append(
            f'\n[[package]]\nname = "{name}"\nversion = "{version}.0"\n'
            f'source = {{ registry = "https://index.example" }}\n'
            f'sdist = {{ url = "https://files.example/{name}-{version}.0.tar.gz", hash = "sha256:0", size = 1 }}\n'
            f"wheels = [\n{files}]\n"
        )
    return "".join(parts)


def make_repository(root: Path, versions: list[dict[str, int]]) -> None:
    """Import a commit per state of the packages, in one process."""
    subprocess.run(["git", "init", "-q", "-b", "main"], cwd=root, check=True)
    stream, previous = [], None
    for number, state in enumerate(versions):
        stream.append(f"commit refs/heads/main\ncommitter a <a@b> {START_S + number * STEP_S} +0000\ndata 1\nx\n")
        files = {f"src/{number % 40}/a.py": str(number)}
        if state != previous:
            files["uv.lock"] = lock_text(state)
        for path, text in files.items():
            stream.append(f"M 100644 inline {path}\ndata {len(text.encode())}\n{text}\n")
        previous = state
    subprocess.run(["git", "fast-import", "--quiet"], cwd=root, check=True, input="".join(stream).encode())
    subprocess.run(["git", "reset", "-q", "--hard"], cwd=root, check=True)


def independent(versions: list[dict[str, int]]) -> tuple[float, float]:
    """Give coverage and bloat of lock+restore: every run follows within hours, so nothing expires that is not idle."""
    saved: dict[tuple[tuple[str, int], ...], list[object]] = {}  # lock → [created, used, content]
    coverage, bloat = [], []
    for number, state in enumerate(versions):
        now = number * STEP_S
        saved = {lock: entry for lock, entry in saved.items() if now - entry[1] <= 7 * 86400}  # type: ignore[operator]
        lock, needed = tuple(sorted(state.items())), set(state.items())
        key = lock if lock in saved else max(saved, key=lambda one: saved[one][0], default=None)
        held: set[tuple[str, int]] = set(saved[key][2]) if key else set()  # type: ignore[call-overload]
        if key:
            saved[key][1] = now
            bloat.append(len(held) / len(needed))
        coverage.append(len(held & needed) / len(needed))
        if lock not in saved:
            saved[lock] = [now, now, held | needed]
    return fmean(coverage), fmean(bloat[-300:])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--commits", type=int, default=1500)
    parser.add_argument("--packages", type=int, default=300)
    parser.add_argument("--every", type=int, default=9)
    arguments = parser.parse_args()
    chance = random.Random(0)  # noqa: S311  # not a secret
    state = {f"package-{number}": 1 for number in range(arguments.packages)}
    versions = []
    for number in range(arguments.commits):
        if number % arguments.every == 0:
            state = state | {name: state[name] + 1 for name in chance.sample(sorted(state), len(state) // 20)}
        versions.append(state)
    stage = CacheStage("deps", key_files=("uv.lock",), manifest_files=("pyproject.toml",), source_files=("src/**",))
    with tempfile.TemporaryDirectory(prefix="cipredict-") as name:
        make_repository(Path(name), versions)
        wall, cpu = time.perf_counter(), time.process_time()
        [history] = read_histories(Path(name), [stage], commits=arguments.commits, patterns={})
        print(f"reading: {time.perf_counter() - wall:.2f} s wall, {time.process_time() - cpu:.2f} s of our CPU")
    for design in DESIGNS.values():
        cpu = time.process_time()
        found = replay(design, history.snapshots)
        seconds = time.process_time() - cpu
        print(f"{design.name:13} coverage {found.coverage:.4f}  bloat {found.bloat or 0:.3f}  {seconds:.3f} s of CPU")
        if design.name == "lock+restore":
            ours = (found.coverage or 0.0, found.bloat or 0.0)
    expected = independent(versions)
    off = max(abs(a - b) for a, b in zip(ours, expected, strict=True))
    print(f"independently: coverage {expected[0]:.4f}  bloat {expected[1]:.3f}; largest difference {off:.5f}")
    return 1 if off > 0.0005 else 0


if __name__ == "__main__":
    sys.exit(main())
