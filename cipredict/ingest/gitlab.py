"""GitLab's pipelines, jobs and bridges into records: payloads of the REST API, of dumps and of webhooks.

Pure functions of parsed JSON. A pipeline has no attempts: its jobs are retried inside it, at once or days later. What
was retried after everything had come to rest is stored as the next attempt, so that no run lasts for days.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from cipredict.ingest.payloads import (
    Payload,
    moment_of,
    object_of,
    objects_of,
    seconds_of,
    text_of,
    texts_of,
)
from cipredict.ingest.runs import NO_TIME, UNKNOWN_RESULT, Attempt, Oddities, Span, checked, real_span, with_span
from cipredict.records import JobRecord, Result, RunKey, RunRecord

PROVIDER = "gitlab"
RETRY_PAUSE = timedelta(minutes=1)
"""A retry made longer after the last job had ended was made by a person; automatic ones follow within seconds."""

FINAL = {
    "success": Result.SUCCESS,
    "failed": Result.FAILURE,
    "canceled": Result.CANCELLATION,
    "skipped": Result.SKIP,
}
_RESULTS = {**FINAL, "manual": Result.SKIP}  # it waits for a person, and may wait forever
_OPEN = frozenset(
    {
        *("created", "waiting_for_resource", "preparing", "waiting_for_callback", "pending", "running"),
        *("canceling", "scheduled"),
    }
)
_REASONS = {
    "job_execution_timeout": Result.TIMEOUT,
    "stuck_or_timeout_failure": Result.TIMEOUT,
    "runner_system_failure": Result.ERROR,
    "api_failure": Result.ERROR,
    "scheduler_failure": Result.ERROR,
    "data_integrity_failure": Result.ERROR,
    "runner_unsupported": Result.ERROR,
    "unmet_prerequisites": Result.ERROR,
}
_PROJECT_IN_URL = re.compile(r"^https?://[^/]+/(.+?)(?:/-)?/(?:pipelines|jobs)/\d+")


@dataclass(slots=True)
class GitLabPayloads:
    """Objects in any order, several of one pipeline or job among them; `attempts` puts them together."""

    repository: str = ""
    oddities: Oddities = field(default_factory=Oddities)
    _pipelines: dict[str, Payload] = field(default_factory=dict)
    _jobs: dict[str, dict[str, Payload]] = field(default_factory=lambda: defaultdict(dict))

    def add(self, document: object, repository: str = "") -> int:
        """Take what a document holds; give the number of pipelines and jobs in it."""
        if isinstance(document, list):
            return sum(self.add(item, repository) for item in document)
        if not isinstance(document, Mapping):
            return 0
        project = text_of(object_of(document, "project"), "path_with_namespace") or repository or self.repository
        return self._add_object(document, project)

    def _add_object(self, document: Payload, project: str) -> int:
        if text_of(document, "object_kind") == "pipeline":
            return self._add_pipeline_hook(document, project)
        if text_of(document, "object_kind") == "build":
            return self._add_job(_job_of_hook(document), text_of(document, "pipeline_id"), project)
        if "stage" in document:
            pipeline = object_of(document, "pipeline")
            return self._add_job(document, text_of(pipeline, "id"), project)
        if {"id", "sha", "status"} <= document.keys():
            return self._add_pipeline(document, project)
        return 0

    def _add_pipeline_hook(self, hook: Payload, project: str) -> int:
        facts, request = object_of(hook, "object_attributes"), object_of(hook, "merge_request")
        branch = text_of(request, "source_branch") or text_of(facts, "ref")
        pipeline = {**facts, "ref": branch, "web_url": text_of(facts, "url")}
        builds = objects_of(hook, "builds")
        return self._add_pipeline(pipeline, project) + sum(
            self._add_job(build, text_of(facts, "id"), project) for build in builds
        )

    def _add_pipeline(self, payload: Payload, project: str) -> int:
        number = text_of(payload, "id")
        known = self._pipelines.get(number, {})
        if text_of(known, "status") not in FINAL or text_of(payload, "status") in FINAL:
            facts = {name: value for name, value in payload.items() if value is not None}  # a list entry knows less
            self._pipelines[number] = {**known, **facts, "path": project_of(payload) or project}
        return 1

    def _add_job(self, payload: Payload, pipeline: str, project: str) -> int:
        if not (pipeline and text_of(payload, "id")):
            return 0
        known = self._jobs[pipeline].get(text_of(payload, "id"), {})
        if text_of(known, "status") not in FINAL or text_of(payload, "status") in FINAL:
            self._jobs[pipeline][text_of(payload, "id")] = {**payload, "path": project_of(payload) or project}
        return 1

    def attempts(self) -> Iterator[Attempt]:
        """Give every pipeline, as one attempt or more."""
        for number in sorted(self._pipelines.keys() | self._jobs.keys()):
            jobs = self._jobs.get(number, {}).values()
            yield from read_pipeline(number, self._pipelines.get(number), jobs, oddities=self.oddities)


def _job_of_hook(hook: Payload) -> Payload:
    """Give the job of a Job Hook in the API's words: `build_started_at` is `started_at` there."""
    job = {name.removeprefix("build_"): value for name, value in hook.items() if name.startswith("build_")}
    sha, ref, runner = hook.get("sha"), hook.get("ref"), hook.get("runner")
    return {**job, "runner": runner, "pipeline": {"sha": sha, "ref": ref}}


def project_of(payload: Payload) -> str:
    """Give `group/name` from the address of a pipeline or job."""
    match = _PROJECT_IN_URL.search(text_of(payload, "web_url"))
    return match[1] if match else ""


def read_pipeline(
    number: str, pipeline: Payload | None, jobs: Iterable[Payload], *, oddities: Oddities
) -> Iterator[Attempt]:
    """Give the attempts of a pipeline; `pipeline` is None where only its jobs are known."""
    split = split_attempts(jobs)
    for attempt, own in enumerate(split, start=1):
        record = _read_run(number, pipeline or _pipeline_of(own), oddities=oddities)
        key = replace(record.key, attempt=attempt)
        if attempt < len(split):
            record = replace(record, result=_result_of(own))
        records = tuple(_read_job(job, key, oddities=oddities) for job in own)
        found = checked(Attempt(with_span(replace(record, key=key), records), records), oddities)
        if found is not None:
            yield found


def split_attempts(jobs: Iterable[Payload]) -> list[list[Payload]]:
    """Cut a pipeline's jobs where, after everything had come to rest, somebody ran a job a second time."""
    attempts: list[list[Payload]] = [[]]
    names: set[str] = set()
    rests_at = NO_TIME
    for job in sorted(jobs, key=_order):
        created_at = moment_of(job, "created_at") or NO_TIME
        if text_of(job, "name") in names and created_at - rests_at > RETRY_PAUSE:
            attempts.append([])
        attempts[-1].append(job)
        names.add(text_of(job, "name"))
        rests_at = max(rests_at, moment_of(job, "finished_at") or NO_TIME)
    return attempts


def _order(job: Payload) -> tuple[datetime, str]:
    return moment_of(job, "started_at") or moment_of(job, "created_at") or NO_TIME, text_of(job, "id")


def _pipeline_of(jobs: list[Payload]) -> Payload:
    """Make up the pipeline of jobs that came without it; they carry a sketch of it, whose status may be old."""
    first = jobs[0] if jobs else {}
    sketch = {name: value for name, value in object_of(first, "pipeline").items() if name != "status"}
    moments = [text_of(job, name) for job in jobs for name in ("started_at", "created_at") if text_of(job, name)]
    return {"created_at": min(moments, default=""), **sketch, "path": text_of(first, "path")}


def _result_of(jobs: Iterable[Payload]) -> Result:
    """Judge an attempt by its jobs; one that is allowed to fail does not fail it."""
    statuses = {text_of(job, "status") for job in jobs if job.get("allow_failure") is not True}
    return next((FINAL[status] for status in ("failed", "canceled") if status in statuses), Result.SUCCESS)


def _read_run(number: str, payload: Payload, *, oddities: Oddities) -> RunRecord:
    before = text_of(payload, "before_sha")
    return RunRecord(
        key=RunKey(PROVIDER, text_of(payload, "path"), number),
        started_at=moment_of(payload, "started_at") or moment_of(payload, "created_at") or NO_TIME,
        workflow=text_of(payload, "name"),
        sha=text_of(payload, "sha"),
        parent_sha=before if before.strip("0") else "",
        branch=text_of(payload, "ref"),
        event=text_of(payload, "source"),
        result=_result(payload, oddities) if text_of(payload, "status") in FINAL else None,
        url=text_of(payload, "web_url"),
    )


def _read_job(payload: Payload, key: RunKey, *, oddities: Oddities) -> JobRecord:
    result = _result(payload, oddities)
    measured = Span(moment_of(payload, "started_at"), moment_of(payload, "finished_at"))
    span = real_span(measured, result, oddities)
    runner = object_of(payload, "runner")
    labels = texts_of(payload, "tag_list") or texts_of(runner, "tags")
    return JobRecord(
        key=key,
        job_id=text_of(payload, "id"),
        name=text_of(payload, "name"),
        started_at=span.started_at,
        finished_at=span.finished_at,
        queued_s=seconds_of(payload, "queued_duration") if span.started_at else None,
        runner=",".join(sorted(labels)) or text_of(runner, "description"),
        result=result,
    )


def _result(payload: Payload, oddities: Oddities) -> Result | None:
    status = text_of(payload, "status")
    if status and status not in _RESULTS and status not in _OPEN:
        oddities[UNKNOWN_RESULT] += 1
    if status == "failed":
        return _REASONS.get(text_of(payload, "failure_reason"), Result.FAILURE)
    return _RESULTS.get(status)
