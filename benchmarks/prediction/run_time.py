"""How well the wall seconds of runs are forecast on public GitHub projects.

Run: ``python -m benchmarks.prediction.run_time [--data ../shared/data/runs] [--blocks 3] [--members] > run_time.json``.
Tables on stderr, JSON on stdout. The last 30 % of each project's runs are judged. Before each of the blocks they are
cut into, everything is learned anew from the runs before, as a nightly job does, and what it would have served (the
leader among simple forecasts, or with ``--members`` the ensemble where it beats every simple forecast on the last
30 % of *those* runs) forecasts the block. Against: last, mean of 7, median of 20 and EWMA; the best of them in
hindsight is the one to beat. Errors are WAPE, intervals 95 % of a bootstrap over the runs.

The set gives order, hour and weekday of a run, its event, branch, lines and kinds of changed files, all as codes; what
was not known at its start (result, number of jobs and tests) is not used. As in the set's own lags, a run is taken to
end before the next begins.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.shard_plans import show
from cipredict.forecast.features import ChangeFacts
from cipredict.forecast.run_features import OFFSET_S
from cipredict.learn.recipe import read_recipe
from cipredict.learn.run_time import TimedRun, collect_run_times
from cipredict.learn.seconds import MODEL, SecondsRows, study_seconds
from cipredict.records import Change

RIVALS = ("last", "mean7", "median20", "ewma")
JUDGED_SHARE = 0.3
_MONDAY = datetime(2000, 1, 3, tzinfo=UTC)
Row = Mapping[str, str]
Floats = NDArray[np.float64]


def read_runs(path: Path) -> list[TimedRun]:
    """Give the runs of a project, in the order of the file; codes stand in for names."""
    with path.open(encoding="utf-8", newline="") as file:
        return [_run(number, row) for number, row in enumerate(csv.DictReader(file))]


def _run(number: int, row: Row) -> TimedRun:
    started = _MONDAY + timedelta(weeks=number, days=_number(row["dow"]), hours=_number(row["hour"]))
    event = ("pull_request" if row["gh_is_pr"] == "True" else "") + row["workflow_event_trigger"]
    return TimedRun(
        series="run",
        position=number,
        started_at=started,
        finished_at=started + timedelta(minutes=1),
        facts=ChangeFacts(tuple(_changes(row)), row["branch"]),
        wall_s=float(row["build_duration"]),
        event=event,
    )


def _changes(row: Row) -> Iterator[Change]:
    kinds = sorted(
        {name.removeprefix("ft_").strip("_") for name in row if name.startswith("ft_") and _number(row[name])}
    )
    added, deleted = int(_number(row["gh_lines_added"])), int(_number(row["gh_lines_deleted"]))
    for place, kind in enumerate(kinds):
        yield Change(f"file.{kind}", added if not place else 0, deleted if not place else 0)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def served(rows: SecondsRows, start: int, stop: int, *, members: bool) -> tuple[Floats, str]:
    """Give the forecast of the runs start…stop as learned from those before, and who gave it."""
    before, block = rows.window(0, start), rows.window(start, stop)
    if members:
        recipe = read_recipe("run_time")
        cuts = {"fit_end": int(start * recipe.fit_share), "train_end": int(start * recipe.train_share)}
        study = study_seconds(before, recipe, offset_s=OFFSET_S, **cuts)
        if study.served_by == MODEL and study.model is not None:
            return study.model.predict(block.X, block.baselines[study.model.anchor]), MODEL
    return block.baselines["leader"], "leader"


def judge(project: str, runs: Sequence[TimedRun], *, blocks: int, members: bool) -> dict[str, object]:
    rows = collect_run_times(runs)
    first = int(len(runs) * (1 - JUDGED_SHARE))
    cuts = np.linspace(first, len(runs), blocks + 1).astype(int).tolist()
    parts = [served(rows, start, stop, members=members) for start, stop in pairwise(cuts)]
    judged = rows.window(first, len(runs))
    forecasts = {**judged.baselines, "served": np.concatenate([forecast for forecast, _ in parts])}
    errors = {name: np.abs(forecast - judged.actual_s) for name, forecast in forecasts.items()}
    wape = {name: float(error.sum() / judged.actual_s.sum()) for name, error in errors.items()}
    best = min(RIVALS, key=wape.__getitem__)
    dice = np.random.default_rng(0)
    draws = dice.integers(0, len(judged.actual_s), (400, len(judged.actual_s)))
    ratios = np.sort(errors["served"][draws].sum(axis=1) / errors[best][draws].sum(axis=1))
    return {
        "project": project,
        "runs": len(judged.actual_s),
        **wape,
        "best": best,
        "ratio": wape["served"] / wape[best],
        "low": float(ratios[10]),
        "high": float(ratios[389]),
        "by": "+".join(who for _, who in parts),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    here = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "runs"
    parser.add_argument("--data", type=Path, default=here, help="folder that holds gha_build_duration")
    parser.add_argument("--blocks", type=int, default=3, help="nightly trainings within the judged runs")
    parser.add_argument("--members", action="store_true", help="let the ensemble compete")
    parser.add_argument("--only", default="", help="projects whose name holds this")
    options = parser.parse_args()
    table = []
    for path in sorted((options.data / "gha_build_duration" / "processed").glob("*.csv")):
        if options.only not in path.stem:
            continue
        project = path.stem.partition("_wf")[0][:20]
        table.append(judge(project, read_runs(path), blocks=options.blocks, members=options.members))
        print(project, file=sys.stderr)
    columns = ("project", "runs", *RIVALS, "leader", "served", "best", "ratio", "low", "high", "by")
    show("WAPE of the last 30 % of runs", table, columns)
    ratios = [float(str(row["ratio"])) for row in table]
    below, behind = sum(ratio < 1 for ratio in ratios), sum(ratio > 1.01 for ratio in ratios)
    print(f"below the best rival: {below} of {len(ratios)}; more than 1 % behind: {behind}", file=sys.stderr)
    print(json.dumps(table, indent=2))


if __name__ == "__main__":
    main()
