"""Runs, jobs, steps, artifacts and changes of a repository, from GitHub's REST API.

GitHub gives at most 1,000 runs for a query, so the time is cut until each window holds fewer. Pages move while they are
read: a list is read again unless it holds as many objects as each of its pages said.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from cipredict.errors import InputError
from cipredict.ingest.api.archives import keep_events, read_archive
from cipredict.ingest.api.client import Api, Parameters
from cipredict.ingest.api.session import Host
from cipredict.ingest.api.wish import Known, Wish
from cipredict.ingest.github import PROVIDER, attempt_of, read_attempt
from cipredict.ingest.interface import Report
from cipredict.ingest.payloads import Payload, integer_of, moment_of, objects_of, text_of
from cipredict.ingest.runs import Attempt, Oddities
from cipredict.records import CaseBatch, Change, RunKey, RunRecord

MOST_RUNS = 1_000
"""Of one query, whatever the page."""

_PAGE = 100
_READINGS = 3
_VANISHED = "runs that vanished while they were read"
_MOVED = "lists that kept changing while they were read; the next ingest reads them again"
_EXPIRED = "artifacts that have expired"
_DAMAGED = "artifacts with events that cannot be read"
_MOST_CHANGED_FILES = 300
_STATUSES = {"added": "A", "removed": "D", "renamed": "R", "copied": "C"}
_REMEDY = (
    "Set GITHUB_TOKEN (or GH_TOKEN) to a token that may read Actions of the repository: "
    "`permissions: actions: read` in a workflow, the scope `repo` of a classic token."
)


def github_host(base_url: str, token: str) -> Host:
    """Describe GitHub, or an enterprise server, to the client."""
    headers = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
    return Host("GitHub", base_url.rstrip("/"), token=token, remedy=_REMEDY, headers=headers)


class _List(NamedTuple):
    items: list[Payload]
    is_missing: bool = False
    is_too_long: bool = False
    is_whole: bool = True


class GitHubRuns:
    """What GitHub knows and the store does not."""

    def __init__(self, api: Api, wish: Wish, known: Known) -> None:
        self.oddities = Oddities()
        self.already_known = 0
        self._api, self._wish, self._known = api, wish, known
        self._runs = f"repos/{wish.repository}/actions/runs"

    def fetch(self) -> Iterator[Attempt | CaseBatch | Report]:
        """Give every attempt that is not known to be complete, each run after the cases of its artifacts."""
        path = f"repos/{self._wish.repository}/actions/{self._workflow()}runs"
        for run in self._windows(path, self._wish.since, self._wish.until):
            placed = {**run, "repository": {"full_name": self._wish.repository}}
            if self._wish.artifacts or self._wish.event_artifacts:
                yield from self._artifacts(placed)
            yield from self._attempts(placed)

    def _workflow(self) -> str:
        """Give the path of the one workflow; the API knows its number or file name."""
        name = self._wish.workflow
        if not name:
            return ""
        if not name.isdecimal() and not name.endswith((".yml", ".yaml")):
            listed = self._list(f"repos/{self._wish.repository}/actions/workflows", {}, "workflows").items
            found = [workflow for workflow in listed if text_of(workflow, "name") == name]
            if not found:
                names = ", ".join(sorted(text_of(workflow, "name") for workflow in listed)) or "none"
                raise InputError(f"There is no workflow '{name}'; there are: {names}.", slug="api-workflow")
            name = text_of(found[0], "id")
        return f"workflows/{name}/"

    def _windows(self, path: str, since: datetime, until: datetime) -> Iterator[Payload]:
        """Give the runs created from `since` to `until`, both included, the earlier half first."""
        parameters: dict[str, str | int] = {"created": f"{_spell(since)}..{_spell(until)}"}
        if self._wish.branch:
            parameters["branch"] = self._wish.branch
        listed = self._list(path, parameters, "workflow_runs", most=MOST_RUNS if until > since else None)
        if listed.is_too_long:
            half = since + timedelta(seconds=(until - since).total_seconds() // 2)
            yield from self._windows(path, since, half)
            yield from self._windows(path, half + timedelta(seconds=1), until)
        else:
            yield from sorted(listed.items, key=lambda run: (text_of(run, "created_at"), text_of(run, "id")))

    def _list(
        self, path: str, parameters: Parameters, name: str, *, most: int | None = None, is_kept: bool = True
    ) -> _List:
        """Read a list whole, each object once."""
        pages, may_miss = {**parameters, "per_page": _PAGE}, name != "workflow_runs"
        items: dict[str, Payload] = {}
        for _ in range(_READINGS):
            totals: set[int] = set()
            for page in self._api.pages(path, pages, may_miss=may_miss, is_kept=is_kept):
                document = page if isinstance(page, dict) else {}
                totals.add(integer_of(document, "total_count") or 0)
                if most is not None and max(totals) > most:
                    return _List([], is_too_long=True)
                items.update({text_of(item, "id"): item for item in objects_of(document, name)})
            if len(totals) < 2 and len(items) >= max(totals, default=0):
                return _List(list(items.values()), is_missing=not totals)
        self.oddities[_MOVED] += 1
        return _List(list(items.values()), is_whole=False)

    def _attempts(self, run: Payload) -> Iterator[Attempt]:
        last = attempt_of(run)
        for attempt in range(1, last + 1):
            if (text_of(run, "id"), attempt) in self._known.ended_at:
                self.already_known += 1
                continue
            found = self._attempt(run, attempt)
            if found is not None:
                yield found

    def _attempt(self, run: Payload, attempt: int) -> Attempt | None:
        path = f"{self._runs}/{text_of(run, 'id')}/attempts/{attempt}"
        payload = run if attempt == attempt_of(run) else self._api.get(path, may_miss=True)
        is_over = attempt < attempt_of(run) or text_of(run, "status") == "completed"
        jobs = self._list(f"{path}/jobs", {}, "jobs", is_kept=not is_over)
        if not isinstance(payload, dict) or jobs.is_missing:
            self.oddities[_VANISHED] += 1
            return None
        place = {"repository": run["repository"]}
        placed = [{**job, **place, "run_attempt": job.get("run_attempt") or attempt} for job in jobs.items]
        own = [job for job in placed if attempt_of(job) == attempt]
        found = read_attempt({**payload, **place}, own, oddities=self.oddities)
        return found and replace(found, run=replace(found.run, is_complete=is_over and jobs.is_whole))

    def _artifacts(self, run: Payload) -> Iterator[CaseBatch | Report]:
        for artifact in self._list(f"{self._runs}/{text_of(run, 'id')}/artifacts", {}, "artifacts").items:
            name, number = text_of(artifact, "name"), text_of(artifact, "id")
            source = f"{self._wish.repository}/artifacts/{number}.zip"
            has_reports = fnmatchcase(name, self._wish.artifacts) and source not in self._known.archives
            events = self._wish.event_folder / number
            has_events = fnmatchcase(name, self._wish.event_artifacts) and number.isdecimal() and not events.exists()
            if not has_reports and not has_events:
                continue
            if artifact.get("expired") is True:
                self.oddities[_EXPIRED] += 1
                continue
            with self._fetched(number) as path:
                if path is not None and has_events and not keep_events(path, events):
                    self.oddities[_DAMAGED] += 1
                if path is not None and has_reports:
                    key = self._key(run, artifact)
                    yield from read_archive(path, source=source, key=key, known_files=self._known.files)

    @contextmanager
    def _fetched(self, number: str) -> Iterator[Path | None]:
        """Give an artifact's file while it is read, None where it has expired since it was listed."""
        address = f"repos/{self._wish.repository}/actions/artifacts/{number}/zip"
        with TemporaryDirectory(prefix="cipredict-") as folder:
            path = Path(folder) / "artifact.zip"
            is_there = self._api.download(address, path)
            if not is_there:
                self.oddities[_EXPIRED] += 1
            yield path if is_there else None

    def _key(self, run: Payload, artifact: Payload) -> RunKey:
        """Give the attempt that made the artifact: the last one, unless that began later."""
        began_at, made_at = moment_of(run, "run_started_at"), moment_of(artifact, "created_at")
        is_older = began_at is not None and made_at is not None and made_at < began_at
        attempt = max(1, attempt_of(run) - is_older)
        return RunKey(PROVIDER, self._wish.repository, text_of(run, "id"), attempt)

    def changes(self, run: RunRecord) -> tuple[Change, ...] | None:
        """Ask what a run's commit changed against its base, or its parent; None where GitHub does not list it all."""
        range_ = f"compare/{run.parent_sha}...{run.sha}" if run.parent_sha else f"commits/{run.sha}"
        document = self._api.get(f"repos/{self._wish.repository}/{range_}", may_miss=True) if run.sha else None
        if not isinstance(document, dict) or not isinstance(document.get("files"), list):
            return None
        files = objects_of(document, "files")
        return None if len(files) >= _MOST_CHANGED_FILES else tuple(_change(file) for file in files)


def _spell(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def _change(file: Payload) -> Change:
    return Change(
        path=text_of(file, "filename"),
        added=integer_of(file, "additions"),
        deleted=integer_of(file, "deletions"),
        status=_STATUSES.get(text_of(file, "status"), "M"),
        previous_path=text_of(file, "previous_filename") or None,
    )
