"""Coverage files for gates: through the readers of `ingest/coverage`, keeping the lines that `tally` only counts."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path

from cipredict.errors import InputError
from cipredict.ingest.coverage import open_coverage
from cipredict.ingest.coverage.interface import Executed, Measured, Places, Summed
from cipredict.ingest.metrics.interface import CoverageReading, LineCounts, Reading, Unusable
from cipredict.ingest.metrics.json_access import number_at, object_at


def read_coverage_file(path: Path, *, root: Path, known_files: frozenset[str] = frozenset()) -> Reading:
    """Read coverage.py's JSON, Cobertura or lcov; `.coverage` itself does not know which lines could be executed."""
    places = Places.of(root, known_files)
    covered: defaultdict[str, set[int]] = defaultdict(set)
    valid: defaultdict[str, set[int]] = defaultdict(set)
    counts: dict[str, LineCounts] = {}
    try:
        dialect, facts = open_coverage(path, places)
        for fact in facts:
            name = places.relative(fact.file)
            if name is None or isinstance(fact, Executed):
                continue
            if isinstance(fact, Measured):
                covered[name] |= fact.covered
                valid[name] |= fact.valid | fact.covered
            elif isinstance(fact, Summed):
                counts[name] = LineCounts(fact.covered_lines, fact.valid_lines)
    except InputError as error:
        raise Unusable(f"{error.message}") from error
    if not valid and not counts:
        raise Unusable(f"{dialect} without any line that can be executed")
    reading = CoverageReading(
        covered={name: frozenset(lines) for name, lines in covered.items()},
        valid={name: frozenset(lines) for name, lines in valid.items()},
        counts={name: count for name, count in counts.items() if name not in valid},
        total_share=_stated_total(path) if dialect == "coverage.py JSON" else None,
    )
    is_cut = dialect == "lcov" and not path.read_bytes().rstrip().endswith(b"end_of_record")
    problems = ("truncated: the last end_of_record is missing",) if is_cut else ()
    return Reading(dialect, coverage=reading, problems=problems)


def _stated_total(path: Path) -> float | None:
    """Give the total that `coverage report` shows: with branches where they were measured."""
    totals = object_at(json.loads(path.read_bytes()), "totals")
    percent = number_at(totals, "percent_covered")
    return None if percent is None else percent / 100
