"""CI environments, as their documentation shows them."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from cipredict.ingest.environment import DetectedRun, detect_run
from cipredict.records import RunKey

GITHUB = {
    "GITHUB_ACTIONS": "true",
    "GITHUB_REPOSITORY": "acme/shop",
    "GITHUB_RUN_ID": "77",
    "GITHUB_RUN_ATTEMPT": "2",
    "GITHUB_WORKFLOW": "CI",
    "GITHUB_SHA": "merge",
    "GITHUB_REF_NAME": "5/merge",
    "GITHUB_HEAD_REF": "feature",
    "GITHUB_BASE_REF": "main",
    "GITHUB_EVENT_NAME": "pull_request",
    "GITHUB_EVENT_PATH": "/event.json",
    "GITHUB_JOB": "tests",
}


def event(body: object) -> Callable[[str], str]:
    return {"/event.json": json.dumps(body)}.__getitem__


def missing(_path: str) -> str:
    raise FileNotFoundError


def test_outside_ci_there_is_no_run() -> None:
    assert detect_run({"HOME": "/root", "GITHUB_ACTIONS": ""}) is None


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        pytest.param(
            GITHUB,
            DetectedRun(
                provider="github",
                repository="acme/shop",
                run_id="77",
                attempt=2,
                workflow="CI",
                sha="merge",
                branch="feature",
                base_branch="main",
                event="pull_request",
                job="tests",
            ),
            id="GitHub pull request",
        ),
        pytest.param(
            {
                "GITLAB_CI": "true",
                "CI_PROJECT_PATH": "acme/shop",
                "CI_PIPELINE_ID": "8",
                "CI_COMMIT_SHA": "a1",
                "CI_COMMIT_REF_NAME": "feature",
                "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main",
                "CI_MERGE_REQUEST_DIFF_BASE_SHA": "b1",
                "CI_PIPELINE_SOURCE": "merge_request_event",
                "CI_JOB_ID": "9",
                "CI_JOB_NAME": "rspec 1/3",
            },
            DetectedRun(
                provider="gitlab",
                repository="acme/shop",
                run_id="8",
                sha="a1",
                branch="feature",
                base_branch="main",
                base_sha="b1",
                event="merge_request_event",
                job="rspec 1/3",
                job_id="9",
            ),
            id="GitLab merge request",
        ),
        pytest.param(
            {
                "BUILDKITE": "true",
                "BUILDKITE_REPO": "git@example.org:acme/shop.git",
                "BUILDKITE_BUILD_ID": "u-1",
                "BUILDKITE_RETRY_COUNT": "1",
                "BUILDKITE_PIPELINE_SLUG": "shop",
                "BUILDKITE_COMMIT": "a1",
                "BUILDKITE_BRANCH": "main",
                "BUILDKITE_PULL_REQUEST": "false",
                "BUILDKITE_JOB_ID": "j-1",
                "BUILDKITE_LABEL": "tests",
                "BUILDKITE_PARALLEL_JOB": "0",
                "BUILDKITE_PARALLEL_JOB_COUNT": "4",
            },
            DetectedRun(
                provider="buildkite",
                repository="acme/shop",
                run_id="u-1",
                attempt=2,
                workflow="shop",
                sha="a1",
                branch="main",
                event="push",
                job="tests 1/4",
                job_id="j-1",
            ),
            id="Buildkite, retried parallel job",
        ),
        pytest.param(
            {
                "CIRCLECI": "true",
                "CIRCLE_PROJECT_USERNAME": "acme",
                "CIRCLE_PROJECT_REPONAME": "shop",
                "CIRCLE_WORKFLOW_ID": "w-1",
                "CIRCLE_BUILD_NUM": "12",
                "CIRCLE_SHA1": "a1",
                "CIRCLE_BRANCH": "main",
                "CIRCLE_JOB": "tests",
                "CIRCLE_NODE_INDEX": "1",
                "CIRCLE_NODE_TOTAL": "2",
            },
            DetectedRun(
                provider="circleci",
                repository="acme/shop",
                run_id="w-1",
                sha="a1",
                branch="main",
                event="push",
                job="tests 2/2",
                job_id="12",
            ),
            id="CircleCI",
        ),
        pytest.param(
            {
                "JENKINS_URL": "https://jenkins.example.org/",
                "GIT_URL": "https://example.org/scm/acme/shop.git",
                "BUILD_TAG": "jenkins-shop-5",
                "JOB_NAME": "shop/PR-3",
                "GIT_COMMIT": "a1",
                "CHANGE_BRANCH": "feature",
                "CHANGE_TARGET": "main",
                "CHANGE_ID": "3",
                "STAGE_NAME": "Tests",
            },
            DetectedRun(
                provider="jenkins",
                repository="acme/shop",
                run_id="jenkins-shop-5",
                workflow="shop/PR-3",
                sha="a1",
                branch="feature",
                base_branch="main",
                event="pull_request",
                job="Tests",
            ),
            id="Jenkins change request",
        ),
    ],
)
def test_providers(environment: dict[str, str], expected: DetectedRun) -> None:
    assert expected == detect_run(environment)


def test_the_event_names_the_head_that_people_know_and_the_base() -> None:
    body = {"pull_request": {"head": {"sha": "head"}, "base": {"sha": "base"}}}
    run = detect_run(GITHUB, read_text=event(body))
    assert run is not None
    assert ("head", "base") == (run.sha, run.base_sha)


def test_a_push_is_compared_with_what_was_there_before() -> None:
    run = detect_run(GITHUB | {"GITHUB_HEAD_REF": ""}, read_text=event({"before": "old", "after": "new"}))
    assert run is not None
    assert ("merge", "old", "5/merge") == (run.sha, run.base_sha, run.branch)


@pytest.mark.parametrize(
    "read_text",
    [
        pytest.param(missing, id="missing"),
        pytest.param(event([]), id="another shape"),
        pytest.param(event({"pull_request": {"head": {}}}), id="parts missing"),
        pytest.param(lambda _path: "{", id="not JSON"),
    ],
)
def test_an_unreadable_event_changes_nothing(read_text: Callable[[str], str]) -> None:
    assert detect_run(GITHUB) == detect_run(GITHUB, read_text=read_text)


def test_the_key_identifies_the_attempt() -> None:
    run = detect_run(GITHUB)
    assert run is not None
    assert RunKey("github", "acme/shop", "77", 2) == run.key


def test_variables_may_all_be_missing() -> None:
    for variable in ("GITHUB_ACTIONS", "GITLAB_CI", "BUILDKITE", "CIRCLECI", "JENKINS_URL"):
        run = detect_run({variable: "true"})
        assert run is not None
        assert ("", 1) == (run.repository, run.attempt)
