"""Whatever JSON is called a run: both readers end, and give only what the store can hold."""

from __future__ import annotations

import json
from datetime import UTC

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cipredict.ingest.github import GitHubPayloads
from cipredict.ingest.gitlab import GitLabPayloads
from cipredict.ingest.run_files import Payloads
from cipredict.ingest.runs import Attempt

NAMES = st.sampled_from(
    [
        *(
            "id",
            "run_id",
            "name",
            "head_sha",
            "sha",
            "status",
            "conclusion",
            "run_attempt",
            "run_number",
            "workflow_id",
        ),
        *("created_at", "started_at", "completed_at", "finished_at", "run_started_at", "queued_duration", "duration"),
        *("repository", "full_name", "head_repository", "head_branch", "pull_requests", "base", "labels", "steps"),
        *("number", "runner_id", "workflow_runs", "jobs", "workflow_run", "workflow_job", "object_kind", "builds"),
        *("object_attributes", "merge_request", "project", "path_with_namespace", "pipeline", "stage", "tag_list"),
        *(
            "runner",
            "pipeline_id",
            "build_id",
            "build_name",
            "build_status",
            "web_url",
            "url",
            "html_url",
            "before_sha",
        ),
    ]
)
VALUES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=3)
    | st.sampled_from(
        [
            *("completed", "success", "failed", "skipped", "build", "pipeline", "a/b", "2026-01-01T00:00:00Z"),
            *("2026-01-02T00:00:00+01:00", "0001-01-01T00:00:00Z", "https://h/a/b/-/jobs/1", "\ud800"),
        ]
    )
)
DOCUMENTS = st.recursive(
    VALUES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=12),
    max_leaves=60,
)


def _check(attempt: Attempt) -> None:
    run = attempt.run
    for text in (run.key.repository, run.key.run_id, run.workflow, run.sha, run.branch, run.event, run.url):
        text.encode()
    assert run.key.attempt > 0
    assert run.started_at.tzinfo is UTC
    for job in attempt.jobs:
        json.dumps([job.job_id, job.name, job.runner]).encode()
        assert job.key == run.key
        assert job.queued_s is None or job.queued_s >= 0


@pytest.mark.parametrize("reader", [GitHubPayloads, GitLabPayloads])
@given(documents=st.lists(DOCUMENTS, max_size=4))
def test_any_json(reader: type[GitHubPayloads] | type[GitLabPayloads], documents: list[object]) -> None:
    payloads: Payloads = reader("o/r")
    found = sum(payloads.add(document) for document in documents)
    attempts = list(payloads.attempts())

    for attempt in attempts:
        _check(attempt)
    assert found or not attempts
