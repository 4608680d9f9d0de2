"""Items from `ingest` into the store, some reports at a time, with a tally of what became of every file.

What a kill costs: a report is committed in one transaction, so it is in the store whole or not at all, and the store
stays intact. Whatever the progress bar has counted is committed. What was read and not yet counted, a second of reading
or 32 reports at most beyond the one in flight, has to be read again; taking the same files in again does that, and
changes nothing else.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from rich.table import Table

from cipredict.cli.storing import Chunk, Item, Tally, refuse_missing, show_poor, store_chunks
from cipredict.errors import InputError
from cipredict.ingest.paths import missing_paths
from cipredict.records import CaseBatch, ReportStatus
from cipredict.render.console import people, render_table

CHUNK_REPORTS = 32
CHUNK_CASES = 20_000
CHUNK_S = 1.0
"""A chunk is written after the report that exceeds one of these."""


def take_in(items: Iterable[Item], path: Path, *, total: int | None = None) -> Tally:
    """Store everything that a reader gives; the progress bar counts reports, of `total` where it is known."""
    chunks = _chunks(items, time.monotonic)
    return store_chunks(chunks, path, words="Reading reports", done=lambda tally: len(tally.reports), total=total)


def _chunks(items: Iterable[Item], clock: Callable[[], float]) -> Iterator[Chunk]:
    """Cut after a report once enough is in hand; what follows the last report closes the last chunk."""
    chunk, begun_s = Chunk(), clock()
    for item in items:
        if isinstance(item, CaseBatch) and _is_full(chunk, clock() - begun_s):
            yield chunk
            chunk, begun_s = Chunk(), clock()
        chunk.add(item)
    yield chunk


def _is_full(chunk: Chunk, reading_s: float) -> bool:
    if len(chunk.reports) >= CHUNK_REPORTS or chunk.cases >= CHUNK_CASES:
        return True
    return bool(chunk.reports) and reading_s >= CHUNK_S


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
