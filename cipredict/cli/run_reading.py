"""Runs from an API or from files, with what options, settings, environment and git say about them."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from cipredict.cli.environment import ci_run
from cipredict.cli.event_files import read_event_files, take_events
from cipredict.cli.outputs import warn
from cipredict.cli.run_changes import Changes
from cipredict.cli.run_taking import FILE_CHUNK_RUNS, show_run_tally, take_in_runs
from cipredict.cli.storing import refuse_missing
from cipredict.errors import InputError, UsageError
from cipredict.ingest.api.archives import archive_of
from cipredict.ingest.api.client import Api, Patience
from cipredict.ingest.api.github import GitHubRuns, github_host
from cipredict.ingest.api.gitlab import GitLabRuns, gitlab_host
from cipredict.ingest.api.session import Host
from cipredict.ingest.api.wish import Known, Wish
from cipredict.ingest.git import known_files
from cipredict.ingest.github import GitHubPayloads
from cipredict.ingest.gitlab import GitLabPayloads
from cipredict.ingest.paths import missing_paths
from cipredict.ingest.run_files import Payloads, read_run_files
from cipredict.quantities import parse_seconds, parse_since
from cipredict.settings import Settings
from cipredict.store.database import open_store
from cipredict.store.queries import load_complete_runs, load_reports

_FIRST_SINCE = "30d"
_OVERLAP = timedelta(days=3)
"""Runs are asked for by their creation, and may be run again days later; what is known whole costs nothing."""


class Asked(NamedTuple):
    """What the user typed; empty where settings and environment shall say."""

    repository: str
    since: str
    branch: str
    artifacts: str
    base_url: str
    wait: str
    changes: bool


def take_github_files(paths: Sequence[str], settings: Settings, *, repository: str) -> None:
    """Take in dumps and webhook payloads of GitHub."""
    _take_files(paths, GitHubPayloads(repository or settings.repository), settings)


def take_gitlab_files(paths: Sequence[str], settings: Settings, *, project: str) -> None:
    """Take in dumps and webhook payloads of GitLab."""
    _take_files(paths, GitLabPayloads(project or settings.repository), settings)


def _take_files(paths: Sequence[str], payloads: Payloads, settings: Settings) -> None:
    items = Changes(Path.cwd()).fill(read_run_files(paths, payloads, standard_input=sys.stdin.buffer))
    tally = take_in_runs(items, settings.store, chunk_runs=FILE_CHUNK_RUNS)
    show_run_tally(tally, payloads.oddities.items(), [])
    if not tally.runs:
        raise InputError("Nothing was stored: no file holds a usable run or job.", slug="ingest-nothing")
    refuse_missing(missing_paths(tally.reports))


def take_github(asked: Asked, settings: Settings, *, workflow: str, event_artifacts: str = "") -> None:
    """Ask GitHub for what the store does not know yet."""
    address = asked.base_url or os.environ.get("GITHUB_API_URL") or "https://api.github.com"
    token = os.environ.get("GITHUB_TOKEN") or os.environ.get("GH_TOKEN") or ""
    host = github_host(_api_url(address, below="" if "api.github.com" in address else "/api/v3"), token)
    events = settings.store.parent / "artifact-events"
    wish = replace(
        _wish(asked, settings, option="--repo", provider="github"),
        workflow=workflow,
        event_artifacts=event_artifacts,
        event_folder=events,
    )
    with closing(_open_api(host, asked, settings)) as api:
        _take(GitHubRuns(api, wish, load_known(wish, settings, "github")), api, asked, settings)
    if event_artifacts and events.is_dir():
        found, complaints = read_event_files([events])
        for complaint in complaints:
            warn(complaint)
        sys.stderr.write(f"Took in {take_events(found, settings.store)} events.\n")


def take_gitlab(asked: Asked, settings: Settings, *, tests: bool) -> None:
    """Ask GitLab for what the store does not know yet."""
    address = asked.base_url or os.environ.get("CI_API_V4_URL") or "https://gitlab.com"
    token, job_token = os.environ.get("GITLAB_TOKEN", ""), os.environ.get("CI_JOB_TOKEN", "")
    host = gitlab_host(_api_url(address, below="/api/v4"), token or job_token, is_job_token=not token)
    wish = replace(_wish(asked, settings, option="--project", provider="gitlab"), test_reports=tests)
    with closing(_open_api(host, asked, settings)) as api:
        _take(GitLabRuns(api, wish, load_known(wish, settings, "gitlab")), api, asked, settings)


def _take(runs: GitHubRuns | GitLabRuns, api: Api, asked: Asked, settings: Settings) -> None:
    changes = Changes(Path.cwd(), ask_api=runs.changes if asked.changes else None)
    tally = take_in_runs(changes.fill(runs.fetch()), settings.store)
    facts = [("known before", runs.already_known), ("requests", api.requests), ("unchanged", api.unchanged)]
    show_run_tally(tally, runs.oddities.items(), facts)


def _open_api(host: Host, asked: Asked, settings: Settings) -> Api:
    patience = Patience(longest_wait_s=parse_seconds(asked.wait, option="--wait"), tell=warn)
    return Api(host, cache=settings.store.parent / "http-cache", patience=patience)


def _api_url(address: str, *, below: str) -> str:
    """Give the address of the API; a bare host has it `below`.

    Raises
    ------
    UsageError
        No address of the web.
    """
    parts = urlsplit(address)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        message = f"--base-url: '{address}' is no address; write https://host{below}."
        raise UsageError(message, slug="api-address")
    return address.rstrip("/") + (below if parts.path in {"", "/"} else "")


def _wish(asked: Asked, settings: Settings, *, option: str, provider: str) -> Wish:
    run = ci_run()
    repository = asked.repository or settings.repository or (run.repository if run else "")
    if "/" not in repository:
        raise UsageError(f"Which repository? Give {option} owner/name.", slug="api-repository")
    now = datetime.now(UTC)
    return Wish(
        repository=repository,
        since=_since(asked.since, settings, provider=provider, repository=repository, now=now).replace(
            minute=0, second=0, microsecond=0
        ),  # one an hour, for the cache
        until=now.replace(hour=23, minute=59, second=59, microsecond=0),  # one address a day, for the cache
        branch=asked.branch,
        artifacts=asked.artifacts,
    )


def _since(text: str, settings: Settings, *, provider: str, repository: str, now: datetime) -> datetime:
    """Give the time from which to ask; `last` is a while before the latest run that is known whole."""
    if text != "last":
        return parse_since(text, now=now)
    ends: list[datetime] = []
    if settings.store.exists():
        with open_store(settings.store, read_only=True) as store:
            runs = load_complete_runs(store, provider=provider, repository=repository).to_pylist()
        ends = [run["ended_at"] for run in runs if run["ended_at"] is not None]
    return max(ends).astimezone(UTC) - _OVERLAP if ends else parse_since(_FIRST_SINCE, now=now)


def load_known(wish: Wish, settings: Settings, provider: str) -> Known:
    """Look up what need not be fetched; a history that does not exist yet knows nothing."""
    files = known_files(Path.cwd())
    if not settings.store.exists():
        return Known(files=files)
    with open_store(settings.store, read_only=True) as store:
        runs = load_complete_runs(store, provider=provider, repository=wish.repository).to_pylist()
        sources = load_reports(store).column("source").to_pylist()
    ended_at = {(run["run_id"], run["attempt"]): run["ended_at"] for run in runs}
    return Known(ended_at, frozenset(map(archive_of, sources)), files)
