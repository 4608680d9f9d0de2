"""Pipelines, jobs, bridges, test reports, artifacts and changes of a project, from GitLab's REST API.

Pipelines are listed by the time of their last change, oldest number first: what is new while pages are read lands
behind them. Child pipelines are listed apart, because GitLab hides them among the others.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from fnmatch import fnmatchcase
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote

from cipredict.ingest.api.archives import read_archive
from cipredict.ingest.api.client import Api
from cipredict.ingest.api.session import Host
from cipredict.ingest.api.wish import Known, Wish
from cipredict.ingest.gitlab import FINAL, PROVIDER, read_pipeline
from cipredict.ingest.gitlab_tests import read_test_report
from cipredict.ingest.interface import Report
from cipredict.ingest.payloads import Payload, moment_of, objects_of, text_of
from cipredict.ingest.runs import Attempt, Oddities
from cipredict.records import CaseBatch, Change, RunKey, RunRecord

_PAGE = 100
_SETTLING = timedelta(minutes=2)
"""GitLab changes a pipeline shortly after its last job; a later change is a retry."""

_VANISHED = "pipelines that vanished while they were read"
_EXPIRED = "artifacts that have expired"
_REMEDY = "Set GITLAB_TOKEN to a token with the scope `read_api` (CI_JOB_TOKEN may read a part only)."


def gitlab_host(base_url: str, token: str, *, is_job_token: bool = False) -> Host:
    """Describe a GitLab to the client. Personal, group and project tokens are sent as OAuth ones are."""
    header = "JOB-TOKEN" if is_job_token else "Authorization"
    return Host("GitLab", base_url.rstrip("/"), token=token, header=header, remedy=_REMEDY)


class GitLabRuns:
    """What GitLab knows and the store does not."""

    def __init__(self, api: Api, wish: Wish, known: Known) -> None:
        self.oddities = Oddities()
        self.already_known = 0
        self._api, self._wish, self._known = api, wish, known
        self._project = f"projects/{quote(wish.repository, safe='')}"

    def fetch(self) -> Iterator[Attempt | CaseBatch | Report]:
        """Give every pipeline that is not known to be complete, each after its cases."""
        for listed in self._pipelines():
            if self._is_known(listed) and not self._wish.artifacts:
                self.already_known += 1
                continue
            number = text_of(listed, "id")
            pipeline = self._api.get(f"{self._project}/pipelines/{number}", may_miss=True)
            jobs = self._jobs(number)
            if not isinstance(pipeline, dict) or jobs is None:
                self.oddities[_VANISHED] += 1
                continue
            yield from self._read(number, {**listed, **pipeline}, jobs)

    def _pipelines(self) -> Iterator[Payload]:
        parameters: dict[str, str | int] = {
            "updated_after": self._wish.since.isoformat(),
            "updated_before": self._wish.until.isoformat(),
            "order_by": "id",
            "sort": "asc",
            "per_page": _PAGE,
        }
        if self._wish.branch:
            parameters["ref"] = self._wish.branch
        seen: set[str] = set()
        for source in ({}, {"source": "parent_pipeline"}):
            for page in self._api.pages(f"{self._project}/pipelines", {**parameters, **source}):
                for pipeline in _objects(page):
                    if text_of(pipeline, "id") not in seen:
                        seen.add(text_of(pipeline, "id"))
                        yield pipeline

    def _is_known(self, listed: Payload) -> bool:
        """Tell that a pipeline is stored as complete, and that nobody has retried anything since."""
        number, attempt = text_of(listed, "id"), 1
        while (number, attempt + 1) in self._known.ended_at:
            attempt += 1
        ended_at, updated_at = self._known.ended_at.get((number, attempt)), moment_of(listed, "updated_at")
        return ended_at is not None and (updated_at is None or updated_at - ended_at <= _SETTLING)

    def _jobs(self, number: str) -> list[Payload] | None:
        """Give jobs, retried ones too, and bridges; None where the pipeline is gone."""
        path = f"{self._project}/pipelines/{number}"
        pages = list(self._api.pages(f"{path}/jobs", {"include_retried": "true", "per_page": _PAGE}, may_miss=True))
        pages += self._api.pages(f"{path}/bridges", {"per_page": _PAGE}, may_miss=True)
        jobs = {text_of(job, "id"): job for page in pages for job in _objects(page)}
        return list(jobs.values()) if pages else None

    def _read(self, number: str, pipeline: Payload, jobs: list[Payload]) -> Iterator[Attempt | CaseBatch | Report]:
        place = {"path": self._wish.repository}
        own = [{**job, **place} for job in jobs]
        is_over = text_of(pipeline, "status") in FINAL
        if self._wish.test_reports and is_over:
            yield from self._test_report(number)
        for found in read_pipeline(number, {**pipeline, **place}, own, oddities=self.oddities):
            if self._wish.artifacts:
                yield from self._artifacts(found)
            yield replace(found, run=replace(found.run, is_complete=is_over))

    def _test_report(self, number: str) -> Iterator[CaseBatch | Report]:
        path = f"{self._project}/pipelines/{number}/test_report"
        payload = self._api.get(path, may_miss=True)
        if isinstance(payload, dict) and any(objects_of(suite, "test_cases") for suite in _suites(payload)):
            source = f"{self._wish.repository}/pipelines/{number}/test_report"
            key = RunKey(PROVIDER, self._wish.repository, number)
            yield from read_test_report(payload, source=source, key=key, known_files=self._known.files)

    def _artifacts(self, attempt: Attempt) -> Iterator[CaseBatch | Report]:
        for job in attempt.jobs:
            source = f"{self._wish.repository}/jobs/{job.job_id}/artifacts.zip"
            if source in self._known.archives or not fnmatchcase(job.name, self._wish.artifacts):
                continue
            with TemporaryDirectory(prefix="cipredict-") as folder:
                path = Path(folder) / "artifacts.zip"
                if self._api.download(f"{self._project}/jobs/{job.job_id}/artifacts", path):
                    files = self._known.files
                    yield from read_archive(path, source=source, key=job.key, job_id=job.job_id, known_files=files)
                else:
                    self.oddities[_EXPIRED] += 1

    def changes(self, run: RunRecord) -> tuple[Change, ...] | None:
        """Ask what a run's commit changed against its base, or its parent; None where GitLab does not list it all."""
        if not run.sha:
            return None
        repository = f"{self._project}/repository"
        if run.parent_sha:
            found = self._api.get(f"{repository}/compare", {"from": run.parent_sha, "to": run.sha}, may_miss=True)
            is_whole = isinstance(found, dict) and not found.get("compare_timeout")
            return tuple(map(_change, objects_of(found, "diffs"))) if isinstance(found, dict) and is_whole else None
        pages = list(self._api.pages(f"{repository}/commits/{run.sha}/diff", {"per_page": _PAGE}, may_miss=True))
        return tuple(_change(item) for page in pages for item in _objects(page)) if pages else None


def _objects(page: object) -> list[Payload]:
    return [item for item in page if isinstance(item, dict)] if isinstance(page, list) else []


def _suites(payload: Payload) -> list[Payload]:
    return objects_of(payload, "test_suites")


def _change(diff: Payload) -> Change:
    """Read one file of a diff; GitLab gives its text, not the counts."""
    lines = text_of(diff, "diff").splitlines()
    path, previous = text_of(diff, "new_path"), text_of(diff, "old_path")
    is_text = bool(lines) and not diff.get("too_large")
    letters = {"new_file": "A", "deleted_file": "D", "renamed_file": "R"}
    return Change(
        path=path,
        added=sum(line.startswith("+") for line in lines) if is_text else None,
        deleted=sum(line.startswith("-") for line in lines) if is_text else None,
        status=next((letter for name, letter in letters.items() if diff.get(name) is True), "M"),
        previous_path=previous if previous != path else None,
    )
