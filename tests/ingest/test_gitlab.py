"""GitLab's payloads and their traps: retries inside a pipeline, statuses, bridges, webhooks, test reports."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cipredict.ingest.gitlab import GitLabPayloads, split_attempts
from cipredict.ingest.payloads import parse_documents
from cipredict.ingest.runs import UNKNOWN_RESULT, WITHOUT_REPOSITORY, Attempt, Oddities
from cipredict.records import CaseBatch, JobRecord, Result, RunKey

Json = Any  # whatever GitLab sends
Load = Callable[[str], Json]


@pytest.fixture(scope="session")
def load(samples: Path) -> Load:
    return lambda name: json.loads((samples / "gitlab" / name).read_text(encoding="utf-8"))


@pytest.fixture
def job(load: Load) -> Json:
    """A job that ran for two minutes."""
    return load("jobs.json")["301"][0]


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def _read(*documents: Json, repository: str = "") -> tuple[list[Attempt], Oddities]:
    payloads = GitLabPayloads(repository)
    for document in documents:
        payloads.add(document)
    return list(payloads.attempts()), payloads.oddities


def _job(payload: Json) -> JobRecord:
    [attempt], _ = _read(payload)
    return attempt.jobs[0]


# -- pipelines ---------------------------------------------------------------------------------------------------------


def test_what_was_retried_days_later_is_the_next_attempt(load: Load) -> None:
    """The deployment waited for the retry, so it belongs there too; the automatic retry does not begin an attempt."""
    (first, second), _ = _read(load("pipeline.json")["301"], load("jobs.json")["301"])

    assert ["build", "lint", "rollback", "rspec 1/2", "rspec 2/2", "rspec 2/2"] == sorted(j.name for j in first.jobs)
    assert ["deploy", "rspec 2/2"] == sorted(job.name for job in second.jobs)
    assert (_at("2026-10-01T09:00:05"), _at("2026-10-01T09:08:12")) == (first.run.started_at, first.run.finished_at)
    assert (_at("2026-10-03T08:00:04"), _at("2026-10-03T08:04:01")) == (second.run.started_at, second.run.finished_at)
    assert (Result.FAILURE, Result.SUCCESS) == (first.run.result, second.run.result)
    assert [1, 2] == [attempt.run.key.attempt for attempt in (first, second)]
    assert {2} == {job.key.attempt for job in second.jobs}


def test_what_a_pipeline_says_of_itself(load: Load) -> None:
    attempts, _ = _read(load("pipeline.json")["301"], load("jobs.json")["301"])
    run = attempts[0].run

    assert ("gitlab", "shop/backend", "301") == (run.key.provider, run.key.repository, run.key.run_id)
    assert ("Build", "main", "push", "a1" * 20, "f6" * 20) == (
        run.workflow,
        run.branch,
        run.event,
        run.sha,
        run.parent_sha,
    )
    assert "https://gitlab.example/shop/backend/-/pipelines/301" == run.url


def test_the_null_commit_is_no_parent(load: Load) -> None:
    [attempt], _ = _read(load("pipeline.json")["302"])

    assert "" == attempt.run.parent_sha


def test_a_list_entry_adds_to_the_whole_pipeline_and_takes_nothing_away(load: Load) -> None:
    [brief, *_], whole = load("pipelines.json"), load("pipeline.json")["301"]

    assert _read(whole)[0] == _read(brief, whole)[0] == _read(whole, brief)[0]


def test_jobs_without_their_pipeline_make_one_up(load: Load) -> None:
    """Each job carries a sketch of its pipeline, as it was when the job was asked for."""
    [attempt], _ = _read(load("jobs.json")["303"])

    run = attempt.run
    assert ("303", "shop/backend", "main", "push", None) == (
        run.key.run_id,
        run.key.repository,
        run.branch,
        run.event,
        run.result,
    )
    assert (_at("2026-10-02T10:01:02"), _at("2026-10-02T10:03:04")) == (run.started_at, run.finished_at)


def test_a_job_that_may_fail_does_not_fail_its_attempt(load: Load) -> None:
    jobs = [job for job in load("jobs.json")["301"] if job["name"] != "rspec 2/2" or job["status"] == "success"]
    retried = {**jobs[0], "id": 9, "created_at": "2026-10-09T00:00:00Z", "started_at": "2026-10-09T00:00:01Z"}
    attempts, _ = _read(load("pipeline.json")["301"], jobs, {**retried, "finished_at": "2026-10-09T00:00:09Z"})

    assert Result.SUCCESS == attempts[0].run.result


def test_a_bridge_is_a_job(load: Load) -> None:
    [attempt], _ = _read(load("pipeline.json")["302"], load("jobs.json")["302"], load("bridges.json")["302"])

    [bridge] = [job for job in attempt.jobs if job.name == "docs pipeline"]
    assert (Result.SUCCESS, "", None) == (bridge.result, bridge.runner, bridge.queued_s)


def test_a_project_without_a_name_is_counted(load: Load) -> None:
    pipeline = {**load("pipeline.json")["302"], "web_url": None}

    assert ([], 1) == (_read(pipeline)[0], _read(pipeline)[1][WITHOUT_REPOSITORY])
    assert ["a/b"] == [attempt.run.key.repository for attempt in _read(pipeline, repository="a/b")[0]]


# -- jobs --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "result"),
    [
        pytest.param({"status": "success"}, Result.SUCCESS, id="success"),
        pytest.param({"status": "failed", "failure_reason": "script_failure"}, Result.FAILURE, id="script"),
        pytest.param({"status": "failed"}, Result.FAILURE, id="no reason"),
        pytest.param({"status": "failed", "allow_failure": True}, Result.FAILURE, id="allowed to fail"),
        pytest.param({"status": "failed", "failure_reason": "job_execution_timeout"}, Result.TIMEOUT, id="timeout"),
        pytest.param({"status": "failed", "failure_reason": "runner_system_failure"}, Result.ERROR, id="runner"),
        pytest.param({"status": "canceled"}, Result.CANCELLATION, id="canceled"),
        pytest.param({"status": "skipped"}, Result.SKIP, id="skipped"),
        pytest.param({"status": "manual"}, Result.SKIP, id="manual"),
        pytest.param({"status": "running"}, None, id="running"),
        pytest.param({"status": "waiting_for_resource"}, None, id="waiting"),
    ],
)
def test_statuses(job: Json, change: Json, result: Result | None) -> None:
    [attempt], oddities = _read({**job, **change})

    assert (result, 0) == (attempt.jobs[0].result, oddities[UNKNOWN_RESULT])


def test_a_status_of_the_future_is_unknown_and_said(job: Json) -> None:
    _, oddities = _read({**job, "status": "dreaming"})

    assert 1 == oddities[UNKNOWN_RESULT]


@pytest.mark.parametrize(
    ("change", "started", "finished", "queued_s"),
    [
        pytest.param({}, True, True, 4.5, id="as it should be"),
        pytest.param({"status": "skipped"}, False, False, None, id="skipped"),
        pytest.param({"started_at": None, "finished_at": None, "status": "pending"}, False, False, None, id="waits"),
        pytest.param({"finished_at": "2026-10-01T08:00:00Z"}, True, False, 4.5, id="ends before it starts"),
        pytest.param({"queued_duration": -2.0}, True, True, None, id="negative queue"),
    ],
)
def test_only_times_that_measure_something_are_kept(
    job: Json, change: Json, queued_s: float | None, *, started: bool, finished: bool
) -> None:
    record = _job({**job, **change})

    assert (started, finished) == (record.started_at is not None, record.finished_at is not None)
    assert queued_s == record.queued_s


@pytest.mark.parametrize(
    ("change", "runner"),
    [
        pytest.param({"tag_list": ["docker", "arm64"]}, "arm64,docker", id="tags"),
        pytest.param({"tag_list": []}, "docker-1", id="the runner's name"),
        pytest.param({"tag_list": None, "runner": {"tags": ["gpu"]}}, "gpu", id="a webhook's tags"),
        pytest.param({"tag_list": None, "runner": None}, "", id="unknown"),
    ],
)
def test_the_runner_is_what_the_job_asked_for(job: Json, change: Json, runner: str) -> None:
    assert runner == _job({**job, **change}).runner


# -- webhooks ----------------------------------------------------------------------------------------------------------


def test_the_hooks_of_a_pipeline_and_its_jobs_in_any_order(samples: Path) -> None:
    lines = list(parse_documents((samples / "gitlab" / "webhooks.jsonl").read_text(encoding="utf-8")))
    for events in (lines, lines[::-1]):
        [attempt], _ = _read(*events)

        run = attempt.run
        assert ("shop/backend", "310", "faster-cart", "merge_request_event", Result.SUCCESS) == (
            run.key.repository,
            run.key.run_id,
            run.branch,
            run.event,
            run.result,
        )
        assert (_at("2026-10-05T08:00:06"), _at("2026-10-05T08:04:06")) == (run.started_at, run.finished_at)
        assert [("lint", Result.SKIP, None), ("test", Result.SUCCESS, 5.5)] == sorted(
            (job.name, job.result, job.queued_s) for job in attempt.jobs
        )


def test_a_job_hook_alone_says_when_it_was_queued(samples: Path) -> None:
    [hook, _] = parse_documents((samples / "gitlab" / "webhooks.jsonl").read_text(encoding="utf-8"))
    [attempt], _ = _read(hook)

    assert [("3101", "test", 5.5, "docker", None)] == [
        (job.job_id, job.name, job.queued_s, job.runner, job.result) for job in attempt.jobs
    ]


@pytest.mark.parametrize("document", [None, 1, "x", [], {}, {"id": 1}, {"object_kind": "build"}, {"stage": "test"}])
def test_anything_else_holds_no_pipeline(document: Json) -> None:
    payloads = GitLabPayloads("a/b")

    assert (0, []) == (payloads.add(document), list(payloads.attempts()))


# -- laws --------------------------------------------------------------------------------------------------------------

SECONDS = st.none() | st.integers(0, 999).map(lambda second: f"2026-01-01T00:{second // 60:02}:{second % 60:02}Z")
JOBS = st.fixed_dictionaries(
    {
        "id": st.integers(1, 99),
        "name": st.sampled_from("abc"),
        "created_at": SECONDS,
        "started_at": SECONDS,
        "finished_at": SECONDS,
    }
)


@given(st.lists(JOBS, max_size=8, unique_by=lambda job: job["id"]))
def test_attempts_hold_every_job_once(jobs: list[Json]) -> None:
    attempts = split_attempts(jobs)

    assert sorted(job["id"] for job in jobs) == sorted(int(str(job["id"])) for own in attempts for job in own)
    assert len(attempts) == 1 or all(attempts)


def test_a_job_that_ends_at_the_end_of_time() -> None:
    last = "9999-12-31T23:59:59Z"
    jobs = [{"id": 1, "name": "a", "created_at": last, "finished_at": last}, {"id": 2, "name": "a", "created_at": last}]

    assert 1 == len(split_attempts(jobs))


# -- test reports ------------------------------------------------------------------------------------------------------


@pytest.mark.learn
def test_a_test_report_names_cases_as_their_junit_reports_would(load: Load) -> None:
    reader = pytest.importorskip("cipredict.ingest.gitlab_tests", reason="needs lxml (pip install 'cipredict[store]')")
    key = RunKey("gitlab", "shop/backend", "302")
    batch, report = reader.read_test_report(load("test_report.json")["302"], source="302", key=key)

    assert isinstance(batch, CaseBatch)
    assert [
        ("tests/test_cart.py::TestCart::test_total", "passed", 1.5),
        ("tests/test_cart.py::test_price[\ufffdx]", "failed", 2.0),
        ("tests/test_cart.py::test_slow", "skipped", 0.0),
        ("tests/test_cart.py::test_db", "error", 0.25),
    ] == [(case.case_id, case.verdict.value, case.duration_s) for case in batch.cases]
    assert (4, 2, "valid") == (report.cases, report.failed, report.status.value)
