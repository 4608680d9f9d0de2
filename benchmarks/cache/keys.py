"""Key designs replayed over real histories, beside the research table, and what a replay costs.

Run: ``python benchmarks/cache/keys.py [--data ../shared/data/cache/keys] [--runs 1500]``. The data set holds digests,
not lock files, so there are no packages here: coverage and bloat are measured by ``advise.py`` on repositories.
Exits 1 where exact, prefix or miss of `lock+restore` differs from the table by more than 0.005.
"""

from __future__ import annotations

import argparse
import csv
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from cipredict.decide.caching.designs import DESIGNS, Snapshot
from cipredict.decide.caching.provider import Outcome
from cipredict.decide.caching.replay import Replay, replay
from cipredict.render.plain import plain_table

EXPECTED = {
    ("rust-lang__crates.io", "cargo"): (0.82, 0.18, 0.00),
    ("rust-lang__crates.io", "npm"): (0.61, 0.39, 0.00),
    ("louislam__uptime-kuma", "npm"): (0.85, 0.12, 0.02),
    ("Textualize__rich", "poetry"): (0.89, 0.07, 0.04),
    ("healthchecks__healthchecks", "pip"): (0.91, 0.07, 0.02),
    ("mozilla__bugbug", "pip"): (0.55, 0.44, 0.01),
    ("dlt-hub__dlt", "uv"): (0.89, 0.11, 0.00),
    ("ibis-project__ibis", "uv"): (0.85, 0.14, 0.01),
    ("fastapi__full-stack-fastapi-template", "uv"): (0.91, 0.06, 0.03),
    ("fastapi__full-stack-fastapi-template", "npm"): (0.85, 0.12, 0.03),
    ("dexidp__dex", "go"): (0.64, 0.31, 0.05),
    ("binwiederhier__ntfy", "go"): (0.92, 0.07, 0.02),
    ("binwiederhier__ntfy", "npm"): (0.91, 0.07, 0.02),
    ("HypothesisWorks__hypothesis", "pip"): (0.87, 0.10, 0.03),
    ("trunk-io__analytics-cli", "cargo"): (0.78, 0.19, 0.03),
    ("buildkite__test-engine-client", "go"): (0.82, 0.10, 0.07),
}
"""Exact, prefix and miss of `lock+restore` in the research table, which has two decimals."""
TOLERANCE = 0.005
_ROUNDING = 1e-9
OUTCOMES = (Outcome.EXACT, Outcome.PREFIX, Outcome.MISS)


def read_components(path: Path, runs: int) -> Iterator[tuple[str, list[Snapshot]]]:
    """Give the last mainline runs of every component that has a lock file."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["mainline"] == "1"]
    for component in [name.removesuffix(":lock") for name in rows[0] if name.endswith(":lock")]:
        yield (
            component,
            [
                Snapshot(
                    sha=row["commit"],
                    at_s=float(row["commit_time"]),
                    lock=row[f"{component}:lock"],
                    manifest=row[f"{component}:manifest"],
                    source=row[f"{component}:src"],
                )
                for row in rows
                if row[f"{component}:lock"]
            ][-runs:],
        )


def cells(name: str, found: Replay, seconds: float) -> list[str]:
    shares = [f"{found.share(outcome):.3f}" for outcome in OUTCOMES]
    return [name, found.design, str(len(found.runs)), *shares, f"{found.stale:.3f}", f"{100 * found.saves:.0f}",
            f"{found.alive:.1f}", f"{seconds:.3f}"]  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/cache/keys"))
    parser.add_argument("--runs", type=int, default=1500)
    arguments = parser.parse_args()
    if not any(arguments.data.glob("*.csv")):
        sys.stderr.write(f"{arguments.data} holds no *.csv: name the folder with --data.\n")
        return 2
    rows, wrong, slowest = [], [], 0.0
    for path in sorted(arguments.data.glob("*.csv")):
        for component, history in read_components(path, arguments.runs):
            for design in DESIGNS.values():
                began = time.process_time()
                found = replay(design, history)
                seconds = time.process_time() - began
                slowest = max(slowest, seconds)
                rows.append(cells(f"{path.stem.partition('__')[2]} {component}", found, seconds))
                if design.name == "lock+restore" and arguments.runs == 1500:
                    expected = EXPECTED[path.stem, component]
                    measured = [found.share(outcome) for outcome in OUTCOMES]
                    off = max(abs(a - b) for a, b in zip(expected, measured, strict=True))
                    if off > TOLERANCE + _ROUNDING:
                        wrong.append(f"{path.stem} {component}: {expected} in the table, {measured} here")
    columns = ["component", "design", "runs", "exact", "prefix", "miss", "stale", "saves/100", "alive", "CPU s"]
    print(plain_table("Key designs on real histories", columns, rows))
    print(f"\nSlowest replay of one design: {slowest:.3f} s of CPU.")
    print("\n".join(wrong) or f"lock+restore agrees with the table within {TOLERANCE} on every component.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
