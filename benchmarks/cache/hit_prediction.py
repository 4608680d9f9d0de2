"""Exact hits forecast before the diff is known, on real histories: the ensemble beside the EWMA.

Run: ``python benchmarks/cache/hit_prediction.py [--data ../shared/data/cache/keys] [--runs 1500] [--each]``. The last
30 % of every component's runs judge. One ensemble for all repositories, as in the research page (gradient boosting: AUC
0.817, Brier 0.1116, on 17 repositories of which 13 are here); with ``--each`` also one per repository, as in use.
"""

from __future__ import annotations

import argparse
import csv
import sys
import time
from pathlib import Path

from cipredict.forecast.cache_hits import Committed
from cipredict.learn.cache_hits import KeyedCommit, study_hits
from cipredict.learn.recipe import read_recipe
from cipredict.render.plain import plain_table

GOAL_AUC, GOAL_BRIER = 0.817, 0.1116


def read_stages(path: Path, runs: int) -> dict[str, list[KeyedCommit]]:
    """Give every component's last mainline commits; authors are anonymous there, so bots are named as such."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["mainline"] == "1"]
    stages = {}
    for column in [name for name in rows[0] if name.endswith(":lock")]:
        keyed = [row for row in rows if row[column]]
        name = f"{path.stem.partition('__')[2]} {column.removesuffix(':lock')}"
        stages[name] = [KeyedCommit(_commit(row), row[column]) for row in keyed[-runs:]]
    return stages


def _commit(row: dict[str, str]) -> Committed:
    bot = "[bot]" if row["bot"] == "1" else ""
    return Committed(float(row["commit_time"]), row["author"] + bot)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/cache/keys"))
    parser.add_argument("--runs", type=int, default=1500, help="last runs of a component; 0 takes all")
    parser.add_argument("--each", action="store_true", help="also one ensemble per repository")
    arguments = parser.parse_args()
    if not any(arguments.data.glob("*.csv")):
        sys.stderr.write(f"{arguments.data} holds no *.csv: name the folder with --data.\n")
        return 2
    recipe = read_recipe("cache_hit")
    by_repository = [read_stages(path, arguments.runs) for path in sorted(arguments.data.glob("*.csv"))]
    pooled = {name: commits for stages in by_repository for name, commits in stages.items()}
    rows = []
    began = time.process_time()
    study = study_hits(pooled, recipe)
    for policy, scores in study.metrics.items():
        rows.append(["all repositories", policy, f"{scores['auc']:.4f}", f"{scores['brier']:.4f}"])
    seconds = time.process_time() - began
    for stages in by_repository if arguments.each else ():
        one = study_hits(stages, recipe)
        for policy, scores in one.metrics.items():
            served = " (serves)" if policy == one.model.served_by else ""
            rows.append(
                [min(stages), policy + served, *(f"{scores[name]:.4f}" if scores else "-" for name in ("auc", "brier"))]
            )
    print(plain_table("Exact hits before the diff", ["history", "policy", "AUC", "Brier"], rows))
    print(f"\n{sum(map(len, pooled.values()))} runs, {seconds:.0f} s of CPU. Weights: {study.model.weights}.")
    own = study.metrics["cipredict"]
    is_met = own["auc"] > GOAL_AUC and own["brier"] < GOAL_BRIER
    print(f"Goal AUC > {GOAL_AUC}, Brier < {GOAL_BRIER}: {'met' if is_met else 'missed'}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
