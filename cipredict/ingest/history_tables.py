"""The tables of the backfill format, runs.csv and changes.csv, into runs without results."""

from __future__ import annotations

import csv
import gzip
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from cipredict.errors import InputError
from cipredict.ingest.interface import READ_ERRORS, Report, invalid_report
from cipredict.ingest.spellings import parse_seconds, parse_timestamp
from cipredict.records import Change, RunKey, RunRecord

PROVIDER = "history"
"""The provider under which backfilled runs are keyed."""

_Changes = Mapping[str, tuple[Change, ...]]


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """One row of runs.csv: the run without result and end, and what is needed to add them."""

    run: RunRecord
    wall_s: float | None
    job: str
    runner: str


def read_runs(folder: Path, *, repository: str) -> tuple[dict[str, HistoryRow], list[Report]]:
    """Give the usable rows of runs.csv by run id, with their changes, and a complaint per unusable row.

    Raises
    ------
    InputError
        No runs.csv, a column that is needed is missing, or no row is usable.
    """
    path = _table(folder, "runs.csv")
    if path is None:
        raise InputError(f"{folder} holds no runs.csv.", slug="history-runs", hint="See docs/formats.md, Backfill.")
    changes, complaints = _read_changes(folder)
    rows: dict[str, HistoryRow] = {}

    def add(cells: Mapping[str, str]) -> None:
        row = _parse_run(cells, repository, changes)
        if row.run.key.run_id in rows:
            raise ValueError(f"run {row.run.key.run_id} occurs twice")
        rows[row.run.key.run_id] = row

    row_complaints = _read_table(path, required=frozenset({"run_id", "started_at"}), add=add)
    if not rows:
        why = row_complaints[0].problems[0] if row_complaints else "it is empty"
        raise InputError(f"{path} has no usable row: {why}.", slug="history-runs")
    return rows, complaints + row_complaints


def _parse_run(cells: Mapping[str, str], repository: str, changes: _Changes | None) -> HistoryRow:
    run_id = _text(cells, "run_id")
    started_at = parse_timestamp(_text(cells, "started_at"))
    if not run_id or started_at is None:
        raise ValueError(f"run_id {run_id!r} with started_at {_text(cells, 'started_at')!r}")
    wall_s = parse_seconds(cells["wall_s"]) if cells.get("wall_s") else None
    if cells.get("wall_s") and wall_s is None:
        raise ValueError(f"wall_s {cells['wall_s']!r}")
    run = RunRecord(
        key=RunKey(PROVIDER, repository, run_id, int(cells.get("attempt") or 1)),
        started_at=started_at,
        workflow=_text(cells, "workflow"),
        sha=_text(cells, "sha"),
        parent_sha=_text(cells, "parent"),
        branch=_text(cells, "branch"),
        event=_text(cells, "event"),
        changes=None if changes is None else changes.get(run_id, ()),
    )
    return HistoryRow(run=run, wall_s=wall_s, job=_text(cells, "job") or "tests", runner=_text(cells, "runner"))


def _read_changes(folder: Path) -> tuple[_Changes | None, list[Report]]:
    """Give the changes by run; None without the file, because then nobody knows."""
    path = _table(folder, "changes.csv")
    if path is None:
        return None, []
    changes: defaultdict[str, list[Change]] = defaultdict(list)

    def add(cells: Mapping[str, str]) -> None:
        change = Change(
            path=cells["path"] or "",
            added=_lines(cells.get("added")),
            deleted=_lines(cells.get("deleted")),
            status=(cells.get("status") or "M")[:1].upper(),
            previous_path=cells.get("previous_path") or None,
        )
        if not change.path:
            raise ValueError("no path")
        changes[_text(cells, "run_id")].append(change)

    complaints = _read_table(path, required=frozenset({"run_id", "path"}), add=add)
    return {run_id: tuple(paths) for run_id, paths in changes.items()}, complaints


def _text(cells: Mapping[str, str], column: str) -> str:
    return (cells.get(column) or "").strip()


def _lines(cell: str | None) -> int | None:
    """Read a line count; git writes `-` for a binary file."""
    return int(cell) if cell and cell != "-" else None


def _table(folder: Path, name: str) -> Path | None:
    return next((path for path in (folder / name, folder / f"{name}.gz") if path.is_file()), None)


def _read_table(path: Path, *, required: frozenset[str], add: Callable[[Mapping[str, str]], None]) -> list[Report]:
    """Feed every row to `add`; what it rejects with ValueError comes back as a complaint that names the line."""
    complaints = []
    with _open_text(path) as text:
        reader = csv.DictReader(text)
        try:
            missing = required - set(reader.fieldnames or ())
            if missing:
                raise InputError(f"{path} lacks the column {', '.join(sorted(missing))}.", slug="history-runs")
            for cells in reader:
                try:
                    add(cells)
                except ValueError as error:
                    complaints.append(invalid_report(f"{path.name}:{reader.line_num}", str(error)))
        except (csv.Error, *READ_ERRORS) as error:
            complaints.append(invalid_report(f"{path.name}:{reader.line_num}", f"unreadable from here on ({error})"))
    return complaints


def _open_text(path: Path) -> IO[str]:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8-sig", errors="replace", newline="")
    return path.open(encoding="utf-8-sig", errors="replace", newline="")
