"""A newcomer with and without `cipredict bootstrap`: the bundled history from a release of sqlparse on, from nothing.

    pip download --no-deps --no-binary :all: sqlparse==0.5.1 && tar xf sqlparse-0.5.1.tar.gz
    python benchmarks/prediction/bootstrap.py --project sqlparse-0.5.1 --store faults.duckdb \
        --from 2024-07-15T21:00:00+00:00 --budget 8m --jobs 2

Injects faults into the release (what the store has already is not run again), then replays the runs that came after it.
The replay begins with an empty state: nothing is known of any case, in one arm but for the faults. Orders are those of
a plan that the prior serves, since a newcomer has no ensemble. `revert` runs lack a real fix of a real commit, `mutant`
runs have a fault in the files of a real commit; the runs are judged in the order of time, each before it is learned.

Intervals are 95 % bootstrap intervals of the difference, over runs. Tables go to stderr, JSON to stdout.
"""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from selection import BUNDLED, ROOT, bundled

from cipredict.forecast.case_index import build_case_index
from cipredict.learn.history import History
from cipredict.learn.links import Mutations, faults_by_path
from cipredict.learn.metrics import score_order
from cipredict.learn.policies import chance, decay10_per_time, order_of, prior_per_time, shortest
from cipredict.learn.rows import JudgedRun, collect_rows
from cipredict.store.database import open_store
from cipredict.store.mutants import load_mutation_links

MEASURES = ("apfdc", "T10", "T20", "T30", "new_T10", "new_T20")
WINDOWS = (20, 50, 10**6)
"""Failing runs after the start that are judged: how long the evidence helps."""


def inject(asked: argparse.Namespace) -> None:
    """Let the command do its work in the release."""
    command = [str(Path(sys.executable).with_name("cipredict")), "bootstrap", "--budget", asked.budget]
    options = ["--jobs", str(asked.jobs), "--sources", asked.sources, "--repository", BUNDLED]
    store = ["--store", str(asked.store.resolve())]
    subprocess.run([*command, *options, *store], cwd=asked.project, check=True, stdout=sys.stderr)


def faults_of(store_path: Path, history: History) -> Mutations:
    """Give the stored faults as known before every run."""
    with open_store(store_path, read_only=True) as store:
        rows = load_mutation_links(store, datetime.now(UTC)).to_pylist()
    slot_of = {case_id: slot for slot, case_id in enumerate(history.case_ids)}
    kills = ((row["path"], row["case_id"], row["mutants"], row["kills"]) for row in rows)
    return Mutations(history.runs[0].started_at, faults_by_path(kills, slot_of))


def scores_of(history: History, policies: dict[str, Callable[[JudgedRun], np.ndarray]]) -> pd.DataFrame:
    """Give a row per failing run and policy."""
    replayed = collect_rows(history, build_case_index(history.case_ids), judge_from=0)
    rows = []
    for position, run in replayed.judged.items():
        for name, policy in policies.items():
            order = order_of(policy(run), seed=(0, position, 0))
            whole = score_order(order, run.seconds, run.failed)
            row: dict[str, Any] = {"policy": name, "run": run.run.run_id, "apfdc": whole.apfdc}
            row |= {f"T{share:.0%}".rstrip("%"): float(whole.is_caught(share)) for share in (0.1, 0.2, 0.3)}
            if run.is_new.any():
                fresh = score_order(order, run.seconds, run.is_new)
                row |= {f"new_T{share:.0%}".rstrip("%"): float(fresh.is_caught(share)) for share in (0.1, 0.2)}
            rows.append(row)
    return pd.DataFrame(rows)


def interval(values: pd.Series) -> tuple[float, float]:
    known = values.dropna().to_numpy()
    means = np.random.default_rng(0).choice(known, (1000, len(known))).mean(axis=1)
    low, high = np.quantile(means, (0.025, 0.975))
    return float(low), float(high)


def main() -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--project", type=Path, required=True)
    parser.add_argument("--store", type=Path, required=True)
    parser.add_argument("--from", dest="since", type=datetime.fromisoformat, required=True)
    parser.add_argument("--budget", default="8m")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--sources", default="sqlparse/**")
    parser.add_argument("--replay-only", action="store_true", help="inject nothing, use what the store has")
    asked = parser.parse_args()
    if not asked.replay_only:
        inject(asked)
    history, _ = bundled()
    history = replace(history, runs=[run for run in history.runs if run.started_at >= asked.since], mutations=None)
    with (ROOT / "data" / BUNDLED / "kinds.csv").open(encoding="utf-8") as stream:
        kinds = {row["run_id"]: row["kind"] for row in csv.DictReader(stream)}
    baselines = {"random": chance, "shortest": shortest, "decay10/time": decay10_per_time}
    without = scores_of(history, {**baselines, "newcomer": prior_per_time})
    informed = scores_of(replace(history, mutations=faults_of(asked.store, history)), {"bootstrapped": prior_per_time})
    scores = pd.concat([without, informed]).assign(kind=lambda table: table.run.map(kinds))
    report = {}
    for kind in ("all", "revert", "mutant"):
        of_kind = scores if kind == "all" else scores[scores.kind == kind]
        for window in WINDOWS:
            chosen = list(dict.fromkeys(of_kind.run))[:window]
            report[f"{kind}, first {len(chosen)}"] = _compare(of_kind[of_kind.run.isin(chosen)])
    for name, result in report.items():
        sys.stderr.write(f"\n{name}\n{pd.DataFrame(result['means']).T.round(3).to_string()}\n")
        for measure, (low, high) in result["delta"].items():
            sys.stderr.write(f"  {measure}, bootstrapped minus newcomer: {low:+.3f} to {high:+.3f}\n")
    print(json.dumps(report, indent=2))
    return 0


def _compare(scores: pd.DataFrame) -> dict[str, Any]:
    own, rival = (scores[scores.policy == name].set_index("run") for name in ("bootstrapped", "newcomer"))
    return {
        "runs": len(own),
        "means": {name: rows[list(MEASURES)].mean().to_dict() for name, rows in scores.groupby("policy", sort=False)},
        "delta": {measure: interval(own[measure] - rival[measure]) for measure in MEASURES},
    }


if __name__ == "__main__":
    raise SystemExit(main())
