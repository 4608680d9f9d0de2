"""How often a good release is taken back, and how often a bad one gets through: the real judge on simulated canaries.

Run: ``python -m benchmarks.deploy.false_rollbacks [--canaries 300]``. Ten looks a second over three steps; requests
arrive as a Poisson process; seconds are drawn, in stretches that keep their neighbours, from those that HAProxy logged
for this project's sample application under load (``answers.json`` beside this file). Table on stderr, JSON on stdout.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from pathlib import Path

from cipredict.act.deployment.watch import Sample
from cipredict.decide.rollout.judge import judge
from cipredict.plans.rollout import Counts, Limits, Seen, Verdict

ANSWERS_S = json.loads((Path(__file__).parent / "answers.json").read_text())
STEPS, STEP_S, LOOKS_PER_S, REQUESTS_PER_S = (0.1, 0.25, 0.5), 10, 10, 200
SCENES = {
    "as good, no errors": (0.0, 0.0, 1.0),
    "as good, 0.5 % errors": (0.005, 0.005, 1.0),
    "as good, 2 % errors": (0.02, 0.02, 1.0),
    "as good, 4 % errors": (0.04, 0.04, 1.0),
    "5 points more errors": (0.01, 0.06, 1.0),
    "5 points more, from none": (0.0, 0.05, 1.0),
    "1 point more errors": (0.01, 0.02, 1.0),
    "3 x slower": (0.0, 0.0, 3.0),
    "2 x slower": (0.0, 0.0, 2.0),
    "1.3 x slower": (0.0, 0.0, 1.3),
}


def is_taken_back(draw: random.Random, before: float, after: float, *, slower: float) -> bool:
    """Simulate one canary."""
    limits = Limits()
    counts = {"canary": Counts(0, 0), "baseline": Counts(0, 0)}
    samples = {"canary": Sample(), "baseline": Sample()}
    for look in range(1, len(STEPS) * STEP_S * LOOKS_PER_S + 1):
        share = STEPS[(look - 1) // (STEP_S * LOOKS_PER_S)]
        for role, errors, times in (("canary", after, slower), ("baseline", before, 1.0)):
            requests = poisson(draw, share * REQUESTS_PER_S / LOOKS_PER_S)
            begin = draw.randrange(len(ANSWERS_S))
            samples[role].add([ANSWERS_S[(begin + n) % len(ANSWERS_S)] * times for n in range(requests)])
            failed = sum(draw.random() < errors for _ in range(requests))
            counts[role] = Counts(counts[role].requests + requests, counts[role].errors + failed)
        seen = Seen(counts["canary"], counts["baseline"], samples["canary"].values(), samples["baseline"].values())
        if judge(seen, limits, look=look).verdict is Verdict.FAIL:
            return True
    return False


def poisson(draw: random.Random, mean: float) -> int:
    """Draw how many requests arrive."""
    count, left = 0, draw.expovariate(1.0)
    while left < mean:
        count += 1
        left += draw.expovariate(1.0)
    return count


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--canaries", type=int, default=300)
    options = parser.parse_args()
    rows = []
    print(f"{'release':<26} {'taken back':>11} of {options.canaries}", file=sys.stderr)
    for words, (before, after, slower) in SCENES.items():
        draw = random.Random(f"2026-11-25 {words}")  # noqa: S311  # a simulation
        taken_back = sum(is_taken_back(draw, before, after, slower=slower) for _ in range(options.canaries))
        rows.append({"release": words, "canaries": options.canaries, "taken_back": taken_back})
        print(f"{words:<26} {taken_back:>11} {taken_back / options.canaries:>7.1%}", file=sys.stderr)
    print(json.dumps(rows, indent=2))


if __name__ == "__main__":
    main()
