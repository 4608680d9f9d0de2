"""`cipredict ingest cache-logs`: what job logs tell of caches."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Annotated

import typer

from cipredict.cli.options import StoreOption, load_settings
from cipredict.errors import InputError, UsageError

if TYPE_CHECKING:
    from cipredict.cache_records import CacheEvent
    from cipredict.ingest.interface import Report
    from cipredict.records import RunKey

_SUFFIXES = (".log", ".txt")
_NUMBER = re.compile(r"^-?\d+_")


def cache_logs(
    paths: Annotated[list[str], typer.Argument(help="Job logs, archives or folders of them; - for stdin.")],
    repository: Annotated[str | None, typer.Option("--repository", "--repo", help="owner/name.")] = None,
    run_id: Annotated[str | None, typer.Option(help="The run that the logs are of.")] = None,
    attempt: Annotated[int, typer.Option(min=1, help="Its attempt.")] = 1,
    provider: Annotated[str, typer.Option(help="github or gitlab.")] = "github",
    job: Annotated[str | None, typer.Option(help="The job's name; by default that of the file.")] = None,
    store: StoreOption = None,
) -> None:
    """Take hits, misses and saves of caches from job logs, however often."""
    from cipredict.cli.environment import ci_run  # noqa: PLC0415  # not for --help
    from cipredict.cli.storing import refuse_missing, show_poor  # noqa: PLC0415  # duckdb
    from cipredict.ingest.paths import missing_paths  # noqa: PLC0415
    from cipredict.records import RunKey  # noqa: PLC0415
    from cipredict.render.console import people  # noqa: PLC0415
    from cipredict.store.caches import add_cache_events  # noqa: PLC0415
    from cipredict.store.database import open_store  # noqa: PLC0415

    settings, here = load_settings(store=store), ci_run()
    run_id = run_id or (here.run_id if here else "")
    if not run_id:
        raise UsageError("Whose logs are these? Give --run-id, and --repository.", slug="cache-log-run")
    name = repository or settings.repository or (here.repository if here else "")
    run = RunKey(provider, name, run_id, attempt)
    reports, events = _read(paths, run, job=job)
    if events:
        with open_store(settings.store) as door:
            add_cache_events(door, events)
    show_poor(reports, people())
    sys.stderr.write(f"Took in {len(events)} cache events of {len(reports)} logs.\n")
    refuse_missing(missing_paths(reports))
    if not events:
        raise InputError("Nothing was stored: no log tells of a cache.", slug="ingest-nothing")


def _read(paths: Sequence[str], run: RunKey, *, job: str | None) -> tuple[list[Report], list[CacheEvent]]:
    """Give what became of every log, and the events of all."""
    from cipredict.ingest.cache_logs import read_cache_log  # noqa: PLC0415  # not for --help
    from cipredict.ingest.interface import READ_ERRORS, Report, invalid_report  # noqa: PLC0415
    from cipredict.ingest.sources import open_sources  # noqa: PLC0415
    from cipredict.records import ReportStatus  # noqa: PLC0415

    reports: list[Report] = []
    events: list[CacheEvent] = []
    now = datetime.now(UTC)
    for source in open_sources(paths, standard_input=sys.stdin.buffer, suffixes=_SUFFIXES):
        if isinstance(source, Report):
            reports.append(source)
        elif not _is_step(source.name):
            lines = io.TextIOWrapper(source.stream, encoding="utf-8", errors="replace")
            try:
                events += read_cache_log(lines, run=run, job=job or _job_of(source.name), read_at=now)
                reports.append(Report(source.name, ReportStatus.VALID))
            except READ_ERRORS as error:
                reports.append(invalid_report(source.name, f"it breaks off: {error}"))
    return reports, events


def _is_step(name: str) -> bool:
    """Tell the log of a step: GitHub's archive holds a job's whole log, and its steps' once more in a folder."""
    archive, _, inside = name.partition("!")
    return archive.endswith(".zip") and "/" in inside


def _job_of(name: str) -> str:
    """Give the job that a file is called after: `logs.zip!0_build (3.12).txt` is of `build (3.12)`."""
    return _NUMBER.sub("", PurePosixPath(name.rpartition("!")[2]).stem) if name != "-" else ""
