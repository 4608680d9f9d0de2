"""GitHub's payloads and their traps: times of re-runs, skipped and negative jobs, old recordings, webhooks."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cipredict.ingest.github import GitHubPayloads, read_attempt, read_job, read_run, repository_of
from cipredict.ingest.payloads import parse_documents
from cipredict.ingest.runs import (
    ENDS_BEFORE_IT_STARTS,
    LISTED_AGAIN,
    UNKNOWN_RESULT,
    WITHOUT_REPOSITORY,
    WITHOUT_TIME,
    Attempt,
    Oddities,
)
from cipredict.records import JobRecord, Result

Json = Any  # whatever GitHub sends
Load = Callable[[str], Json]


@pytest.fixture(scope="session")
def load(samples: Path) -> Load:
    return lambda name: json.loads((samples / "github" / name).read_text(encoding="utf-8"))


@pytest.fixture
def job(load: Load) -> Json:
    """A job that ran for five minutes."""
    return load("jobs.json")["101/1"]["jobs"][0]


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def _read(*documents: Json, repository: str = "") -> tuple[list[Attempt], Oddities]:
    payloads = GitHubPayloads(repository)
    for document in documents:
        payloads.add(document)
    return list(payloads.attempts()), payloads.oddities


def _job(payload: Json) -> JobRecord:
    return read_job(payload, oddities=Oddities())


# -- runs --------------------------------------------------------------------------------------------------------------


def test_a_run_lasts_from_its_first_job_to_its_last(load: Load) -> None:
    """`updated_at` of this one is 13 months later, and its skipped job says it ended before it started."""
    [attempt, *_], oddities = _read(load("runs.json"), load("jobs.json")["101/1"])

    run = attempt.run
    assert (_at("2026-10-01T09:00:10"), _at("2026-10-01T09:09:30")) == (run.started_at, run.finished_at)
    assert 1 == oddities[ENDS_BEFORE_IT_STARTS]


def test_what_a_run_says_of_itself(load: Load) -> None:
    [run] = [run for run in load("runs.json")["workflow_runs"] if run["id"] == 102]
    record = read_run(run, oddities=Oddities())

    assert ("github", "octo/shop", "102", 1) == (
        record.key.provider,
        record.key.repository,
        record.key.run_id,
        record.key.attempt,
    )
    assert ("CI", "pull_request", "faster-cart", Result.FAILURE) == (
        record.workflow,
        record.event,
        record.branch,
        record.result,
    )
    assert ("b2" * 20, "a1" * 20) == (record.sha, record.parent_sha)
    assert "https://github.com/octo/shop/actions/runs/102/attempts/1" == record.url
    assert record.finished_at is None


@pytest.mark.parametrize(
    ("change", "branch"),
    [
        pytest.param({}, "hubot:main", id="a fork"),
        pytest.param({"head_repository": None}, "unknown:main", id="a fork that was deleted"),
        pytest.param({"head_repository": {"full_name": "octo/shop"}}, "main", id="our own"),
        pytest.param({"head_branch": None}, "", id="no branch"),
    ],
)
def test_the_branch_of_a_fork_is_not_taken_for_ours(load: Load, change: Json, branch: str) -> None:
    [run] = [run for run in load("runs.json")["workflow_runs"] if run["id"] == 103]

    assert branch == read_run({**run, **change}, oddities=Oddities()).branch


def test_green_jobs_listed_again_stay_in_their_first_attempt(load: Load) -> None:
    jobs = load("jobs.json")
    attempts, oddities = _read(load("runs.json"), load("attempts.json")["103/1"], jobs["103/1"], jobs["103/2"])

    first, second = [attempt for attempt in attempts if attempt.run.key.run_id == "103"]
    assert (["lint", "test (ubuntu-latest, 3.12)"], ["test (ubuntu-latest, 3.12)"]) == (
        [job.name for job in first.jobs],
        [job.name for job in second.jobs],
    )
    assert (_at("2026-10-06T09:30:07"), _at("2026-10-06T09:34:10")) == (second.run.started_at, second.run.finished_at)
    assert (Result.FAILURE, Result.SUCCESS) == (first.run.result, second.run.result)
    assert 1 == oddities[LISTED_AGAIN]


@pytest.mark.parametrize(
    "same",
    [
        pytest.param({"id": 1006}, id="by number"),
        pytest.param({"check_run_url": "https://api.github.com/repos/octo/shop/check-runs/1006"}, id="by check run"),
        pytest.param({}, id="by name and times"),
    ],
)
def test_without_the_run_a_job_listed_again_is_known_by_its_marks(load: Load, same: Json) -> None:
    first, second = load("jobs.json")["103/1"], load("jobs.json")["103/2"]
    lint = {**second["jobs"][0], "check_run_url": None, **same}
    if same:
        lint["started_at"] = "2026-10-06T09:30:01Z"

    attempts, _ = _read(first, [lint, second["jobs"][1]])

    assert [2, 1] == [len(attempt.jobs) for attempt in attempts]


def test_a_job_of_attempt_one_in_the_list_of_attempt_two_belongs_to_attempt_one(load: Load) -> None:
    jobs = load("jobs.json")
    attempts, _ = _read(jobs["103/1"], {"jobs": [jobs["103/1"]["jobs"][0], jobs["103/2"]["jobs"][1]]})

    assert [2, 1] == [len(attempt.jobs) for attempt in attempts]


def test_a_run_that_never_started_has_no_end(load: Load) -> None:
    attempts, _ = _read(load("runs.json"))
    run = next(attempt.run for attempt in attempts if attempt.run.key.run_id == "104")

    assert (Result.ERROR, _at("2026-10-03T12:00:00"), None) == (run.result, run.started_at, run.finished_at)


def test_a_run_that_goes_on_has_no_end(load: Load) -> None:
    attempts, _ = _read(load("runs.json"), load("jobs.json")["106/1"])
    run = next(attempt.run for attempt in attempts if attempt.run.key.run_id == "106")

    assert (None, _at("2026-10-05T08:00:09"), None) == (run.result, run.started_at, run.finished_at)


def test_a_recording_of_2020_lacks_attempt_name_and_path(load: Load) -> None:
    [attempt], _ = _read(load("run_2020.json"), load("job_2020.json"))

    assert (1, "", "master") == (attempt.run.key.attempt, attempt.run.workflow, attempt.run.branch)
    assert (_at("2020-06-01T10:00:20"), _at("2020-06-01T10:04:20")) == (attempt.run.started_at, attempt.run.finished_at)
    assert (None, "") == (attempt.jobs[0].queued_s, attempt.jobs[0].runner)


def test_a_workflow_without_a_name_is_called_after_its_file(load: Load) -> None:
    run = {**load("runs.json")["workflow_runs"][0], "name": None, "path": ".github/workflows/nightly.yml@main"}

    assert "nightly" == read_run(run, oddities=Oddities()).workflow


def test_jobs_without_their_run_make_one_up(load: Load) -> None:
    [attempt], _ = _read(load("jobs.json")["102/1"])

    run = attempt.run
    assert ("102", "octo/shop", "CI", "faster-cart") == (
        run.key.run_id,
        run.key.repository,
        run.workflow,
        run.branch,
    )
    assert (_at("2026-10-02T10:00:11"), _at("2026-10-02T10:09:00")) == (run.started_at, run.finished_at)
    assert (None, False) == (run.result, run.is_complete)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param({"run_started_at": None, "created_at": None}, WITHOUT_TIME, id="no time"),
        pytest.param({"repository": None}, WITHOUT_REPOSITORY, id="no repository"),
    ],
)
def test_a_run_that_cannot_be_stored_is_counted(load: Load, change: Json, words: str) -> None:
    run = {**load("runs.json")["workflow_runs"][0], "url": None, "html_url": None, **change}
    if words == WITHOUT_TIME:
        run["repository"] = {"full_name": "octo/shop"}

    attempts, oddities = _read(run)

    assert ([], 1) == (attempts, oddities[words])


def test_the_user_names_a_repository_that_the_payload_does_not(load: Load) -> None:
    run = {**load("run_2020.json"), "repository": None, "url": None, "html_url": None}

    assert ["me/mine"] == [attempt.run.key.repository for attempt in _read(run, repository="me/mine")[0]]


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        pytest.param({"repository": {"full_name": "a/b"}, "url": "https://x/repos/c/d/actions/"}, "a/b", id="said"),
        pytest.param({"url": "https://api.github.com/repos/a/b/actions/jobs/1"}, "a/b", id="address of the API"),
        pytest.param({"url": "https://ghe.example/api/v3/repos/a/b/actions/runs/1"}, "a/b", id="enterprise"),
        pytest.param({"html_url": "https://github.com/a/b/actions/runs/1/job/2"}, "a/b", id="page"),
        pytest.param({"id": 1}, "", id="unknown"),
    ],
)
def test_repository(payload: Json, expected: str) -> None:
    assert repository_of(payload) == expected


# -- jobs and steps ----------------------------------------------------------------------------------------------------


def test_a_job_with_its_steps(job: Json) -> None:
    """Steps are timed in another zone than their job; the first one begins a second before it."""
    record = _job(job)

    assert ("1001", "test (ubuntu-latest, 3.12)", "ubuntu-latest", 8.0, Result.SUCCESS) == (
        record.job_id,
        record.name,
        record.runner,
        record.queued_s,
        record.result,
    )
    assert [(1, "Set up job", Result.SUCCESS), (2, "Run actions/checkout@v4", Result.SUCCESS)] == [
        (step.number, step.name, step.result) for step in record.steps[:2]
    ]
    assert _at("2026-10-01T09:00:09") == record.steps[0].started_at
    assert (None, None, Result.SKIP) == (
        record.steps[2].started_at,
        record.steps[2].finished_at,
        record.steps[2].result,
    )


@pytest.mark.parametrize(
    ("conclusion", "result"),
    [
        ("success", Result.SUCCESS),
        ("neutral", Result.SUCCESS),
        ("failure", Result.FAILURE),
        ("timed_out", Result.TIMEOUT),
        ("stale", Result.TIMEOUT),
        ("cancelled", Result.CANCELLATION),
        ("startup_failure", Result.ERROR),
        ("skipped", Result.SKIP),
        ("action_required", Result.SKIP),
        (None, None),
    ],
)
def test_conclusions(job: Json, conclusion: str | None, result: Result | None) -> None:
    oddities = Oddities()

    assert result == read_job({**job, "conclusion": conclusion}, oddities=oddities).result
    assert 0 == oddities[UNKNOWN_RESULT]


def test_a_conclusion_of_the_future_is_unknown_and_said(job: Json) -> None:
    oddities = Oddities()

    assert read_job({**job, "conclusion": "paused"}, oddities=oddities).result is None
    assert 1 == oddities[UNKNOWN_RESULT]


@pytest.mark.parametrize(
    ("change", "started", "finished"),
    [
        pytest.param({}, True, True, id="as it should be"),
        pytest.param({"conclusion": "skipped"}, False, False, id="skipped"),
        pytest.param({"completed_at": "2026-10-01T09:00:09Z"}, True, False, id="ends before it starts"),
        pytest.param({"completed_at": None, "status": "in_progress", "conclusion": None}, True, False, id="runs"),
        pytest.param({"status": "queued", "conclusion": None}, False, False, id="waits"),
        pytest.param(
            {"conclusion": "cancelled", "runner_id": 0, "steps": []}, False, False, id="cancelled without a runner"
        ),
        pytest.param(
            {"conclusion": "failure", "completed_at": "2026-10-01T09:00:10Z", "steps": []},
            False,
            False,
            id="refused its environment",
        ),
        pytest.param({"conclusion": "failure", "runner_id": 0}, True, True, id="steps tell that it ran"),
        pytest.param({"started_at": "0001-01-01T00:00:00Z"}, False, True, id="no time"),
    ],
)
def test_only_times_that_measure_something_are_kept(job: Json, change: Json, *, started: bool, finished: bool) -> None:
    record = _job({**job, **change})

    assert (started, finished) == (record.started_at is not None, record.finished_at is not None)


@pytest.mark.parametrize(
    ("change", "queued_s"),
    [
        pytest.param({}, 8.0, id="completed"),
        pytest.param({"status": "in_progress"}, 8.0, id="in progress"),
        pytest.param({"status": "queued"}, None, id="queued: its start is a copy of its creation"),
        pytest.param({"status": "waiting"}, None, id="waiting"),
        pytest.param({"created_at": None}, None, id="no creation"),
        pytest.param({"created_at": "2026-10-01T09:01:00Z"}, None, id="created after it started"),
        pytest.param({"conclusion": "skipped"}, None, id="skipped"),
    ],
)
def test_queue_time_is_believed_only_of_a_job_that_started(job: Json, change: Json, queued_s: float | None) -> None:
    assert queued_s == _job({**job, **change}).queued_s


@pytest.mark.parametrize(
    ("change", "runner"),
    [
        pytest.param({"labels": ["self-hosted", "linux", "arm64"]}, "arm64,linux,self-hosted", id="labels"),
        pytest.param({"labels": []}, "GitHub Actions 5", id="the runner's name"),
        pytest.param({"labels": None, "runner_name": None}, "", id="unknown"),
    ],
)
def test_the_runner_is_what_the_job_asked_for(job: Json, change: Json, runner: str) -> None:
    assert runner == _job({**job, **change}).runner


def test_steps_without_a_number_are_counted(job: Json) -> None:
    steps = [{**step, "number": None} for step in job["steps"]]

    assert [1, 2, 3, 4] == [step.number for step in _job({**job, "steps": steps}).steps]


# -- packings and webhooks ---------------------------------------------------------------------------------------------


def test_every_packing_of_the_same_runs_gives_the_same(load: Load) -> None:
    runs, jobs = load("runs.json"), load("jobs.json")
    listed = [job for page in jobs.values() for job in page["jobs"]]
    expected, _ = _read(runs, *jobs.values())
    packings = [
        [runs["workflow_runs"], listed],
        [[runs, *jobs.values()]],
        [*runs["workflow_runs"], *listed],
        [*reversed(listed), *reversed(runs["workflow_runs"])],
        [runs, *jobs.values(), runs, *jobs.values()],
    ]

    for packing in packings:
        attempts, _ = _read(*packing)
        by_number = [Attempt(a.run, tuple(sorted(a.jobs, key=lambda job: job.job_id))) for a in attempts]
        assert by_number == [Attempt(a.run, tuple(sorted(a.jobs, key=lambda job: job.job_id))) for a in expected]


def test_the_latest_event_of_a_job_counts_whatever_the_order(samples: Path) -> None:
    lines = list(parse_documents((samples / "github" / "webhooks.jsonl").read_text(encoding="utf-8")))
    for events in (lines, lines[::-1]):
        [attempt], _ = _read(*events)
        [job] = attempt.jobs

        assert (720.0, "gpu,self-hosted", Result.SUCCESS) == (job.queued_s, job.runner, job.result)
        assert (Result.SUCCESS, _at("2026-10-07T07:12:02"), _at("2026-10-07T07:20:02")) == (
            attempt.run.result,
            attempt.run.started_at,
            attempt.run.finished_at,
        )


@pytest.mark.parametrize(
    "document", [None, 1, "x", [], {}, {"id": 1}, {"workflow_run": {"id": 5}}, {"jobs": [1, None]}]
)
def test_anything_else_holds_no_run(document: Json) -> None:
    payloads = GitHubPayloads("a/b")

    assert (0, []) == (payloads.add(document), list(payloads.attempts()))


@pytest.mark.shared_data
def test_real_webhooks(real_formats: Path) -> None:
    documents = {
        path.name: json.loads(path.read_text(encoding="utf-8"))
        for path in (real_formats / "github_webhooks").glob("workflow_*.json")
    }
    completed, _ = _read(documents["workflow_job__completed.failure.with-organization.payload.json"])
    waiting, _ = _read(
        documents["workflow_job__waiting.payload.json"], documents["workflow_job__queued.with-deployment.payload.json"]
    )
    finished, _ = _read(documents["workflow_run__completed.with-pull-requests.payload.json"])

    assert (Result.FAILURE, 60.0) == (completed[0].jobs[0].result, completed[0].jobs[0].queued_s)
    assert [(None, None)] == [(job.queued_s, job.started_at) for job in waiting[0].jobs]
    assert ("f95f852bd8fca8fcc58a9a2d6c842781e32a215e", Result.SUCCESS) == (
        finished[0].run.parent_sha,
        finished[0].run.result,
    )


# -- laws --------------------------------------------------------------------------------------------------------------

MOMENTS = st.none() | st.integers(0, 172_800).map(
    lambda seconds: f"{datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%SZ}"
)
JOBS = st.fixed_dictionaries(
    {
        "id": st.integers(1, 99),
        "run_id": st.just(7),
        "name": st.sampled_from(["a", "b"]),
        "run_attempt": st.just(2),
        "repository": st.just({"full_name": "o/r"}),
        "status": st.sampled_from(["queued", "in_progress", "completed", ""]),
        "conclusion": st.sampled_from(["success", "failure", "cancelled", "skipped", "nonsense", None]),
        "created_at": MOMENTS,
        "started_at": MOMENTS,
        "completed_at": MOMENTS,
    }
)


@given(st.lists(JOBS, max_size=6), MOMENTS)
def test_no_duration_is_ever_negative(jobs: list[Json], began_at: str | None) -> None:
    run = {"id": 7, "head_sha": "a", "run_number": 1, "run_attempt": 2, "repository": {"full_name": "o/r"}}
    attempt = read_attempt({**run, "run_started_at": began_at}, jobs, oddities=Oddities())
    if attempt is None:
        return
    times: list[tuple[datetime | None, datetime | None]] = [(attempt.run.started_at, attempt.run.finished_at)]
    times += [(job.started_at, job.finished_at) for job in attempt.jobs if job.started_at]
    assert all(finished is None or started is None or finished >= started for started, finished in times)
    assert all(job.queued_s is None or job.queued_s >= 0 for job in attempt.jobs)
    ends = [job.finished_at for job in attempt.jobs if job.started_at and job.finished_at]
    assert attempt.run.finished_at is None or attempt.run.finished_at == max(ends)
