"""Every real report that was handed over, through the sniffing reader, against what studying each file says.

Run: ``python benchmarks/ingest/formats.py [--data FOLDER] [--write-docs]``. `expected_formats.json` names each report's
producer, class and counts; every file that it does not name must be refused. Counts are also checked against those of
strict parsers of the standard library (`independent_counts.py`), which know neither attempts nor ids. Table on stderr,
JSON on stdout; exit 1 on a mismatch. ``--write-docs`` writes the table of `docs/formats.md` anew.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from independent_counts import count_independently

from cipredict.ingest.interface import Report
from cipredict.ingest.reports import read_report
from cipredict.records import CaseBatch, ReportStatus, RunKey

HERE = Path(__file__).parent
REPOSITORY = HERE.parents[1]
DATA = REPOSITORY.parent / "shared" / "data" / "formats"
DOCUMENT = REPOSITORY / "docs" / "formats.md"
BEGIN, END = "<!-- formats: begin, written by benchmarks/ingest/formats.py -->", "<!-- formats: end -->"
COUNTS = ("entries", "cases", "failed", "skipped", "flaky")


@dataclass(slots=True)
class Row:
    """What became of one producer's files."""

    files: int = 0
    cases: int = 0
    classes: set[str] = field(default_factory=set)
    case_ids: set[str] = field(default_factory=set)


def read(path: Path, known_files: frozenset[str]) -> tuple[Report, set[str]]:
    """Give the report and the ids of its cases."""
    key = RunKey("local", "formats", "1")
    with path.open("rb") as stream:
        items = list(read_report(stream, source=path.name, key=key, known_files=known_files))
    (report,) = [item for item in items if isinstance(item, Report)]
    return report, {case.case_id for batch in items if isinstance(batch, CaseBatch) for case in batch.cases}


def compare(name: str, report: Report, expected: dict[str, Any] | None) -> Iterator[str]:
    """Say how a report differs from its expectation; without one it must be invalid."""
    if expected is None:
        if report.status is not ReportStatus.INVALID:
            yield f"{name}: {report.status.value}, but it is no test report"
        return
    found = {"class": report.status.value, **{count: getattr(report, count) for count in COUNTS}}
    for key, value in found.items():
        if value != expected[key]:
            yield f"{name}: {key} is {value}, expected {expected[key]}"


def cross_check(name: str, path: Path, report: Report) -> Iterator[str]:
    """Say where strict parsers count otherwise; outcomes only where every entry is a case of its own."""
    counts = count_independently(path)
    if counts is None:
        return
    if counts.entries != report.entries:
        yield f"{name}: {report.entries} entries, counted independently: {counts.entries}"
    if report.entries == report.cases and (counts.failed, counts.skipped) != (report.failed, report.skipped):
        yield f"{name}: failed and skipped counted independently: {counts.failed}, {counts.skipped}"


def table(rows: dict[str, Row], producers: dict[str, Any]) -> str:
    """Give the rows in Markdown, in the order of the expectations."""
    lines = ["| producer | files | cases | class | example | what to know |", "|---|---|---|---|---|---|"]
    for name, about in producers.items():
        row, classes = rows[name], ", ".join(sorted(rows[name].classes))
        example = about["id"].replace("|", "\\|")
        lines.append(f"| {name} | {row.files} | {row.cases:,} | {classes} | `{example}` | {about['quirk']} |")
    return "\n".join(lines)


def write_document(content: str) -> None:
    """Put the table between its marks."""
    text = DOCUMENT.read_text(encoding="utf-8")
    before, after = text.partition(BEGIN)[0], text.partition(END)[2]
    DOCUMENT.write_text(f"{before}{BEGIN}\n\n{content}\n\n{END}{after}", encoding="utf-8")


def main() -> int:
    """Read, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--write-docs", action="store_true")
    arguments = parser.parse_args()
    if not (data := arguments.data).is_dir():
        parser.exit(2, f"formats.py: --data: there is no folder {data}; the reports are not part of this repository.\n")
    expectations = json.loads((HERE / "expected_formats.json").read_text(encoding="utf-8"))
    known_files = frozenset(expectations["known_files"])
    rows: defaultdict[str, Row] = defaultdict(Row)
    names = {path.relative_to(arguments.data).as_posix() for path in arguments.data.rglob("*") if path.is_file()}
    mismatches = [f"{name}: is missing" for name in expectations["files"].keys() - names]
    for name in sorted(names):
        expected = expectations["files"].get(name)
        report, case_ids = read(arguments.data / name, known_files)
        mismatches += compare(name, report, expected)
        if expected is not None:
            mismatches += cross_check(name, arguments.data / name, report)
            row = rows[expected["producer"]]
            row.files += 1
            row.cases += report.cases
            row.classes.add(report.status.value)
            row.case_ids |= case_ids
    for producer, about in expectations["producers"].items():
        if about["id"] not in rows[producer].case_ids:
            mismatches.append(f"{producer}: no case {about['id']}")
    content = table(rows, expectations["producers"])
    sys.stderr.write(content + "\n" + "".join(f"MISMATCH {line}\n" for line in mismatches))
    if arguments.write_docs:
        write_document(content)
    summary = {
        "files": len(names),
        "reports": len(expectations["files"]),
        "producers": len(rows),
        "cases": sum(row.cases for row in rows.values()),
        "mismatches": mismatches,
    }
    print(json.dumps(summary, indent=2))
    return 1 if mismatches else 0


if __name__ == "__main__":
    sys.exit(main())
