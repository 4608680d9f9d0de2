"""Which CI run this process belongs to, from the variables of GitHub, GitLab, Buildkite, CircleCI and Jenkins.

A pure function of the environment; GitHub's event file is read through a door that the caller passes in.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from cipredict.records import RunKey

_Environment = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class DetectedRun:
    """What the CI system says about the run of this process. Unknown text is empty.

    Attributes
    ----------
    provider : github, gitlab, buildkite, circleci, jenkins
    repository : `owner/name`, as the provider spells it
    attempt : 1 for the first
    sha : of the commit that is tested; for a GitHub pull request the head, where the event file is readable, because
        `GITHUB_SHA` names a merge commit that nobody else knows
    branch : the source branch; a tag's name where a tag is built
    base_branch : target of the pull or merge request
    base_sha : what the change is compared with, where the event says so
    event : push, pull_request, schedule, …, in the provider's words
    job : its name; GitHub gives the shards of a matrix one name, so there the user has to tell them apart
    job_id : the provider's number of it, where it has one
    """

    provider: str
    repository: str
    run_id: str
    attempt: int = 1
    workflow: str = ""
    sha: str = ""
    branch: str = ""
    base_branch: str = ""
    base_sha: str = ""
    event: str = ""
    job: str = ""
    job_id: str = ""

    @property
    def key(self) -> RunKey:
        """What identifies the attempt in the store."""
        return RunKey(self.provider, self.repository, self.run_id, self.attempt)


def detect_run(environment: _Environment, *, read_text: Callable[[str], str] | None = None) -> DetectedRun | None:
    """Give the run, None outside CI. `read_text` opens GitHub's event file; without it the file is not read."""
    for is_here, detect in _PROVIDERS:
        if environment.get(is_here):
            run = detect(environment)
            break
    else:
        return None
    if run.provider == "github" and read_text is not None:
        run = _with_event(run, environment.get("GITHUB_EVENT_PATH", ""), read_text)
    return run


def _github(environment: _Environment) -> DetectedRun:
    get = environment.get
    return DetectedRun(
        provider="github",
        repository=get("GITHUB_REPOSITORY", ""),
        run_id=get("GITHUB_RUN_ID", ""),
        attempt=_attempt(get("GITHUB_RUN_ATTEMPT")),
        workflow=get("GITHUB_WORKFLOW", ""),
        sha=get("GITHUB_SHA", ""),
        branch=get("GITHUB_HEAD_REF") or get("GITHUB_REF_NAME", ""),
        base_branch=get("GITHUB_BASE_REF", ""),
        event=get("GITHUB_EVENT_NAME", ""),
        job=get("GITHUB_JOB", ""),
    )


def _gitlab(environment: _Environment) -> DetectedRun:
    get = environment.get
    return DetectedRun(
        provider="gitlab",
        repository=get("CI_PROJECT_PATH", ""),
        run_id=get("CI_PIPELINE_ID", ""),
        workflow=get("CI_PIPELINE_NAME", ""),
        sha=get("CI_COMMIT_SHA", ""),
        branch=get("CI_MERGE_REQUEST_SOURCE_BRANCH_NAME") or get("CI_COMMIT_REF_NAME", ""),
        base_branch=get("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", ""),
        base_sha=get("CI_MERGE_REQUEST_DIFF_BASE_SHA", ""),
        event=get("CI_PIPELINE_SOURCE", ""),
        job=get("CI_JOB_NAME", ""),
        job_id=get("CI_JOB_ID", ""),
    )


def _buildkite(environment: _Environment) -> DetectedRun:
    get = environment.get
    request = get("BUILDKITE_PULL_REQUEST", "false")
    return DetectedRun(
        provider="buildkite",
        repository=_repository_of(get("BUILDKITE_REPO", "")) or get("BUILDKITE_PIPELINE_SLUG", ""),
        run_id=get("BUILDKITE_BUILD_ID", ""),
        attempt=_attempt(get("BUILDKITE_RETRY_COUNT"), counted_from=0),
        workflow=get("BUILDKITE_PIPELINE_SLUG", ""),
        sha=get("BUILDKITE_COMMIT", ""),
        branch=get("BUILDKITE_BRANCH", ""),
        base_branch=get("BUILDKITE_PULL_REQUEST_BASE_BRANCH", ""),
        event="push" if request in {"", "false"} else "pull_request",
        job=_numbered(
            get("BUILDKITE_LABEL", ""), environment, "BUILDKITE_PARALLEL_JOB", total="BUILDKITE_PARALLEL_JOB_COUNT"
        ),
        job_id=get("BUILDKITE_JOB_ID", ""),
    )


def _circleci(environment: _Environment) -> DetectedRun:
    get = environment.get
    owner, name = get("CIRCLE_PROJECT_USERNAME", ""), get("CIRCLE_PROJECT_REPONAME", "")
    number = get("CIRCLE_BUILD_NUM", "")
    return DetectedRun(
        provider="circleci",
        repository=f"{owner}/{name}" if owner else name,
        run_id=get("CIRCLE_WORKFLOW_ID") or number,
        sha=get("CIRCLE_SHA1", ""),
        branch=get("CIRCLE_BRANCH") or get("CIRCLE_TAG", ""),
        event="pull_request" if get("CIRCLE_PULL_REQUEST") else "push",
        job=_numbered(get("CIRCLE_JOB", ""), environment, "CIRCLE_NODE_INDEX", total="CIRCLE_NODE_TOTAL"),
        job_id=number,
    )


def _jenkins(environment: _Environment) -> DetectedRun:
    get = environment.get
    branch = get("CHANGE_BRANCH") or get("BRANCH_NAME") or get("GIT_BRANCH", "").removeprefix("origin/")
    return DetectedRun(
        provider="jenkins",
        repository=_repository_of(get("GIT_URL", "")) or get("JOB_NAME", ""),
        run_id=get("BUILD_TAG") or get("BUILD_ID", ""),
        workflow=get("JOB_NAME", ""),
        sha=get("GIT_COMMIT", ""),
        branch=branch,
        base_branch=get("CHANGE_TARGET", ""),
        event="pull_request" if get("CHANGE_ID") else "push",
        job=get("STAGE_NAME", ""),
    )


_PROVIDERS: tuple[tuple[str, Callable[[_Environment], DetectedRun]], ...] = (
    ("GITHUB_ACTIONS", _github),
    ("GITLAB_CI", _gitlab),
    ("BUILDKITE", _buildkite),
    ("CIRCLECI", _circleci),
    ("JENKINS_URL", _jenkins),
)


def _with_event(run: DetectedRun, path: str, read_text: Callable[[str], str]) -> DetectedRun:
    """Add what only GitHub's event knows; an event that cannot be read adds nothing."""
    try:
        event = json.loads(read_text(path)) if path else {}
        request = event.get("pull_request") or {}
        base_sha = request["base"]["sha"] if request else event.get("before", "")
        head_sha = request["head"]["sha"] if request else run.sha
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return run
    return replace(run, sha=str(head_sha or run.sha), base_sha=str(base_sha or ""))


def _attempt(text: str | None, *, counted_from: int = 1) -> int:
    return int(text) + 1 - counted_from if text and text.isdecimal() else 1


def _numbered(job: str, environment: _Environment, index: str, *, total: str) -> str:
    """Tell the parallel copies of a job apart: `tests 2/4`; the providers count from 0."""
    count = environment.get(total, "")
    if not count.isdecimal() or int(count) < 2:
        return job
    return f"{job} {_attempt(environment.get(index), counted_from=0)}/{count}"


def _repository_of(url: str) -> str:
    """Give `owner/name` of a clone address, `git@host:owner/name.git` or `https://host/owner/name`."""
    path = url.removesuffix("/").removesuffix(".git").partition("://")[2] or url.removesuffix(".git").partition(":")[2]
    parts = [part for part in path.split("/") if part]
    return "/".join(parts[-2:])
