"""Runs into the store, some at a time, with a bar while it lasts and a table of what came.

An interruption costs one chunk.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from cipredict.cli.storing import Chunk, Item, Tally, show_poor, store_chunks
from cipredict.errors import InputError
from cipredict.ingest.runs import Attempt
from cipredict.render.console import people, render_table

CHUNK_RUNS = 50
"""Of an API: what an interruption costs."""

FILE_CHUNK_RUNS = 2_000
"""Of files: opening the store costs more than reading 50 runs."""

CHUNK_CASES = 50_000


def take_in_runs(items: Iterable[Item], path: Path, *, chunk_runs: int | None = None) -> Tally:
    """Store everything that a reader gives; what came before it gave up is stored too."""
    chunks = _chunks(items, chunk_runs or CHUNK_RUNS)
    return store_chunks(chunks, path, words="Reading runs", done=lambda tally: tally.runs)


def _chunks(items: Iterable[Item], chunk_runs: int) -> Iterator[Chunk]:
    """Cut after a run, which follows its cases; a failure of the reader comes after what it had given."""
    chunk = Chunk()
    try:
        for item in items:
            chunk.add(item)
            if isinstance(item, Attempt) and (len(chunk.runs) >= chunk_runs or chunk.cases >= CHUNK_CASES):
                yield chunk
                chunk = Chunk()
    except (InputError, KeyboardInterrupt):
        yield chunk
        raise
    yield chunk


def show_run_tally(tally: Tally, oddities: Iterable[tuple[str, int]], facts: Iterable[tuple[str, int]]) -> None:
    """Say what came, what was odd about it, and `facts` about the asking."""
    numbers = {
        "runs": tally.runs,
        "jobs": tally.jobs,
        "skipped jobs": tally.skipped_jobs,
        "steps": tally.steps,
        "files": len(tally.reports),
        "cases": tally.cases,
        **dict(facts),
    }
    console = people()
    console.print(render_table("Ingested", list(numbers), [[f"{number:,}" for number in numbers.values()]]))
    for words, number in sorted(oddities):
        sys.stderr.write(f"cipredict: {number:,} {words}.\n")
    show_poor(tally.reports, console)
