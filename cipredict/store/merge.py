"""One store into another: the same facts as if everything had been ingested into one.

Numbers (`run_seq`, `case_seq`, …) mean something inside one file only: what comes in is matched by its keys and gets
our numbers. The rules are those of ingesting: unknown never replaces known, a report file replaces itself, a snapshot
replaces itself, an event is taken once. So merging twice changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from cipredict.store.database import Store
from cipredict.store.statements import bounded_memory, quote_text, run_file, transaction

_STEPS = (
    "merge/runs.sql",
    "upserts/runs.sql",
    "merge/jobs.sql",
    "upserts/jobs.sql",
    "merge/cases.sql",
    "merge/case_runs.sql",
    "merge/commits.sql",
    "upserts/commits.sql",
    "merge/snapshots.sql",
    "merge/mutants.sql",
    "merge/reports.sql",
    "upserts/reports.sql",
    "merge/events.sql",
    "upserts/events.sql",
    "merge/samples.sql",
)
"""A file of `merge/` prepares what the upsert behind it reads, or stores by itself."""


def merge_store(store: Store, other: Path, *, further: Sequence[str] = ()) -> None:
    """Add everything that the store file `other` holds, in one transaction. It has our schema version.

    Files of SQL in `further` follow in that transaction; to them, too, it is `theirs`.
    """
    with bounded_memory(store.connection), _attached(store, other), transaction(store.connection):
        for step in _STEPS:
            run_file(store.connection, step)
        for step in ("merge/cleared.sql", *further):
            run_file(store.connection, step)


@contextmanager
def _attached(store: Store, other: Path) -> Iterator[None]:
    store.connection.execute(f"attach {quote_text(str(other))} as theirs (read_only)")
    try:
        yield
    finally:
        store.connection.execute("detach theirs")
