"""How well the finish of a pipeline is forecast through its jobs, on public GitHub projects.

Run: ``python -m benchmarks.prediction.pipeline_finish [--data ../shared/data/runs] [--blocks 10] > finish.json``.
Tables on stderr, JSON on stdout. The last 30 % of each project's runs with successful jobs are judged, in blocks:
before each everything is learned anew from the runs that had finished. Errors of the median are WAPE, in seconds from
the run's start to its last job's end. Against: the sum of the jobs' expected seconds, and the simple forecasts of the
whole.

inside 50, inside 90   share of runs that ended by P50 and P90: .50 and .90 if the simulation is honest
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import numpy as np

from benchmarks.shard_plans import show
from cipredict.forecast.features import ChangeFacts
from cipredict.forecast.pipelines import PipelineForecast, simulate
from cipredict.forecast.run_features import JOB_SEPARATOR, run_experts
from cipredict.learn.needs import JobPlace, places_of
from cipredict.learn.run_time import SeriesMemory, TimedRun, final_memories

WORKFLOW = "ci"
JUDGED_SHARE = 0.3
RIVALS = ("last", "mean7", "median20", "ewma")
Row = Mapping[str, str]


def read_table(path: Path) -> Iterator[Row]:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def read_projects(folder: Path) -> dict[str, list[list[TimedRun]]]:
    """Give per project its pipelines by start: the run from its first to its last job, then its jobs."""
    runs = {(row["repo"], row["id_build"]): row for row in read_table(folder / "runs_flat.csv.gz")}
    jobs: defaultdict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in read_table(folder / "jobs_flat.csv.gz"):
        if row["conclusion"] == "success" and row["started_at"] and row["completed_at"] >= row["started_at"]:
            jobs[row["repo"], row["run_id"]].append(row)
    projects: defaultdict[str, list[list[TimedRun]]] = defaultdict(list)
    for key, held in jobs.items():
        if key in runs:
            projects[key[0]].append(_pipeline(runs[key], held))
    return {repo: sorted(found, key=lambda runs: runs[0].started_at) for repo, found in projects.items()}


def _pipeline(run: Row, jobs: Sequence[Row]) -> list[TimedRun]:
    facts, number = ChangeFacts((), run["branch"]), int(run["id_build"])

    def timed(series: str, start: str, end: str) -> TimedRun:
        began, ended = (datetime.fromisoformat(time) for time in (start, end))
        seconds = (ended - began).total_seconds()
        return TimedRun(series, 0, began, ended, facts, seconds, event=run["workflow_event_trigger"], run=number)

    start = min(job["started_at"] for job in jobs)
    whole = timed(WORKFLOW, start, max(job["completed_at"] for job in jobs))
    of_jobs = [
        timed(WORKFLOW + JOB_SEPARATOR + job["job_name"], job["started_at"], job["completed_at"]) for job in jobs
    ]
    return [whole, *of_jobs]


def judge(project: str, pipelines: Sequence[Sequence[TimedRun]], *, blocks: int) -> dict[str, object]:
    """Forecast each pipeline of the last ones from what had finished before its block."""
    first = int(len(pipelines) * (1 - JUDGED_SHARE))
    rows = []
    for start, stop in pairwise(np.linspace(first, len(pipelines), blocks + 1).astype(int).tolist()):
        now = pipelines[start][0].started_at
        known = [run for runs in pipelines[:start] for run in runs if run.finished_at <= now]
        memories, places = final_memories(known), places_of(known)
        for runs in pipelines[start:stop]:
            forecast = _forecast(runs[0], memories, places)
            simple = run_experts(memories[WORKFLOW].past(runs[0]))
            rows.append([runs[0].wall_s, forecast.p50_s, forecast.p90_s, forecast.sum_s, *(simple[n] for n in RIVALS)])
    actual, p50, p90, total, *rivals = np.array(rows).T
    wape = {
        name: float(np.abs(given - actual).sum() / actual.sum())
        for name, given in zip(("P50", "sum", *RIVALS), (p50, total, *rivals), strict=True)
    }
    reached = {"inside 50": float((actual <= p50).mean()), "inside 90": float((actual <= p90).mean())}
    return {"project": project.partition("/")[2][:20], "runs": len(rows), **wape, **reached}


def _forecast(run: TimedRun, memories: Mapping[str, SeriesMemory], places: Mapping[str, JobPlace]) -> PipelineForecast:
    prefix = WORKFLOW + JOB_SEPARATOR
    jobs = [name.removeprefix(prefix) for name in sorted(places)]
    expected, remembered = {}, {}
    for job in jobs:
        memory = memories[prefix + job]
        past = memory.past(replace(run, series=prefix + job, runner=memory.runner))
        expected[job] = run_experts(past)[past.leader]
        remembered[job] = memory.to_json() | places[prefix + job].to_json()
    needs = {job: places[prefix + job].needs for job in jobs}
    return simulate(WORKFLOW, remembered, expected=expected, needs=needs, event=run.event)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    here = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "runs"
    parser.add_argument("--data", type=Path, default=here, help="folder that holds gha_build_duration")
    parser.add_argument("--blocks", type=int, default=10, help="nightly trainings within the judged runs")
    options = parser.parse_args()
    projects = read_projects(options.data / "gha_build_duration")
    table = [judge(repo, found, blocks=options.blocks) for repo, found in sorted(projects.items())]
    columns = ("project", "runs", "P50", "sum", *RIVALS, "inside 50", "inside 90")
    show("finish of a pipeline, WAPE of the last 30 % of runs", table, columns)
    print(json.dumps(table, indent=2), file=sys.stdout)


if __name__ == "__main__":
    main()
