"""What an ingest survives: 50 kills, a second ingest at the same time, a full disk. The store must come out the same.

Among the reports is one stored in parts, and one that was, in a store that holds all of them already, and is no more.

Run: ``python benchmarks/ingest/faults.py [--kills 50] [--files 500] [--cases 200] [--seed 1]``. Table on stderr, JSON
on stdout, exit 1 if anything was lost. A full disk is a small tmpfs where mounting one is allowed, else skipped.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from shapes import write_report
from store_content import read_content

HUGE_CASES = 25_000
"""Stored in five parts, and more than an ingest holds before it lets the store go."""

Outcome = dict[str, object]


def start_ingest(paths: Sequence[str], store: Path, folder: Path) -> subprocess.Popen[str]:
    """Start the command as a user would."""
    run = ["--repository", "a/b", "--run-id", "1", "--store", str(store)]
    command = [sys.executable, "-m", "cipredict", "ingest", "junit", *paths, *run]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def ingest(paths: Sequence[str], store: Path, folder: Path) -> tuple[int, str]:
    """Give the exit code of the command and what it said."""
    process = start_ingest(paths, store, folder)
    _, said = process.communicate()
    return process.returncode, said


def write_reports(folder: Path, files: int, cases: int) -> Path:
    """Write small reports, a huge one, and one that was huge when a store took it in; give that store."""
    for half in ("reports/a", "reports/b"):
        (folder / half).mkdir(parents=True)
        for number in range(files // 2):
            write_report(folder / half / f"{number}.xml", cases)
    write_report(folder / "reports/a/huge.xml", HUGE_CASES)
    write_report(folder / "reports/b/shrinks.xml", HUGE_CASES)
    before = folder / "before.duckdb"
    ingest(["reports"], before, folder)
    write_report(folder / "reports/b/shrinks.xml", cases)
    return before


def kill_and_resume(folder: Path, before: Path, kills: int, *, chosen: random.Random) -> Outcome:
    """Kill an ingest at random moments of one undisturbed run's length, then run it to its end.

    A moment after the end of the ingest is drawn again: each of the kills counted hit a living process.
    """
    calm, store = folder / "calm.duckdb", folder / "killed.duckdb"
    shutil.copy(before, calm)
    begin = time.monotonic()
    ingest(["reports"], calm, folder)
    whole_s = time.monotonic() - begin
    expected = read_content(calm)
    ingest(["reports"], folder / "fresh.duckdb", folder)
    fresh = read_content(folder / "fresh.duckdb")
    lost = int(any(fresh[table] != expected[table] for table in ("batches", "case_runs", "reports")))
    landed = draws = in_store = 0
    while landed < kills:
        draws += 1
        shutil.copy(before, store)
        process = start_ingest(["reports"], store, folder)
        time.sleep(chosen.uniform(0, whole_s))
        process.kill()
        if process.wait() != 0:
            landed += 1
            in_store += store.with_name(f"{store.name}.wal").exists() or store.read_bytes() != before.read_bytes()
            code, said = ingest(["reports"], store, folder)
            if code != 0 or read_content(store) != expected:
                print(f"lost after a kill: {said}", file=sys.stderr)
                lost += 1
        for left in folder.glob("*killed.duckdb*"):
            left.unlink()
    facts = {"kills": landed, "draws": draws, "after_the_first_write": in_store, "lost": lost}
    return {**facts, "calm_s": round(whole_s, 1)}


def two_at_once(folder: Path, first: Sequence[str], second: Sequence[str]) -> Outcome:
    """Run two ingests at the same time: both must end well, and the store must hold the union."""
    names = sorted({*first, *second})
    ingest(names, folder / "union.duckdb", folder)
    both = [start_ingest(paths, folder / "shared.duckdb", folder) for paths in (first, second)]
    said = [process.communicate()[1] for process in both]
    codes = [process.returncode for process in both]
    is_whole = read_content(folder / "shared.duckdb", runs=False) == read_content(folder / "union.duckdb", runs=False)
    if any(codes):
        print("".join(said), file=sys.stderr)
    for left in (*folder.glob("union.duckdb*"), *folder.glob("shared.duckdb*")):
        left.unlink()
    return {"exit_codes": codes, "lost": int(any(codes) or not is_whole)}


def full_disk(folder: Path, size_kb: int) -> Outcome:
    """Let the store's disk fill up, then make room: one clear line, an intact store, and a second run completes it."""
    small = folder / "small"
    small.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size_kb}k", "tmpfs", str(small)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        return {"skipped": "no tmpfs can be mounted here"}
    try:
        code, said = ingest(["reports"], small / "s.duckdb", folder)
        lines = [line for line in said.splitlines() if line.startswith("cipredict: ") and "git-" not in line]
        is_intact = not (small / "s.duckdb").exists() or bool(read_content(small / "s.duckdb"))
        subprocess.run(["mount", "-o", "remount,size=500m", str(small)], check=True)
        again, _ = ingest(["reports"], small / "s.duckdb", folder)
        is_whole = read_content(small / "s.duckdb") == read_content(folder / "fresh.duckdb")
    finally:
        subprocess.run(["umount", "-l", str(small)], check=True)
    is_clear = code == 2 and len(lines) == 1 and "Traceback" not in said
    lost = int(not (is_clear and is_intact and again == 0 and is_whole))
    return {"exit_code": code, "message": lines, "intact": is_intact, "completed": is_whole, "lost": lost}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--files", type=int, default=500)
    parser.add_argument("--cases", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp())
    try:
        before = write_reports(folder, options.files, options.cases)
        chosen = random.Random(options.seed)  # noqa: S311  # repeatable
        results = {
            "kill": kill_and_resume(folder, before, options.kills, chosen=chosen),
            "different files at once": two_at_once(folder, ["reports/a"], ["reports/b"]),
            "the same files at once": two_at_once(folder, ["reports"], ["reports"]),
            **{f"full disk, {size_kb} kB": full_disk_in(folder, size_kb) for size_kb in (600, 2000, 4000)},
        }
    finally:
        shutil.rmtree(folder)
    for name, outcome in results.items():
        print(f"{name:>24}: {outcome}", file=sys.stderr)
    print(json.dumps(results, indent=2))
    sys.exit(any(outcome.get("lost") for outcome in results.values()))


def full_disk_in(folder: Path, size_kb: int) -> Outcome:
    """Run one full disk, and leave no folder behind."""
    outcome = full_disk(folder, size_kb)
    (folder / "small").rmdir()
    return outcome


if __name__ == "__main__":
    main()
