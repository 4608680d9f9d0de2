"""Seconds that jobs waited for a machine, from webhooks as GitHub sends them to a forecast."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("duckdb", reason="the store extra is not installed")
pytest.importorskip("pyarrow", reason="the store extra is not installed")

from cipredict.forecast.run_features import run_experts  # after the skips
from cipredict.ingest.github import GitHubPayloads
from cipredict.learn.loading import load
from cipredict.learn.run_time import TimedRun, collect_run_times, final_memories
from cipredict.learn.seconds import wape
from cipredict.records import CaseBatch, CaseRun, Verdict
from cipredict.store.batches import add_case_batches
from cipredict.store.database import open_store
from cipredict.store.writer import add_jobs, add_runs

pytestmark = pytest.mark.learn

WEBHOOKS = Path(__file__).parents[2] / "data" / "samples" / "github" / "webhooks.jsonl"
START = datetime(2026, 3, 2, tzinfo=UTC)
SERIES = "CI / gpu tests (queued)"
WAITS_S = {"gpu": 600.0, "small": 20.0}


def hooks(number: int, runner: str) -> list[dict[str, Any]]:
    """Give the hooks of one finished run and its job, recorded ones with other numbers and times."""
    recorded = [json.loads(line) for line in WEBHOOKS.read_text().splitlines()]
    kept = [hook for hook in recorded if hook["action"] == "completed"]
    asked = START + timedelta(hours=number)
    began = asked + timedelta(seconds=WAITS_S[runner] + number % 3)
    ended = began + timedelta(minutes=5)
    for hook in kept:
        if "workflow_job" in hook:
            hook["workflow_job"] |= {"id": 10_000 + number, "run_id": number, "labels": [runner], "run_attempt": 1}
            hook["workflow_job"] |= times(created_at=asked, started_at=began, completed_at=ended)
        else:
            hook["workflow_run"] |= {"id": number, "run_attempt": 1}
            hook["workflow_run"] |= times(created_at=asked, run_started_at=asked, updated_at=ended)
    return kept


def times(**moments: datetime) -> dict[str, str]:
    return {name: moment.strftime("%Y-%m-%dT%H:%M:%SZ") for name, moment in moments.items()}


@pytest.fixture(name="timed", scope="module")
def _timed(tmp_path_factory: pytest.TempPathFactory) -> list[TimedRun]:
    payloads = GitHubPayloads("octo/shop")
    for number in range(1, 41):
        for hook in hooks(number, "gpu" if number % 2 else "small"):
            payloads.add(hook)
    attempts = list(payloads.attempts())
    with open_store(tmp_path_factory.mktemp("queue") / "h.duckdb") as store:
        add_runs(store, [attempt.run for attempt in attempts])
        add_jobs(store, [job for attempt in attempts for job in attempt.jobs])
        add_case_batches(store, [CaseBatch(attempts[0].run.key, "r.xml", (CaseRun("a.py::b", Verdict.PASSED, 1.0),))])
        return list(load(store, as_of=START + timedelta(days=9)).timed)


def test_waits_are_a_series_of_their_own(timed: list[TimedRun]) -> None:
    waits = [run for run in timed if run.series == SERIES]
    assert len(waits) == 40
    assert [run.wall_s for run in waits[:2]] == [601.0, 22.0]
    assert waits[0].started_at == START + timedelta(hours=1)
    assert waits[0].finished_at == waits[0].started_at + timedelta(seconds=601)


def test_every_wait_is_forecast_from_those_before(timed: list[TimedRun]) -> None:
    rows = collect_run_times([run for run in timed if run.series == SERIES])
    assert len(rows.actual_s) == 39
    assert np.isfinite(rows.X).all()
    late = rows.take(np.arange(39) >= 19)
    errors = {name: wape(seconds, late.actual_s) for name, seconds in late.baselines.items()}
    assert errors["leader"] < 0.05 < errors["last"]  # the machine that was asked for decides


@pytest.mark.parametrize("runner", WAITS_S)
def test_who_waits_for_a_rare_machine_waits_long(timed: list[TimedRun], runner: str) -> None:
    waits = [run for run in timed if run.series == SERIES]
    memory = final_memories(timed)[SERIES]
    asked = next(run for run in reversed(waits) if run.runner == runner)
    expected_s = run_experts(memory.past(asked))[memory.leader.name]
    assert expected_s == pytest.approx(WAITS_S[runner], abs=3)
