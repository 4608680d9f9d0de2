"""Compare our parser with BuildKit's on the samples, on files named, and on generated hostile ones.

python benchmarks/container/parser.py [--examples 3000] [--seed 1] [FILE OR FOLDER ...]
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings

sys.path.insert(0, str(Path(__file__).parent))
from hostile import hostile_files  # the scripts are no package
from oracle import buildkit_rows, our_rows

SAMPLES = Path(__file__).parents[2] / "data" / "samples" / "dockerfiles"


def files(places: list[Path]) -> Iterator[Path]:
    for place in places:
        yield from sorted(one for one in place.rglob("*") if one.is_file()) if place.is_dir() else [place]


def compare(text: str) -> tuple[str, int]:
    """Give the verdict and how many instructions are equal."""
    theirs, ours = buildkit_rows(text), our_rows(text)
    if theirs != ours:
        return "different", 0
    return ("refused by both", 0) if theirs is None else ("equal", len(theirs))


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--examples", type=int, default=3000)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("places", nargs="*", type=Path, default=[SAMPLES])
    chosen = options.parse_args()
    verdicts: Counter[str] = Counter()
    instructions = 0
    for path in files(chosen.places):
        verdict, count = compare(path.read_bytes().decode("utf-8", "replace"))
        verdicts[verdict] += 1
        instructions += count
        if verdict == "different":
            print(f"different: {path}")
    print(f"files: {dict(verdicts)}; {instructions} instructions equal")

    generated: Counter[str] = Counter()
    seen: set[str] = set()

    @seed(chosen.seed)
    @settings(
        max_examples=chosen.examples,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(hostile_files())
    def run(text: str) -> None:
        if text in seen:
            return
        seen.add(text)
        verdict, count = compare(text)
        generated[verdict] += 1
        generated["instructions"] += count
        if verdict == "different":
            print(f"different: {text!r}")

    started = time.process_time()
    run()
    print(f"generated: {dict(generated)}; {time.process_time() - started:.1f} s CPU")
    if verdicts["different"] or generated["different"]:
        sys.exit(1)


if __name__ == "__main__":
    main()
