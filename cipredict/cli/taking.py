"""Items from `ingest` into the store, report by report, with a tally of what became of every file.

A kill costs the file in flight: a report is committed, in one transaction, before the next one is taken, and the store
stays intact. Taking the same files in again changes nothing else. Worker processes have some files in flight each.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from rich.table import Table

from cipredict.cli.storing import Chunk, Item, Tally, refuse_missing, show_poor, store_chunks
from cipredict.errors import InputError
from cipredict.ingest.interface import Report
from cipredict.ingest.paths import missing_paths
from cipredict.records import ReportStatus
from cipredict.render.console import people, render_table


def take_in(items: Iterable[Item], path: Path, *, total: int | None = None) -> Tally:
    """Store everything that a reader gives; the progress bar counts reports, of `total` where it is known."""
    return store_chunks(
        _chunks(items), path, words="Reading reports", done=lambda tally: len(tally.reports), total=total
    )


def _chunks(items: Iterable[Item]) -> Iterator[Chunk]:
    """Cut after every report, which follows what was read from its file."""
    chunk = Chunk()
    for item in items:
        chunk.add(item)
        if isinstance(item, Report):
            yield chunk
            chunk = Chunk()
    yield chunk


def show_tally(tally: Tally, *, strict: bool) -> None:
    """Say what became of every file; fail as below.

    Raises
    ------
    InputError
        Nothing was stored, a path that was named is missing, or `strict` and a file was skipped.
    """
    console = people()
    console.print(_table(tally))
    show_poor(tally.reports, console)
    invalid = tally.count(ReportStatus.INVALID)
    if not tally.cases and not tally.runs:
        raise InputError("Nothing was stored: no file holds a usable report.", slug="ingest-nothing")
    refuse_missing(missing_paths(tally.reports))
    if strict and invalid:
        raise InputError(f"{invalid} files were skipped, and --strict was asked for.", slug="ingest-strict")


def _table(tally: Tally) -> Table:
    reports = tally.reports
    row = [
        str(len(reports)),
        *(str(tally.count(status)) for status in ReportStatus),
        str(tally.runs),
        f"{tally.cases:,}",
        f"{sum(report.failed for report in reports):,}",
        f"{sum(report.flaky for report in reports):,}",
        f"{sum(report.cases_s for report in reports):,.1f}",
    ]
    columns = ["files", *(status.value for status in ReportStatus), "runs", "cases", "failed", "flaky", "test seconds"]
    return render_table("Ingested", columns, [row])
