"""lcov's tracefiles (`.info`), as geninfo, coverage.py, Istanbul, grcov and others write them.

::

    TN:name of the test            may be empty
    SF:path of the file
    DA:line,hits[,checksum]
    LF:lines  LH:lines executed    counts, believed only where there is no DA
    end_of_record
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from cipredict.errors import InputError
from cipredict.ids import case_file
from cipredict.ingest.coverage.interface import Executed, Measured, Summed

_CASE_PHASE = "|run"


@dataclass(slots=True)
class _Record:
    """What lies between `SF` and `end_of_record`."""

    file: str
    hits: dict[int, int] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)

    def facts(self, test: str) -> Iterator[Executed | Measured | Summed]:
        executed = frozenset(line for line, hits in self.hits.items() if hits > 0)
        if self.hits:
            yield Measured(self.file, executed, frozenset(self.hits))
        elif "LF" in self.counts:
            yield Summed(self.file, self.counts.get("LH", 0), self.counts["LF"])
        if test:
            yield Executed(self.file, _context(test), executed)


def read_lcov(path: Path) -> Iterator[Executed | Measured | Summed]:
    """Give the lines of each record; a test name that is a case id gives what that case executed.

    A file without its last `end_of_record` gives what it has: lines are counted where they stand.

    Raises
    ------
    InputError
        A line number or count is none.
    """
    try:
        with path.open(encoding="utf-8-sig", errors="replace") as lines:
            yield from _read_records(lines)
    except (ValueError, OverflowError) as error:
        raise InputError(f"{path} is not an lcov tracefile ({error}).", slug="coverage-format") from error


def _read_records(lines: Iterable[str]) -> Iterator[Executed | Measured | Summed]:
    test, record = "", None
    for line in lines:
        key, _, value = line.rstrip("\r\n").partition(":")
        if key == "TN":
            test = value.strip()
        elif key == "SF":
            record = _Record(value.strip())
        elif record is not None and key == "DA":
            number, hits = value.split(",")[:2]
            record.hits[int(number)] = record.hits.get(int(number), 0) + max(int(float(hits)), 0)  # gcov overflows
        elif record is not None and key in {"LF", "LH"}:
            record.counts[key] = int(value)
        elif record is not None and key.strip() == "end_of_record":
            yield from record.facts(test)
            record = None
    if record is not None:
        yield from record.facts(test)


def _context(test: str) -> str:
    """Spell a test name that has the shape of a case id as pytest-cov would; lcov's own names have no `::`."""
    return test + _CASE_PHASE if "::" in test and case_file(test) and not test.endswith(_CASE_PHASE) else test
