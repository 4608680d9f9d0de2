"""GitHub's runs, jobs and steps into records: payloads of the REST API, of `gh api` dumps and of webhooks.

Pure functions of parsed JSON. Recordings of 2020 lack `run_attempt`, `run_started_at`, `name` and `path`; every field
may be missing. docs/formats.md has the rules for times.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from posixpath import basename

from cipredict.ingest.payloads import (
    Payload,
    integer_of,
    moment_of,
    object_of,
    objects_of,
    text_of,
    texts_of,
)
from cipredict.ingest.runs import (
    LISTED_AGAIN,
    NO_TIME,
    UNKNOWN_RESULT,
    Attempt,
    Oddities,
    Span,
    checked,
    real_span,
    with_span,
)
from cipredict.records import JobRecord, Result, RunKey, RunRecord, StepRecord

PROVIDER = "github"
_RESULTS = {
    "success": Result.SUCCESS,
    "neutral": Result.SUCCESS,
    "failure": Result.FAILURE,
    "timed_out": Result.TIMEOUT,
    "stale": Result.TIMEOUT,  # GitHub gave up waiting for it
    "cancelled": Result.CANCELLATION,
    "startup_failure": Result.ERROR,
    "skipped": Result.SKIP,
    "action_required": Result.SKIP,  # nobody approved the run of a fork: nothing ran
}
_REPOSITORY_IN_URL = re.compile(r"/repos/([^/]+/[^/]+)/|^https?://[^/]+/([^/]+/[^/]+)/actions/")
_RAN = frozenset({"in_progress", "completed"})
"""While a job waits, GitHub sends `started_at` equal to `created_at`."""

_PROGRESS = ("requested", "queued", "waiting", "pending", "in_progress", "completed")

_BALLAST = frozenset({"actor", "triggering_actor", "head_commit", "referenced_workflows"})


@dataclass(slots=True)
class GitHubPayloads:
    """Objects in any order, several of one run or job among them; `attempts` puts them together."""

    repository: str = ""
    oddities: Oddities = field(default_factory=Oddities)
    _runs: dict[tuple[str, int], Payload] = field(default_factory=dict)
    _jobs: dict[tuple[str, int], dict[str, Payload]] = field(default_factory=lambda: defaultdict(dict))

    def add(self, document: object, repository: str = "") -> int:
        """Take what a document holds; give the number of runs and jobs in it."""
        if isinstance(document, list):
            return sum(self.add(item, repository) for item in document)
        if not isinstance(document, Mapping):
            return 0
        repository = text_of(object_of(document, "repository"), "full_name") or repository
        inside = [document.get(name) for name in ("workflow_runs", "jobs", "workflow_run", "workflow_job")]
        found = [value for value in inside if isinstance(value, list | Mapping)]
        if found:  # an artifact names its `workflow_run` by id, which counts as nothing below
            return sum(self.add(value, repository) for value in found)
        return self._add_object(document, repository)

    def _add_object(self, payload: Payload, repository: str) -> int:
        if not text_of(payload, "id"):
            return 0
        place = {"repository": {"full_name": repository_of(payload) or repository or self.repository}}
        payload = _without_ballast(payload)
        if is_job(payload):
            key = text_of(payload, "run_id"), attempt_of(payload)
            known = self._jobs[key].get(text_of(payload, "id"))
            self._jobs[key][text_of(payload, "id")] = _further({**payload, **place}, known)
        elif is_run(payload):
            key = text_of(payload, "id"), attempt_of(payload)
            self._runs[key] = _further({**payload, **place}, self._runs.get(key))
        else:
            return 0
        return 1

    def attempts(self) -> Iterator[Attempt]:
        """Give every attempt, the earliest of each run first, with the jobs that ran in it."""
        earlier: dict[str, list[Payload]] = defaultdict(list)
        for key in sorted(self._runs.keys() | self._jobs.keys()):
            run, jobs = self._runs.get(key), list(self._jobs.get(key, {}).values())
            attempt = read_attempt(run, jobs, earlier=earlier[key[0]], oddities=self.oddities)
            earlier[key[0]] += jobs
            if attempt is not None:
                yield attempt


def _without_ballast(payload: Payload) -> Payload:
    """Leave out what nobody reads: most of a run, and a dump holds thousands until its jobs are found."""
    kept = {name: value for name, value in payload.items() if name not in _BALLAST}
    if fork := text_of(object_of(payload, "head_repository"), "full_name"):
        kept["head_repository"] = {"full_name": fork}
    return kept


def _further(payload: Payload, known: Payload | None) -> Payload:
    """Of several events about one thing, keep the latest state; of equals the later."""
    return known if known is not None and _progress(known) > _progress(payload) else payload


def _progress(payload: Payload) -> int:
    status = text_of(payload, "status")
    return _PROGRESS.index(status) if status in _PROGRESS else 0


def is_job(payload: Payload) -> bool:
    """Tell a job from a run: only a job names its run."""
    return "run_id" in payload and "name" in payload


def is_run(payload: Payload) -> bool:
    """Tell a run from everything else that has an id."""
    return "head_sha" in payload and ("workflow_id" in payload or "run_number" in payload)


def attempt_of(payload: Payload) -> int:
    """Give the number of the attempt; recordings of 2020 knew one only."""
    return max(1, integer_of(payload, "run_attempt") or 1)


def repository_of(payload: Payload) -> str:
    """Give `owner/name`; jobs name it in their addresses only."""
    name = text_of(object_of(payload, "repository"), "full_name")
    if name:
        return name
    for address in ("url", "run_url", "html_url"):
        if match := _REPOSITORY_IN_URL.search(text_of(payload, address)):
            return match[1] or match[2]
    return ""


def read_attempt(
    run: Payload | None, jobs: Iterable[Payload], *, earlier: Iterable[Payload] = (), oddities: Oddities
) -> Attempt | None:
    """Put one attempt together; `run` is None where only its jobs are known, `earlier` are jobs of earlier attempts.

    None where nothing of it can be stored.
    """
    own = list(_own_jobs(jobs, earlier, began_at=moment_of(run or {}, "run_started_at"), oddities=oddities))
    if run is None and not own:
        return None
    record = read_run(run, oddities=oddities) if run is not None else _run_of_jobs(own)
    records = tuple(read_job(job, oddities=oddities) for job in own)
    return checked(Attempt(with_span(record, records), records), oddities)


def _own_jobs(
    jobs: Iterable[Payload], earlier: Iterable[Payload], *, began_at: datetime | None, oddities: Oddities
) -> Iterator[Payload]:
    """Leave out green jobs that "re-run failed jobs" lists a second time, with the times of their first run."""
    seen = {mark for job in earlier for mark in _marks(job)}
    for job in jobs:
        ended_at = moment_of(job, "completed_at")
        is_older = attempt_of(job) > 1 and began_at is not None and ended_at is not None and ended_at <= began_at
        if is_older or not seen.isdisjoint(_marks(job)):
            oddities[LISTED_AGAIN] += 1
        else:
            yield job


def _marks(job: Payload) -> Iterator[tuple[str, ...]]:
    """Give what two listings of one job have in common: its number, its check run, or its name and times."""
    yield ("id", text_of(job, "id"))
    if check := text_of(job, "check_run_url"):
        yield ("check", check)
    if text_of(job, "started_at") and text_of(job, "completed_at"):
        yield ("times", text_of(job, "name"), text_of(job, "started_at"), text_of(job, "completed_at"))


def read_run(payload: Payload, *, oddities: Oddities) -> RunRecord:
    """Read a run without its jobs: when it began, but not when it ended, which only they know.

    The branch of a fork is spelled `owner:branch`, so that its `main` is not taken for ours.
    """
    pull_request = next(iter(objects_of(payload, "pull_requests")), {})
    started_at = moment_of(payload, "run_started_at") or moment_of(payload, "created_at")
    is_over = text_of(payload, "status") == "completed"
    address = text_of(payload, "html_url")
    return RunRecord(
        key=RunKey(PROVIDER, repository_of(payload), text_of(payload, "id"), attempt_of(payload)),
        started_at=started_at or NO_TIME,
        workflow=text_of(payload, "name") or re.sub(r"\.ya?ml(@.*)?$", "", basename(text_of(payload, "path"))),
        sha=text_of(payload, "head_sha"),
        parent_sha=text_of(object_of(pull_request, "base"), "sha"),
        branch=_branch(payload),
        event=text_of(payload, "event"),
        result=_result(payload, oddities) if is_over else None,
        url=f"{address}/attempts/{attempt_of(payload)}" if address else "",
    )


def _branch(payload: Payload) -> str:
    branch = text_of(payload, "head_branch")
    fork = text_of(object_of(payload, "head_repository"), "full_name")
    if "head_repository" in payload and payload["head_repository"] is None:
        fork = "unknown"  # a fork that was deleted
    is_fork = bool(branch and fork) and fork != repository_of(payload)
    return f"{fork.partition('/')[0]}:{branch}" if is_fork else branch


def _run_of_jobs(jobs: list[Payload]) -> RunRecord:
    """Make up the run of jobs that came without it; its result is not ours to guess."""
    first = jobs[0]
    moments = [moment for job in jobs if (moment := moment_of(job, "started_at") or moment_of(job, "created_at"))]
    return RunRecord(
        key=RunKey(PROVIDER, repository_of(first), text_of(first, "run_id"), attempt_of(first)),
        started_at=min(moments, default=NO_TIME),
        workflow=text_of(first, "workflow_name"),
        sha=text_of(first, "head_sha"),
        branch=text_of(first, "head_branch"),
    )


def read_job(payload: Payload, *, oddities: Oddities) -> JobRecord:
    """Read a job with its steps."""
    status = text_of(payload, "status")
    result = _result(payload, oddities)
    span = _span(payload, result, oddities) if status in {*_RAN, ""} else Span()
    if _never_ran(payload, result):
        span = Span()
    return JobRecord(
        key=RunKey(PROVIDER, repository_of(payload), text_of(payload, "run_id"), attempt_of(payload)),
        job_id=text_of(payload, "id"),
        name=text_of(payload, "name"),
        started_at=span.started_at,
        finished_at=span.finished_at,
        queued_s=_queued_s(payload, span.started_at) if status in _RAN else None,
        runner=",".join(sorted(texts_of(payload, "labels"))) or text_of(payload, "runner_name"),
        result=result,
        steps=tuple(_step(step, place, oddities) for place, step in enumerate(objects_of(payload, "steps"), start=1)),
    )


def _never_ran(payload: Payload, result: Result | None) -> bool:
    """Tell a job that was cancelled, or refused its environment, before it began: its times are those of the waiting.

    It had no runner and no steps, or took no second; steps vanish after 90 days, so the seconds have to do.
    """
    if result in {None, Result.SUCCESS} or objects_of(payload, "steps"):
        return False
    had_no_runner = "runner_id" in payload and not payload["runner_id"]
    return had_no_runner or text_of(payload, "started_at") == text_of(payload, "completed_at")


def _step(payload: Payload, place: int, oddities: Oddities) -> StepRecord:
    result = _result(payload, oddities)
    span = _span(payload, result, oddities)
    number = integer_of(payload, "number")
    return StepRecord(number or place, text_of(payload, "name"), span.started_at, span.finished_at, result)


def _span(payload: Payload, result: Result | None, oddities: Oddities) -> Span:
    return real_span(Span(moment_of(payload, "started_at"), moment_of(payload, "completed_at")), result, oddities)


def _queued_s(payload: Payload, started_at: datetime | None) -> float | None:
    created_at = moment_of(payload, "created_at")
    if created_at is None or started_at is None or started_at < created_at:
        return None
    return (started_at - created_at).total_seconds()


def _result(payload: Payload, oddities: Oddities) -> Result | None:
    conclusion = text_of(payload, "conclusion")
    if conclusion and conclusion not in _RESULTS:
        oddities[UNKNOWN_RESULT] += 1
    return _RESULTS.get(conclusion)
