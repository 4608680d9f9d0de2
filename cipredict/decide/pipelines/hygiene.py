"""What most real workflows lack: timeouts, concurrency, caches; and what costs them double runs.

Measured on 882 workflows: 81 % of the jobs have no timeout, 64 % of the pull request workflows cancel nothing, 28 % of
the jobs that install something cache nothing, 8 % run twice per commit (research: orchestration, section 2.3).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import ceil
from statistics import NormalDist

from cipredict.decide.pipelines.estimates import Estimate, StageHistory
from cipredict.decide.pipelines.improvement import CacheAdvice, Edit, Improvement
from cipredict.decide.pipelines.workflow_graph import releases
from cipredict.forecast.interface import Basis
from cipredict.workflow_records import JobRecord, WorkflowRecord

DEFAULT_TIMEOUT_MINUTES = 360
_ROOM = 1.5
_SETUPS = {
    "actions/setup-python": "pip",
    "actions/setup-node": "npm",
    "actions/setup-java": "gradle",
    "actions/setup-go": "",
    "ruby/setup-ruby": "bundler",
}
"""Action → value of its input `cache`; setup-go caches by itself."""

_GROUP = "${{ github.workflow }}-${{ github.event_name == 'pull_request' && github.ref || github.run_id }}"
_CANCELS = "${{ github.event_name == 'pull_request' }}"


def timeouts(workflow: WorkflowRecord, history: StageHistory) -> Iterator[Improvement]:
    """Give each job a timeout from its predicted P99, half as much again."""
    for job in workflow.jobs:
        if job.timeout or job.uses:
            continue
        found = history(f"{workflow.name or workflow.path} / {job.name or job.job_id}")
        if found is None or found.basis is Basis.FALLBACK:
            yield Improvement(
                "timeout",
                job.job_id,
                f"no timeout: a hanging run is stopped after {DEFAULT_TIMEOUT_MINUTES} minutes",
                refused="nothing is known of its seconds; after some ingested runs a value can be given",
            )
            continue
        minutes = ceil(p99_s(found) * _ROOM / 60)
        if minutes >= DEFAULT_TIMEOUT_MINUTES:
            continue
        yield Improvement(
            "timeout",
            job.job_id,
            f"timeout-minutes: {minutes}",
            why_safe=f"99 of 100 runs end within {p99_s(found) / 60:.1f} minutes, and it has half as much again",
            saves=f"{DEFAULT_TIMEOUT_MINUTES - minutes} minutes of each run that hangs",
            edits=_key(job, "timeout-minutes", str(minutes)),
        )


def p99_s(estimate: Estimate, *, coverage: float = 0.9) -> float:
    """Extend the upper end of an interval to the 99th percentile, the seconds being lognormal above the expectation."""
    if estimate.expected_s <= 0 or estimate.high_s <= estimate.expected_s:
        return estimate.expected_s
    reach = NormalDist().inv_cdf(0.99) / NormalDist().inv_cdf(0.5 + coverage / 2)
    return float(estimate.expected_s * (estimate.high_s / estimate.expected_s) ** reach)


def _key(job: JobRecord, key: str, value: str) -> tuple[Edit, ...]:
    """Insert a key at the head of a job; nothing where the job is written in braces."""
    if job.block.column < 0:
        return ()
    line = f"{' ' * job.block.column}{key}: {value}"
    return (Edit(job.block.line, job.block.line, line, ("jobs", job.job_id, key), value),)


def concurrency(workflow: WorkflowRecord) -> Iterator[Improvement]:
    """Let a newer commit of a pull request cancel the older one's run; pushes are never cancelled, nor made to wait."""
    if "pull_request" not in workflow.events:
        return
    if workflow.has_concurrency:
        if not workflow.cancels and not any(releases(job) for job in workflow.jobs):
            yield Improvement(
                "concurrency",
                workflow.path,
                "its concurrency group cancels nothing: runs of outdated commits go on",
                refused="the group is there on purpose; add cancel-in-progress where no run must end",
            )
        return
    if "workflow_call" in workflow.events:
        return  # a called workflow bears its caller's name: the two would wait for each other
    text = f"concurrency:\n  group: {_GROUP}\n  cancel-in-progress: {_CANCELS}\n"
    yield Improvement(
        "concurrency",
        workflow.path,
        "concurrency with cancel-in-progress for pull requests",
        why_safe="only runs of the same pull request share a group; every other run has one of its own",
        saves="the rest of each run whose commit is outdated",
        edits=(
            Edit(
                workflow.jobs_line,
                workflow.jobs_line,
                text,
                ("concurrency",),
                {"group": _GROUP, "cancel-in-progress": _CANCELS},
            ),
        ),
    )


def path_filters(workflow: WorkflowRecord) -> Iterator[Improvement]:
    """Say where documentation runs everything, and where a filter of the trigger can hang a pull request."""
    event = workflow.events.get("pull_request")
    if event is None:
        return
    if event.paths:
        yield Improvement(
            "path-filter",
            workflow.path,
            "the trigger's path filter: a required check of a workflow that does not start stays pending for ever",
            refused="only you know which checks are required; `cipredict pipeline export` filters by job instead, "
            "with one job at the end that always reports",
        )
        return
    uses = " ".join(step.uses for job in workflow.jobs for step in job.steps)
    if "paths-filter" in uses or "changed-files" in uses:
        return
    yield Improvement(
        "path-filter",
        workflow.path,
        "no path filter: a change of documentation alone runs everything",
        refused="a filter on the trigger would leave required checks pending; "
        "`cipredict pipeline plan --base` skips by job, with a reason each",
    )


def caches(workflow: WorkflowRecord, advised: Mapping[str, CacheAdvice]) -> Iterator[Improvement]:
    """Find jobs that set up a tool and cache nothing; `advised` holds by job what the cache advisor found to pay."""
    for job in workflow.jobs:
        if any("cache" in step.uses for step in job.steps):
            continue
        for step in job.steps:
            kind = _SETUPS.get(step.action, "")
            if kind and "cache" not in step.inputs:
                yield Improvement(
                    "cache",
                    job.job_id,
                    f"{step.action} without a cache: add `cache: {kind}`",
                    saves=_saved(advised.get(job.job_id)),
                    refused="the action fails where it finds no lock file; "
                    "`cipredict cache advise` says whether a cache pays",
                )
                break


def _saved(advice: CacheAdvice | None) -> str:
    if advice is None:
        return "downloads, in runs with unchanged lock files"
    return f"{advice.gain} with {', '.join(advice.paths)} by {', '.join(advice.key_files)}, by the cache advisor"


def double_runs(workflow: WorkflowRecord, *, default_branch: str = "main") -> Iterator[Improvement]:
    """Find workflows that run twice for each commit of a pull request."""
    push, pull = workflow.events.get("push"), workflow.events.get("pull_request")
    if push is None or pull is None or push.branches or push.tags:
        return
    edits: tuple[Edit, ...] = ()
    builds_tags = "tags" in workflow.text or any(releases(job) for job in workflow.jobs)
    if push.line >= 0 and push.is_empty and not builds_tags:
        line = f"{' ' * (push.column + 2)}branches: [{default_branch}]"
        edits = (Edit(push.line + 1, push.line + 1, line, ("on", "push"), {"branches": [default_branch]}),)
    yield Improvement(
        "double-run",
        workflow.path,
        f"push without branches beside pull_request runs each commit of one twice; push only {default_branch}",
        why_safe="it releases nothing and names no tag; branches without a pull request are no longer built",
        saves="half of the runs of pull requests",
        edits=edits,
        refused="" if edits else _why_no_branches(builds_tags=builds_tags),
    )


def _why_no_branches(*, builds_tags: bool) -> str:
    if builds_tags:
        return "it builds tags or releases, which a filter of branches would stop"
    return "the events are written in a form that no line can be added to"


def fail_fast(workflow: WorkflowRecord) -> Iterator[Improvement]:
    """Say where the rest of a matrix goes on after a failure."""
    for job in workflow.jobs:
        if job.has_matrix and job.fail_fast == "false":
            yield Improvement(
                "fail-fast",
                job.job_id,
                f"fail-fast is off: all {job.width if job.legs else 'its'} legs go on after the first failure",
                saves="the rest of the matrix of a red run",
                refused="whoever looks for all failures at once wants it so",
            )
