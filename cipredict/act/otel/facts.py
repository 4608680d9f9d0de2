"""What is said about runs and tasks, under the names of the semantic conventions; what is unknown is left out."""

from __future__ import annotations

from collections.abc import Mapping

from opentelemetry.sdk.resources import Resource
from opentelemetry.semconv._incubating.attributes import cicd_attributes as cicd
from opentelemetry.semconv._incubating.attributes import vcs_attributes as vcs
from opentelemetry.semconv.attributes.error_attributes import ERROR_TYPE
from opentelemetry.semconv.attributes.service_attributes import SERVICE_NAME

from cipredict.act.otel.interface import ERRORS
from cipredict.records import JobRecord, Result, RunKey, RunRecord, StepRecord

Attributes = dict[str, str]
_RUN_PAGES = {"github": "actions/runs/{run_id}", "gitlab": "-/pipelines/{run_id}"}
_JOB_PAGES = {"github": "actions/runs/{run_id}/job/{job_id}", "gitlab": "-/jobs/{job_id}"}


def run_resource(run: RunRecord, base: Resource, servers: Mapping[str, str]) -> Resource:
    """Give the resource of a run's spans: pipeline, run, commit, repository."""
    facts = {
        cicd.CICD_PIPELINE_NAME: pipeline_name(run),
        cicd.CICD_PIPELINE_RUN_ID: run.key.run_id,
        cicd.CICD_PIPELINE_RUN_URL_FULL: _page(_RUN_PAGES, run.key, servers),
        vcs.VCS_REF_HEAD_NAME: run.branch,
        vcs.VCS_REF_HEAD_REVISION: run.sha,
        vcs.VCS_REF_HEAD_TYPE: "branch" if run.branch else "",
        vcs.VCS_REF_BASE_REVISION: run.parent_sha,
    }
    return repository_resource(run.key, base, servers).merge(Resource(_known(facts)))


def repository_resource(key: RunKey, base: Resource, servers: Mapping[str, str]) -> Resource:
    """Give the resource of a repository's metrics; its service is the repository, unless the environment names one."""
    owner, _, name = key.repository.rpartition("/")
    server = servers.get(key.provider)
    facts = {
        SERVICE_NAME: "" if SERVICE_NAME in base.attributes else key.repository,
        vcs.VCS_REPOSITORY_NAME: name,
        vcs.VCS_OWNER_NAME: owner,
        vcs.VCS_REPOSITORY_URL_FULL: f"{server}/{key.repository}" if server else "",
        vcs.VCS_PROVIDER_NAME: key.provider if server else "",
    }
    return base.merge(Resource(_known(facts)))


def run_facts(run: RunRecord) -> Attributes:
    """Give what a run's span says."""
    return {cicd.CICD_PIPELINE_ACTION_NAME: "RUN", **outcome(cicd.CICD_PIPELINE_RESULT, run.result)}


def job_facts(job: JobRecord, servers: Mapping[str, str]) -> Attributes:
    """Give what a job's span says."""
    facts = _task(job.name, job.job_id, page=job_page(job, servers), worker=job.runner)
    return {**facts, **outcome(cicd.CICD_PIPELINE_TASK_RUN_RESULT, job.result)}


def step_facts(job: JobRecord, step: StepRecord, servers: Mapping[str, str]) -> Attributes:
    """Give what a step's span says; its id is unique within the run."""
    page = job_page(job, servers)
    facts = _task(step.name, f"{job.job_id}/{step.number}", page=page and f"{page}#step:{step.number}:1")
    return {**facts, **outcome(cicd.CICD_PIPELINE_TASK_RUN_RESULT, step.result)}


def _task(name: str, task_id: str, *, page: str = "", worker: str = "") -> Attributes:
    return _known(
        {
            cicd.CICD_PIPELINE_TASK_NAME: name,
            cicd.CICD_PIPELINE_TASK_RUN_ID: task_id,
            cicd.CICD_PIPELINE_TASK_RUN_URL_FULL: page,
            cicd.CICD_WORKER_NAME: worker,
        }
    )


def job_page(job: JobRecord, servers: Mapping[str, str]) -> str:
    """Give the address of a job's page; a job known from reports has a name for an id, and no page."""
    return _page(_JOB_PAGES, job.key, servers, job_id=job.job_id) if job.job_id.isdigit() else ""


def _page(pages: Mapping[str, str], key: RunKey, servers: Mapping[str, str], *, job_id: str = "") -> str:
    server, page = servers.get(key.provider), pages.get(key.provider)
    return f"{server}/{key.repository}/{page.format(run_id=key.run_id, job_id=job_id)}" if server and page else ""


def pipeline_name(run: RunRecord) -> str:
    """Give the name that the conventions require: the workflow, or the repository where it is unknown."""
    return run.workflow or run.key.repository


def outcome(name: str, result: Result | None) -> Attributes:
    """Give a result under `name`, with the class of error of what went wrong."""
    if result is None:
        return {}
    return {name: result.value, ERROR_TYPE: result.value} if result in ERRORS else {name: result.value}


def _known(facts: Mapping[str, str]) -> Attributes:
    return {name: value for name, value in facts.items() if value}
