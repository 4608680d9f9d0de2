"""`cipredict ingest`: whatever a CI produces, into the store."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from cipredict.cli.ingest_cache_logs import cache_logs
from cipredict.cli.ingest_runs import github, gitlab
from cipredict.cli.options import EventsOption, StoreOption, load_settings, make_app
from cipredict.errors import InputError

ingest = make_app("Take reports, runs, histories, git and coverage into the store.")
apps = {"ingest": ingest}
os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")  # before pyarrow: its own pool keeps what is freed
ingest.command("cache-logs")(cache_logs)
ingest.command("github")(github)
ingest.command("gitlab")(gitlab)
StrictOption = Annotated[bool, typer.Option("--strict", help="Fail if any file was skipped.")]
RepositoryOption = Annotated[str | None, typer.Option("--repository", help="Name, such as owner/project.")]

JobsOption = Annotated[
    int | None, typer.Option("--jobs", min=1, help="Processes that read; by default one per core, at most 4.")
]
SizeOption = Annotated[int, typer.Option("--max-report-size", min=1, help="MB that one report may unpack to.")]
_MB = 1024**2


@ingest.command("junit", help="Take in JUnit XML of one run: as `reports`, but of folders and archives only *.xml.")
@ingest.command("reports")
def reports(
    context: typer.Context,
    paths: Annotated[list[str], typer.Argument(help="Files, folders, globs, .gz, .zip, .tar.*; - is stdin.")],
    store: StoreOption = None,
    repository: RepositoryOption = None,
    run_id: Annotated[str | None, typer.Option(help="Of the run; from the CI environment by default.")] = None,
    sha: Annotated[str | None, typer.Option(help="Commit that was tested.")] = None,
    branch: Annotated[str | None, typer.Option(help="Branch that was tested.")] = None,
    event: Annotated[str | None, typer.Option(help="What triggered the run: push, pull_request, …")] = None,
    job: Annotated[str | None, typer.Option(help="Name of the job.")] = None,
    workflow: Annotated[str | None, typer.Option(help="Name of the workflow.")] = None,
    base: Annotated[str | None, typer.Option(help="Branch or commit that the change is measured against.")] = None,
    strict: StrictOption = False,
    jobs: JobsOption = None,
    max_report_size: SizeOption = 4096,
) -> None:
    """Take in test reports of one run, of any format (docs/formats.md)."""
    from cipredict.cli.junit_run import RunOptions, read_run  # noqa: PLC0415  # lxml and duckdb, not for --help
    from cipredict.cli.taking import show_tally, take_in  # noqa: PLC0415
    from cipredict.ingest.sources import JUNIT_SUFFIXES, REPORT_SUFFIXES  # noqa: PLC0415
    from cipredict.ingest.workers import default_jobs  # noqa: PLC0415

    settings = load_settings(store=store)
    suffixes = JUNIT_SUFFIXES if context.info_name == "junit" else REPORT_SUFFIXES
    options = RunOptions(
        repository=repository or settings.repository or None,
        run_id=run_id,
        sha=sha,
        branch=branch,
        event=event,
        job=job,
        workflow=workflow,
        base=base,
        jobs=jobs or default_jobs(),
        max_report_bytes=max_report_size * _MB,
    )
    items = read_run(paths, options, clock=lambda: datetime.now(UTC), suffixes=suffixes)
    show_tally(take_in(items, settings.store), strict=strict)


@ingest.command("history")
def history(
    folder: Annotated[Path, typer.Argument(help="Folder with runs.csv, changes.csv and junit/ or an archive.")],
    store: StoreOption = None,
    repository: RepositoryOption = None,
    strict: StrictOption = False,
    jobs: JobsOption = None,
    max_report_size: SizeOption = 4096,
) -> None:
    """Take in a project's past runs, in the backfill format (docs/formats.md)."""
    from cipredict.cli.taking import show_tally, take_in  # noqa: PLC0415
    from cipredict.ingest.history import read_history  # noqa: PLC0415
    from cipredict.ingest.workers import default_jobs  # noqa: PLC0415

    settings = load_settings(store=store)
    name = repository or settings.repository or folder.resolve().name
    items = read_history(folder, repository=name, jobs=jobs or default_jobs(), max_report_bytes=max_report_size * _MB)
    show_tally(take_in(items, settings.store), strict=strict)


@ingest.command("durations")
def durations(
    file: Annotated[Path, typer.Argument(help="pytest-split's .test_durations.")], store: StoreOption = None
) -> None:
    """Take in tracked durations; they count as measurements, never as verdicts."""
    from cipredict.ingest.durations import read_durations  # noqa: PLC0415
    from cipredict.store.database import open_store  # noqa: PLC0415
    from cipredict.store.snapshots import add_timings  # noqa: PLC0415

    read = read_durations(file)
    recorded_at = datetime.fromtimestamp(file.stat().st_mtime, UTC)
    with open_store(load_settings(store=store).store) as door:
        stored = add_timings(door, read.seconds, source=str(file), recorded_at=recorded_at)
    for problem in read.report.problems:
        sys.stderr.write(f"cipredict: {file}: {problem}\n")
    sys.stderr.write(f"Stored the durations of {stored} cases from {file}.\n")


@ingest.command("git")
def git(
    folder: Annotated[Path, typer.Argument(help="The repository.")] = Path(),
    store: StoreOption = None,
    repository: RepositoryOption = None,
    since: Annotated[str, typer.Option(help="How far back, such as 52w or 2026-01-31.")] = "365d",
) -> None:
    """Take in commits with their changed paths, and the import graph of the working tree."""
    from cipredict.ingest.git import read_commits, tracked_files  # noqa: PLC0415
    from cipredict.ingest.imports import read_imports  # noqa: PLC0415
    from cipredict.quantities import parse_since  # noqa: PLC0415
    from cipredict.store.database import open_store  # noqa: PLC0415
    from cipredict.store.snapshots import add_import_edges  # noqa: PLC0415
    from cipredict.store.writer import add_commits  # noqa: PLC0415

    settings = load_settings(store=store)
    name = repository or settings.repository or folder.resolve().name
    now = datetime.now(UTC)
    commits = list(read_commits(folder, repository=name, since=parse_since(since, now=now)))
    edges = list(read_imports(folder, sorted(tracked_files(folder))))
    with open_store(settings.store) as door:
        add_commits(door, commits)
        add_import_edges(door, name, edges, recorded_at=now)
    sys.stderr.write(f"Stored {len(commits)} commits and {len(edges)} imports of {name}.\n")


@ingest.command("coverage")
def coverage(
    file: Annotated[Path, typer.Argument(help="coverage.py's .coverage or JSON, lcov, or Cobertura XML.")],
    store: StoreOption = None,
    root: Annotated[Path, typer.Option(help="Root of the repository, for absolute paths.")] = Path(),
) -> None:
    """Take in which case executed which file, and how much of each file the suite executed."""
    from cipredict.cli.coverage import take_coverage  # noqa: PLC0415

    for line in take_coverage(file, root.resolve(), load_settings(store=store).store):
        sys.stderr.write(f"{line}\n")


@ingest.command("table")
def table(
    paths: Annotated[list[str], typer.Argument(help="Parquet or CSV (.gz) files, folders, globs.")],
    columns: Annotated[str, typer.Option("--map", help="field=column[:unit],… (docs/formats.md).")] = "",
    map_file: Annotated[Path | None, typer.Option(help="The same as TOML.")] = None,
    failed_values: Annotated[str, typer.Option(help="Further words for a failure, such as 1 or red,broken.")] = "",
    passed_values: Annotated[str, typer.Option(help="Further words for a pass.")] = "",
    provider: Annotated[
        str, typer.Option(help="Who ran the runs, such as github, to add to runs known from there.")
    ] = "",
    store: StoreOption = None,
    repository: RepositoryOption = None,
    strict: StrictOption = False,
) -> None:
    """Take in rows of (run, case, verdict, duration, …) from a data lake or a research set."""
    from cipredict.cli.tables import MapOptions, take_tables  # noqa: PLC0415
    from cipredict.cli.taking import show_tally  # noqa: PLC0415
    from cipredict.store.tables import PROVIDER, Origin  # noqa: PLC0415

    settings = load_settings(store=store)
    origin = Origin(repository or settings.repository or Path.cwd().name, provider or PROVIDER)
    options = MapOptions(columns, map_file, failed_values, passed_values)
    show_tally(take_tables(paths, options, origin, store=settings.store), strict=strict)


@ingest.command("export")
def export(
    folder: Annotated[Path, typer.Argument(help="Folder that `cipredict export parquet` wrote.")],
    store: StoreOption = None,
) -> None:
    """Take in an export of another store; what is known already changes nothing."""
    from cipredict.store.database import open_store  # noqa: PLC0415
    from cipredict.store.merge import merge_store  # noqa: PLC0415
    from cipredict.store.restore import restored  # noqa: PLC0415

    path = load_settings(store=store).store
    with restored(folder, beside=path) as other, open_store(path) as door:
        merge_store(door, other)
    sys.stderr.write(f"Took in the export {folder}.\n")


@ingest.command("events")
def events(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Event files or folders; by default the project's.")
    ] = None,
    store: StoreOption = None,
    folder: EventsOption = None,
) -> None:
    """Take what CI jobs remembered into the ledger, however often."""
    from cipredict.cli.event_files import read_event_files, take_events  # noqa: PLC0415
    from cipredict.cli.storing import refuse_missing  # noqa: PLC0415

    settings = load_settings(store=store, events=folder)
    asked = paths or [settings.events]
    found, complaints = read_event_files([path for path in asked if path.exists()] or asked)
    for complaint in complaints:
        sys.stderr.write(f"cipredict: {complaint}\n")
    if complaints and not found:
        raise InputError("Nothing was stored: no line is an event.", slug="ingest-nothing")
    sys.stderr.write(f"Took in {take_events(found, settings.store)} events.\n")
    refuse_missing([str(path) for path in asked if not path.exists()])
