"""Facts of any reader into links and covered files, in the repository's own paths."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from cipredict.ids import case_file
from cipredict.ingest.coverage.interface import Coverage, Executed, Fact, Measured, Places
from cipredict.records import CoverageLink, CoveredFile

_PHASES = frozenset({"setup", "run", "teardown"})


def case_of(context: str) -> str | None:
    """Give the case that a context names: pytest-cov's `node id|phase`, nothing else.

    >>> case_of("tests/test_a.py::test_b[x|y]|run"), case_of("test_a.test_b")
    ('tests/test_a.py::test_b[x|y]', None)
    """
    case_id, bar, phase = context.rpartition("|")
    return case_id if bar and phase in _PHASES and case_file(case_id) else None


def add_up(facts: Iterable[Fact], *, dialect: str, places: Places) -> Coverage:
    """Add facts up: the phases of a case share their lines, and so do several entries of a file."""
    counts = _Counts(places)
    for fact in facts:
        counts.add(fact)
    return counts.result(dialect)


class _Counts:
    """Executed lines by case and file, and lines by file."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._lines: defaultdict[tuple[str, str], set[int]] = defaultdict(set)
        self._measured: dict[str, tuple[set[int], set[int]]] = {}
        self._summed: dict[str, tuple[int, int]] = {}
        self._ignored: set[str] = set()
        self._outside: set[str] = set()

    def add(self, fact: Fact) -> None:
        path = self._places.relative(fact.file)
        if isinstance(fact, Executed):
            self._add_executed(fact, path)
        elif path is None:
            self._outside.add(fact.file)
        elif isinstance(fact, Measured):
            covered, valid = self._measured.setdefault(path, (set(), set()))
            covered |= fact.covered
            valid |= fact.valid | fact.covered
        else:
            self._summed[path] = (fact.covered_lines, fact.valid_lines)

    def _add_executed(self, fact: Executed, path: str | None) -> None:
        case_id = case_of(fact.context)
        executed = set(fact.lines)
        if not fact.context:  # ran at import time, outside every context
            return
        if case_id is None:
            self._ignored.add(fact.context)
        elif path is None:
            self._outside.add(fact.file)
        elif executed:
            self._lines[case_id, path] |= executed

    def result(self, dialect: str) -> Coverage:
        links = (CoverageLink(case_id, path, len(lines)) for (case_id, path), lines in self._lines.items())
        counted = {path: (len(covered), len(valid)) for path, (covered, valid) in self._measured.items()}
        files = (CoveredFile(path, *counts) for path, counts in {**self._summed, **counted}.items())
        return Coverage(dialect, tuple(sorted(links)), tuple(sorted(files)), len(self._ignored), len(self._outside))
