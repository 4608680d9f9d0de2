"""What run durations are worth: 6,826 real GitHub runs under the naive rule and under ours.

Run: ``python benchmarks/ingest/runs.py [--data FOLDER]``, the folder of `gha_build_duration`, which is not part of this
repository. Its rows become the payloads that GitHub would have sent; the readers of `cipredict.ingest.github` do the
rest. Table on stderr, JSON on stdout, exit 1 where a fact of its README is not met.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from cipredict.ingest.github import GitHubPayloads
from cipredict.ingest.payloads import Payload, moment_of
from cipredict.ingest.runs import ENDS_BEFORE_IT_STARTS, Attempt
from cipredict.records import Result

FOLDER = Path(__file__).parents[3] / "shared" / "data" / "runs" / "gha_build_duration"
DAY_S = 86_400
EXPECTED = {
    "runs": 6_826,
    "jobs": 15_914,
    "steps": 33_438,
    "published_longer_than_a_day": 174,
    "skipped_jobs": 3_971,
    "negative_jobs": 195,
    "negative_durations_left": 0,
}


def read_rows(folder: Path, name: str) -> Iterator[dict[str, str]]:
    with gzip.open(folder / f"{name}_flat.csv.gz", "rt", encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def run_payload(row: dict[str, str]) -> Payload:
    return {
        "id": row["id_build"],
        "run_number": int(row["total_builds"] or 0),
        "run_attempt": int(float(row["run_attempt_from_api"] or 1)),
        "repository": {"full_name": row["repo"]},
        "head_sha": row["commit_sha"],
        "head_branch": row["branch"],
        "event": row["workflow_event_trigger"],
        "name": row["workflow_name"],
        "status": row["status"],
        "conclusion": row["conclusion"] or None,
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
    }


def job_payload(row: dict[str, str], steps: list[Payload], attempt: object) -> Payload:
    return {
        "id": f"{row['run_id']}-{row['job_idx']}",
        "run_id": row["run_id"],
        "run_attempt": attempt,
        "name": row["job_name"],
        "repository": {"full_name": row["repo"]},
        "status": "completed" if row["conclusion"] else "in_progress",
        "conclusion": row["conclusion"] or None,
        "started_at": row["started_at"],
        "completed_at": row["completed_at"] or None,
        "steps": steps,
    }


def step_payload(row: dict[str, str]) -> Payload:
    return {
        "number": int(row["step_idx"]) + 1,
        "name": row["step_name"],
        "conclusion": row["conclusion"],
        "started_at": row["started_at"],
        "completed_at": row["completed_at"],
    }


def read_payloads(folder: Path) -> tuple[list[Payload], list[Payload]]:
    """Give the payloads of all runs and of all jobs."""
    steps: dict[tuple[str, str], list[Payload]] = defaultdict(list)
    for row in read_rows(folder, "steps"):
        steps[row["run_id"], row["job_idx"]].append(step_payload(row))
    runs = [run_payload(row) for row in read_rows(folder, "runs")]
    attempts = {run["id"]: run["run_attempt"] for run in runs}
    jobs = [
        job_payload(row, steps[row["run_id"], row["job_idx"]], attempts[row["run_id"]])
        for row in read_rows(folder, "jobs")
    ]
    return runs, jobs


def spans_s(attempts: list[Attempt]) -> dict[str, float]:
    """Give the seconds of every run that has a duration."""
    return {
        attempt.run.key.run_id: (attempt.run.finished_at - attempt.run.started_at).total_seconds()
        for attempt in attempts
        if attempt.run.finished_at is not None
    }


def naive_s(run: Payload) -> float:
    created_at, updated_at = moment_of(run, "created_at"), moment_of(run, "updated_at")
    return (updated_at - created_at).total_seconds() if created_at and updated_at else 0.0


def measure(folder: Path) -> dict[str, float]:
    runs, jobs = read_payloads(folder)
    begin = time.process_time()
    payloads = GitHubPayloads()
    payloads.add(runs)
    payloads.add(jobs)
    attempts = list(payloads.attempts())
    cpu_s = time.process_time() - begin
    records = [job for attempt in attempts for job in attempt.jobs]
    seconds = spans_s(attempts)
    naive = {str(run["id"]): naive_s(run) for run in runs}
    published = [float(row["build_duration"]) for row in read_rows(folder, "runs")]
    return {
        "runs": len(attempts),
        "jobs": len(records),
        "steps": sum(len(job.steps) for job in records),
        "published_longer_than_a_day": sum(value > DAY_S for value in published),
        "naive_longer_than_a_day": sum(value > DAY_S for value in naive.values()),
        "ours_longer_than_a_day": sum(value > DAY_S for value in seconds.values()),
        "naive_longest_s": max(naive.values()),
        "ours_longest_s": max(seconds.values()),
        "runs_without_a_duration": len(attempts) - len(seconds),
        "skipped_jobs": sum(job.result is Result.SKIP for job in records),
        "negative_jobs": payloads.oddities[ENDS_BEFORE_IT_STARTS],
        "negative_durations_left": sum(
            item.started_at is not None and item.finished_at is not None and item.finished_at < item.started_at
            for job in records
            for item in (job, *job.steps)
        ),
        "reading_cpu_s": round(cpu_s, 2),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=FOLDER)
    folder = parser.parse_args().data
    if not folder.is_dir():
        parser.exit(2, f"runs.py: --data: there is no folder {folder}; the data set is not part of this repository.\n")
    figures = measure(folder)
    for name, value in figures.items():
        expected = EXPECTED.get(name)
        verdict = "" if expected is None else "as its README says" if expected == value else f"MISMATCH: {expected:,}"
        print(f"{name:26} {value:>14,} {verdict}", file=sys.stderr)
    print(json.dumps(figures, indent=2))
    return int(any(figures[name] != value for name, value in EXPECTED.items()))


if __name__ == "__main__":
    sys.exit(main())
