"""A store with something for every part of a report, hostile names in all of them, and a forecast beside it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cipredict.cli.app import main
from cipredict.events import Event, append_event
from cipredict.forecast.bundle import CHECKS, Manifest, Served, write_bundle
from cipredict.records import (
    CaseBatch,
    CaseRun,
    CommitRecord,
    JobRecord,
    Result,
    RunKey,
    RunRecord,
    StepRecord,
    Verdict,
)
from tests.cli.report_events import SHARDS, cache_bodies, gate_plan, shard_plan

HOSTILE = (
    "<script>window.injected=true</script>",
    "\"'><img src=x onerror=alert(1)>",
    "</script><script>alert(2)</script>",
    "tests/test_\u202egnp.exe::test_שלום_مرحبا",
    "{{data}} `x` | [link](javascript:alert(3)) <!-- --> &lt;",
    "tests/test_long.py::test[" + 10_000 * "x" + "]",
)
NEWEST = datetime(2026, 11, 20, 12, tzinfo=UTC)
RUNS = 60
JOBS = ("lint", "unit (3.12)", "integration", HOSTILE[0])


def fill(path: Path) -> None:
    """Store runs of two months with jobs, steps and cases; then take in what their jobs remembered, as a night does."""
    from cipredict.store.batches import add_case_batches  # noqa: PLC0415  # needs the extra
    from cipredict.store.database import open_store  # noqa: PLC0415
    from cipredict.store.writer import add_commits, add_jobs, add_runs  # noqa: PLC0415

    with open_store(path) as store:
        for number in range(RUNS):
            run = _run(number)
            add_runs(store, [run])
            add_jobs(store, _jobs(run, number))
            add_case_batches(store, _batches(run.key, number))
        add_commits(
            store,
            [CommitRecord("owner/name", _sha(n), "", _at(n) - timedelta(hours=5), "a", ()) for n in range(RUNS)],
        )
    folder = path.with_suffix(".events")
    for event in (*_deployments(), *_plans(), *_benchmarks(), *_operations()):
        append_event(folder, event.kind, event.at, run=event.run, body=json.dumps(dict(event.body)))
    assert main(["ingest", "events", str(folder), "--store", str(path)]) == 0


def _at(number: int) -> datetime:
    return NEWEST - timedelta(days=RUNS - number)


def _sha(number: int) -> str:
    return 20 * f"{number:02x}"


def _run(number: int) -> RunRecord:
    branch = HOSTILE[1] if number % 9 == 4 else "main"
    is_red = number % 7 == 3
    return RunRecord(
        RunKey("github", "owner/name", str(1000 + number)),
        _at(number),
        _at(number) + timedelta(minutes=6 + number / 10),
        workflow="ci" if number % 5 else HOSTILE[2],
        sha=_sha(number),
        branch=branch,
        event="push",
        result=Result.FAILURE if is_red else Result.SUCCESS,
        changes=(),
    )


def _jobs(run: RunRecord, number: int) -> list[JobRecord]:
    jobs = []
    for k, name in enumerate(JOBS):
        started = run.started_at + timedelta(seconds=20 + 40 * k)
        middle, ended = started + timedelta(seconds=30), started + timedelta(seconds=120 + 30 * k)
        bad = Result.FAILURE if run.result is Result.FAILURE and k == 1 else Result.SUCCESS
        steps = (
            StepRecord(1, "Set up", started, middle, Result.SUCCESS),
            StepRecord(2, HOSTILE[4] if k == 3 else "Run tests", middle, ended, bad),
        )
        key = f"{number}{k}"
        jobs.append(JobRecord(run.key, key, name, started, ended, queued_s=15.0 + number % 5, result=bad, steps=steps))
    return jobs


def cases_of(number: int) -> Iterator[CaseRun]:
    for k in range(120):
        is_red = k == 1 and number % 7 == 3
        yield CaseRun(
            f"tests/test_{k % 12}.py::test_{k}", Verdict.FAILED if is_red else Verdict.PASSED, 0.01 * k + 0.001 * number
        )
    for k, name in enumerate(HOSTILE):
        yield CaseRun(name, Verdict.FAILED if (number + k) % 8 == 0 else Verdict.PASSED, 3.0 + k)


def _batches(key: RunKey, number: int) -> list[CaseBatch]:
    """Give a report per job, as shards leave them."""
    shares: list[list[CaseRun]] = [[] for _ in range(SHARDS)]
    for place, case in enumerate(cases_of(number)):
        shares[place % SHARDS].append(case)
    return [CaseBatch(key, f"junit-{k}.xml", tuple(share), job_id=f"{number}{k}") for k, share in enumerate(shares)]


def _operations() -> Iterator[Event]:
    """Give what gates, shards and caches remembered."""
    for number in range(RUNS):
        yield _event("plan", number, gate_plan(number, HOSTILE))
        for body in cache_bodies(number, HOSTILE):
            yield _event("cache", number, body)
    for number in range(20, RUNS):
        ids = [case.case_id for case in cases_of(number)]
        yield _event("plan", number, shard_plan(number, [tuple(ids[place::SHARDS]) for place in range(SHARDS)]))


def _event(kind: str, number: int, body: dict[str, object]) -> Event:
    run = {"provider": "github", "repository": "owner/name", "run_id": str(1000 + number), "attempt": 1}
    return Event(kind, _at(number) + timedelta(hours=1), run, body)


def _deployments() -> Iterator[Event]:
    for number in range(0, RUNS, 4):
        is_live = number % 12 != 8
        yield _event(
            "deployment",
            number,
            {
                "environment": "production" if number % 8 else HOSTILE[0],
                "strategy": "canary",
                "release": _sha(number)[:12] if number else HOSTILE[3],
                "is_live": is_live,
                "reason": "" if is_live else HOSTILE[1],
                "duration_s": 300.0 + number,
                "rolled_back_s": None if is_live else 4.5,
            },
        )


def _plans() -> Iterator[Event]:
    for number in range(20, RUNS):
        cases = [
            {
                "id": f"tests/test_{k % 12}.py::test_{k}",
                "decision": "skip" if k > 40 else "run",
                "p_fail": 0.01,
                "expected_s": 0.01 * k,
            }
            for k in range(120)
        ]
        cases += [
            {"id": name, "decision": "skip" if k % 2 else "run", "p_fail": 0.1, "expected_s": 3.0}
            for k, name in enumerate(HOSTILE)
        ]
        plan_id = HOSTILE[2] if number == 30 else f"{number:012x}"
        yield _event(
            "plan",
            number,
            {
                "id": plan_id,
                "schema": "cipredict.selection-plan/1",
                "cases": cases,
                "miss": {"p_miss_given_failure": 0.05},
            },
        )


def _benchmarks() -> Iterator[Event]:
    for number in range(RUNS):
        entries = [
            {
                "benchmark": name,
                "processes": [[seconds * (1 + 0.01 * ((number * 7 + k) % 5))]],
                "metric": "time",
                "unit": "s",
                "higher_is_better": False,
            }
            for k, (name, seconds) in enumerate(
                [("parse", 0.2), ("render", 1.0 if number < 40 else 1.5), (HOSTILE[0], 3.0)]
            )
        ]
        yield _event(
            "benchmarks",
            number,
            {"job": f"job {number}", "side": "head", "sha": _sha(number), "benchmarks": entries},
        )


BACKTEST = {
    "calibration": [[0, 0.001, 90_000, 0.0004, 0.0003], [0.01, 0.03, 700, 0.02, 0.025], [0.3, 1, 40, 0.6, 0.5]],
    "promises": [
        {
            "promised": level,
            "runs": 80,
            "missed": missed,
            "low": missed / 100,
            "high": missed / 50,
            "mean_share": level / 3,
        }
        for level, missed in ((0.5, 36), (0.8, 17), (0.9, 9), (0.95, 3))
    ],
}
"""As `learn.summary.checks_of` writes it."""


def write_forecast(path: Path) -> None:
    """Write a bundle that holds figures of a backtest and no cases; of one workflow it knows what the jobs need."""
    caught = {"caught_5": 0.4, "caught_10": 0.6, "caught_20": 0.8, "caught_30": 0.9, "caught_50": 0.97, "apfd": 0.9}
    policies = {
        "cipredict": caught,
        "random": {name: value / 2 for name, value in caught.items()},
        HOSTILE[0]: {"apfd": 0.1},
    }
    served = {"failure": Served("cipredict", {}, (), policies)}
    manifest = Manifest(
        created_at=NEWEST, repository="owner/name", default_branch="main", version="0", model_version="3",
        history_runs=RUNS, history_from="", history_to="", trained_to="", features=(), served=served,
        sigmoid=(1.0, 0.0), needed_shares=(0.1, 0.2, 0.2, 0.4, 0.9), coverage=0.9, observed_coverage={},
        conformal={}, anchors={}, overhead_s=1.0, case_members=(),
        series={f"ci / {HOSTILE[0]}": {"needs": ["lint"]}, "ci / lint": {"needs": []}},
    )  # fmt: skip
    write_bundle(path, manifest, {CHECKS: json.dumps(BACKTEST).encode()})


if __name__ == "__main__":
    import sys

    fill(Path(sys.argv[1]))
    write_forecast(Path(sys.argv[2]))
    sys.stdout.write(json.dumps({"runs": RUNS}) + "\n")
