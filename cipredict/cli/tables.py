"""Tables of others into the store, with a word on every file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cipredict.cli.storing import Tally
from cipredict.errors import UsageError
from cipredict.ingest.interface import Report, invalid_report
from cipredict.ingest.paths import expand
from cipredict.records import ReportStatus, Verdict
from cipredict.store.database import open_store
from cipredict.store.table_map import TableMap, make_map, parse_map, read_map_file
from cipredict.store.tables import Origin, TableReading, merge_tables, tables_store
from cipredict.store.writer import add_reports

TABLE_SUFFIXES = (".parquet", ".csv", ".csv.gz")
"""What counts as a table in a folder; a file that is named is read whatever its suffix."""


@dataclass(frozen=True, slots=True)
class MapOptions:
    """What the user said about columns and words."""

    map: str = ""
    map_file: Path | None = None
    failed_values: str = ""
    passed_values: str = ""

    def to_map(self) -> TableMap:
        """Put file and options together; an option wins.

        Raises
        ------
        UsageError
            Nothing was said, or something that cannot be meant.
        """
        columns, words = read_map_file(self.map_file) if self.map_file else ({}, {})
        columns |= parse_map(self.map)
        if not columns:
            raise UsageError("Say what the columns mean: --map run_id=…,case_id=… or --map-file.", slug="table-map")
        for values, verdict in ((self.failed_values, Verdict.FAILED), (self.passed_values, Verdict.PASSED)):
            words |= {word.strip().lower(): verdict for word in values.split(",") if word.strip()}
        return make_map(columns, words)


def take_tables(paths: Sequence[str], options: MapOptions, origin: Origin, *, store: Path) -> Tally:
    """Store the usable rows of every file; give what became of each path."""
    table_map = options.to_map()
    found = expand(paths, TABLE_SUFFIXES)
    files = [Path(file) for file in found if isinstance(file, str)]
    with tables_store(files, table_map, origin, beside=store) as (staged, readings):
        reports = [item for item in found if isinstance(item, Report)]
        reports += [_report(reading, table_map) for reading in readings]
        with open_store(store) as door:
            merge_tables(door, staged, origin)
            add_reports(door, [report.to_record(datetime.now(UTC)) for report in reports])
    runs = sum(reading.facts.get("runs", 0) for reading in readings) if table_map.has_verdict else 0
    return Tally(reports, runs=runs, cases=sum(reading.facts.get("usable", 0) for reading in readings))


def _report(reading: TableReading, table_map: TableMap) -> Report:
    if reading.error:
        return invalid_report(reading.source, f"cannot be read ({reading.error})")
    facts = reading.facts
    problems = tuple(_problems(reading, table_map))
    status = ReportStatus.SUBOPTIMAL if problems else ReportStatus.VALID
    return Report(
        source=reading.source,
        status=status if facts["usable"] else ReportStatus.INVALID,
        problems=problems if facts["usable"] else (*problems, "holds no usable row"),
        dialect="table",
        entries=facts["rows"],
        cases=facts["cases"],
        failed=facts["failed"],
        skipped=facts["skipped"],
        cases_s=facts["cases_s"],
        size_bytes=reading.size_bytes,
    )


def _problems(reading: TableReading, table_map: TableMap) -> Iterator[str]:
    facts = reading.facts
    words = facts["unknown_words"] or ""
    hint = "; name them with --failed-values or --passed-values" if table_map.has_verdict else ""
    counts = {
        "lines of another shape, skipped": reading.rejects,
        "lines that are not UTF-8, skipped": reading.misencoded,
        "rows without a run, skipped": facts["without_run"],
        "rows without a case, skipped": facts["without_case"],
        f"rows with an unknown verdict ({words[:80]}), skipped{hint}": facts["without_verdict"],
        "rows without a time or a duration, skipped": facts["without_measure"],
        "rows without a plausible duration, kept without": facts["odd_durations"],
        "rows without a plausible start, kept without": facts["odd_starts"],
    }
    yield from (f"{count:,} {words}" for words, count in counts.items() if count)
