"""Report files into rows, one transaction per file or part of a huge one, fast enough for thousands of small files.

Planning a set-based upsert costs DuckDB more than 400 rows do, so a writer remembers the numbers of runs and cases
while it holds the lock, and sends each file as one table of integers.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from cipredict.records import CaseBatch, RunKey
from cipredict.store.columns import case_run_table, id_table, key_table
from cipredict.store.database import Store
from cipredict.store.statements import call_file, query_file, registered, run_file, transaction


def add_case_batches(store: Store, batches: Iterable[CaseBatch]) -> int:
    """Store the cases of report files, one transaction per file; give the number of cases.

    A part of a file replaces itself, and the first one drops the others. A batch whose run is unknown creates a
    minimal run, which `add_runs` completes; until then no query that takes `as_of` sees it. The iterable may write to
    the store itself before it gives a batch: whoever calls `add_runs(store, [run])` there, loses nothing but the file
    in flight.
    """
    writer = _BatchWriter(store)
    return sum(writer.write(batch) for batch in batches)


@dataclass(slots=True)
class _BatchWriter:
    """Lives for one call: numbers read under the lock stay true, and a failed transaction ends the call."""

    store: Store
    case_numbers: dict[str, int] = field(default_factory=dict)
    run_numbers: dict[RunKey, int] = field(default_factory=dict)

    def write(self, batch: CaseBatch) -> int:
        connection = self.store.connection
        with transaction(connection):
            run_seq = self._run(batch.key)
            batch_seq = self._batch(run_seq, batch)
            case_seqs = self._cases([case.case_id for case in batch.cases])
            table = case_run_table(batch.cases, batch_seq=batch_seq, run_seq=run_seq, case_seqs=case_seqs)
            with registered(connection, {"incoming": table}):
                run_file(connection, "upserts/case_runs.sql")
        return len(batch.cases)

    def _run(self, key: RunKey) -> int:
        if key not in self.run_numbers:
            self.run_numbers[key] = self._find_run(key)
        return self.run_numbers[key]

    def _find_run(self, key: RunKey) -> int:
        connection = self.store.connection
        parameters = {
            "provider": key.provider,
            "repository": key.repository,
            "run_id": key.run_id,
            "attempt": key.attempt,
        }
        found = call_file(connection, "upserts/run_number.sql", parameters)
        if not found:
            with registered(connection, {"incoming_keys": key_table([key])}):
                run_file(connection, "upserts/unknown_runs.sql")
            found = call_file(connection, "upserts/run_number.sql", parameters)
        [(run_seq,)] = found
        return int(run_seq)

    def _batch(self, run_seq: int, batch: CaseBatch) -> int:
        connection = self.store.connection
        size = {"cases": len(batch.cases)}
        name = {"run_seq": run_seq, "job_id": batch.job_id, "source": batch.source}
        parts: dict[int, int] = dict(call_file(connection, "upserts/batch_numbers.sql", name))
        known = parts.pop(batch.part, None)
        if known is None:
            [(batch_seq,)] = call_file(connection, "upserts/new_batch.sql", {**name, "part": batch.part, **size})
        else:
            batch_seq = known
            call_file(connection, "upserts/emptied_batch.sql", {"batch_seq": known})
            call_file(connection, "upserts/refilled_batch.sql", {"batch_seq": known, **size})
        if batch.part == 1:
            self._drop(parts.values())
        return int(batch_seq)

    def _drop(self, batch_seqs: Iterable[int]) -> None:
        """Drop parts of what the file held before; after its first part has a number, which cannot be one of theirs."""
        for batch_seq in batch_seqs:
            call_file(self.store.connection, "upserts/emptied_batch.sql", {"batch_seq": batch_seq})
            call_file(self.store.connection, "upserts/dropped_batch.sql", {"batch_seq": batch_seq})

    def _cases(self, case_ids: Sequence[str]) -> list[int]:
        known = self.case_numbers
        missing = [case_id for case_id in case_ids if case_id not in known]
        if missing:
            connection = self.store.connection
            with registered(connection, {"incoming": id_table(missing)}):
                run_file(connection, "upserts/cases.sql")
                numbers = query_file(connection, "upserts/case_numbers.sql", {})
            known.update(zip(numbers["case_id"].to_pylist(), numbers["case_seq"].to_pylist(), strict=True))
        return [known[case_id] for case_id in case_ids]
