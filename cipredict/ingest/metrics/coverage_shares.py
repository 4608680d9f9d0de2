"""Covered lines into shares: reports united, by folder, and of the lines that a change added."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from cipredict.ingest.metrics.interface import CoverageReading, LineCounts, MetricsFile
from cipredict.measures import Dimension, Evidence, Measurement, Quantity

ChangedLines = Mapping[str, frozenset[int]]
"""Added lines by path."""
_EXAMPLES = 5


def measure_coverage(files: Sequence[MetricsFile], changed: ChangedLines | None) -> Iterator[Measurement]:
    """Give the total, each folder's share, and the share of the changed lines where those are known.

    Of a report that was cut off nothing is certain.
    """
    doubt = next((problem for file in files if file.reading.coverage for problem in file.reading.problems), "")
    for one in _shares(files, changed):
        yield replace(one, evidence=Evidence.INCONCLUSIVE, reason=doubt) if doubt else one


def _shares(files: Sequence[MetricsFile], changed: ChangedLines | None) -> Iterator[Measurement]:
    readings = [file.reading.coverage for file in files if file.reading.coverage is not None]
    if not readings:
        return
    source = ", ".join(file.source for file in files if file.reading.coverage)
    whole = _united(readings)
    lines = {
        **whole.counts,
        **{path: LineCounts(len(whole.covered.get(path, ())), len(valid)) for path, valid in whole.valid.items()},
    }
    total = _share(lines.values())
    stated = readings[0].total_share if len(readings) == 1 else None
    yield _measured(
        "test_coverage", total if stated is None or total is None else Quantity(stated, Dimension.SHARE), source
    )
    yield _measured("line_coverage", total, source)
    for folder, counts in sorted(_by_folder(lines).items()):
        yield _measured(f"test_coverage:{folder}", _share(counts), source)
    if changed is not None:
        yield _diff_coverage(whole, changed, source)


def _united(readings: Sequence[CoverageReading]) -> CoverageReading:
    """Unite the lines of several reports; of counts alone, which cannot be united, the best of a file is taken."""
    covered: defaultdict[str, frozenset[int]] = defaultdict(frozenset)
    valid: defaultdict[str, frozenset[int]] = defaultdict(frozenset)
    counts: dict[str, LineCounts] = {}
    for reading in readings:
        for path, lines in reading.valid.items():
            valid[path] |= lines
            covered[path] |= reading.covered.get(path, frozenset())
        for path, count in reading.counts.items():
            counts[path] = max(count, counts.get(path, count))
    return CoverageReading(dict(covered), dict(valid), counts)


def _measured(metric: str, share: Quantity | None, source: str) -> Measurement:
    return Measurement(metric, share, source, reason="" if share else "no line can be executed")


def _share(counts: Iterable[LineCounts]) -> Quantity | None:
    pairs = list(counts)
    valid = sum(count.valid for count in pairs)
    return Quantity(sum(count.covered for count in pairs) / valid, Dimension.SHARE) if valid else None


def _by_folder(lines: Mapping[str, LineCounts]) -> Mapping[str, list[LineCounts]]:
    """Give the files below each folder, at any depth."""
    found: defaultdict[str, list[LineCounts]] = defaultdict(list)
    for path, count in lines.items():
        for folder in PurePosixPath(path).parents:
            if str(folder) != ".":
                found[str(folder)].append(count)
    return found


def _diff_coverage(coverage: CoverageReading, changed: ChangedLines, source: str) -> Measurement:
    """Give the share of changed executable lines that ran; where there are none, say whether that is harmless."""
    executable = covered = 0
    missed: list[str] = []
    folders = {PurePosixPath(path).parent for path in coverage.valid}
    suffixes = {PurePosixPath(path).suffix for path in coverage.valid}
    unlisted = []
    for path, lines in changed.items():
        valid = coverage.valid.get(path)
        if valid is not None:
            ran = coverage.covered.get(path, frozenset())
            executable += len(lines & valid)
            covered += len(lines & ran)
            missed += [f"{path}:{line}" for line in sorted((lines & valid) - ran)]
        elif lines and PurePosixPath(path).suffix in suffixes and PurePosixPath(path).parent in folders:
            unlisted.append(path)
    if not executable and (unlisted or coverage.counts):
        reason = f"the coverage report does not list {unlisted[0]}" if unlisted else "the report lists no lines"
        return Measurement("diff_coverage", None, source, reason=reason)
    note = f"{covered} of {executable} changed lines" if executable else "no changed line can be executed"
    if missed:
        note += f", not {', '.join(missed[:_EXAMPLES])}{', …' if len(missed) > _EXAMPLES else ''}"
    if unlisted:
        note += f"; the report does not list {len(unlisted)} changed files, such as {unlisted[0]}"
    share = covered / executable if executable else 1.0
    return Measurement("diff_coverage", Quantity(share, Dimension.SHARE), source, reason=note)
