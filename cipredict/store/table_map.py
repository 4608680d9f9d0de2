"""What the columns of somebody else's table mean: parsed from `--map` or a TOML file, checked, nothing opened.

::

    run_id=build,case_id=test,verdict=status,duration_s=dur_ms:ms,started_at=ts

    [columns]                                     [verdicts]
    run_id = "build"                              failed = ["broken", "red"]
    duration_s = {column = "a:b", unit = "ms"}    skipped = ["muted"]
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import NamedTuple

from cipredict.errors import InputError, UsageError, cannot_read
from cipredict.records import Verdict

UNITS: Mapping[str, float] = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
"""Seconds in one of each."""

NEEDED = ("run_id", "case_id")
TIMES = ("started_at", "finished_at")
VERDICTS = ("verdict", "failed", "passed")
TEXTS = (
    *NEEDED,
    *VERDICTS,
    "duration_s",
    "attempt",
    "attempts",
    "is_flaky",
    "peak_memory_bytes",
    "job",
    "repository",
    "workflow",
    "sha",
    "parent_sha",
    "branch",
    "event",
)
"""What is read from its text."""

FIELDS = (*TEXTS, *TIMES, "changed")

WORDS: Mapping[str, Verdict] = {
    word: verdict
    for verdict, words in {
        Verdict.PASSED: "passed pass ok success successful succeeded p .",
        Verdict.FAILED: "failed fail failure not_ok unsuccessful f",
        Verdict.ERROR: "error errored broken crash crashed timeout timed_out timedout e",
        Verdict.SKIPPED: "skipped skip ignored disabled pending notrun not_run xfail xfailed deselected s",
    }.items()
    for word in words.split()
}
"""Verdicts in the words of CI systems. Numbers and booleans are not among them: 1 is a failure here, a pass there."""

_TRUE, _FALSE = ("1", "1.0", "true", "t", "yes", "y"), ("0", "0.0", "false", "f", "no", "n")


class Column(NamedTuple):
    """A column of theirs; the unit is empty where the field's own holds."""

    name: str
    unit: str = ""


@dataclass(frozen=True, slots=True)
class TableMap:
    """Columns by our field, and verdicts by their word in lower case."""

    columns: Mapping[str, Column]
    words: Mapping[str, Verdict]

    @property
    def has_verdict(self) -> bool:
        """Without one, the rows are measurements, never passes."""
        return any(field in self.columns for field in VERDICTS)


def parse_map(text: str) -> dict[str, Column]:
    """Read `field=column[:unit],…`.

    Raises
    ------
    UsageError
        A part of another shape.
    """
    columns = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        field, equals, column = (word.strip() for word in part.partition("="))
        name, colon, unit = column.rpartition(":")
        if not equals or not field or not column:
            raise UsageError(f"--map: '{part}' is not of the form field=column.", slug="table-map")
        columns[field] = Column(name, unit) if colon and name and unit in UNITS else Column(column)
    return columns


def read_map_file(path: Path) -> tuple[dict[str, Column], dict[str, Verdict]]:
    """Read columns and verdict words of a TOML file.

    Raises
    ------
    InputError
        Missing or no TOML.
    UsageError
        Another shape.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise cannot_read(path, error) from error
    except ValueError as error:
        raise InputError(f"{path} is not TOML: {error}.", slug="table-map") from error
    try:
        columns = {field: _column(entry) for field, entry in document.get("columns", {}).items()}
        words = {
            str(word).lower(): Verdict(verdict)
            for verdict, words in document.get("verdicts", {}).items()
            for word in words
        }
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"{path}: {error!r} is no map of columns and verdicts.", slug="table-map") from error
    return columns, words


def _column(entry: str | Mapping[str, str]) -> Column:
    return Column(entry) if isinstance(entry, str) else Column(entry["column"], entry.get("unit", ""))


def make_map(columns: Mapping[str, Column], words: Mapping[str, Verdict]) -> TableMap:
    """Check a map, and add the words that everybody uses.

    Raises
    ------
    UsageError
        Naming every problem.
    """
    problems = list(_problems(columns))
    if problems:
        raise UsageError(f"The column map cannot be used: {'; '.join(problems)}.", slug="table-map")
    return TableMap(columns, _words(columns, words))


def _problems(columns: Mapping[str, Column]) -> Iterator[str]:
    for field in columns:
        if field not in FIELDS:
            near = get_close_matches(field, FIELDS, n=1)
            yield f"no field '{field}'" + (f", did you mean '{near[0]}'?" if near else "")
    yield from (f"{field} is needed" for field in NEEDED if field not in columns)
    verdicts = [field for field in VERDICTS if field in columns]
    if len(verdicts) > 1:
        yield f"give one of {', '.join(verdicts)}"
    if not verdicts and not {"started_at", "duration_s"} <= set(columns):
        yield "without a verdict, started_at and duration_s are needed"
    for field, column in columns.items():
        if column.unit and (field not in {"duration_s", *TIMES} or column.unit not in UNITS):
            yield f"{field} has no unit '{column.unit}'"


def _words(columns: Mapping[str, Column], given: Mapping[str, Verdict]) -> dict[str, Verdict]:
    if "failed" in columns:
        return {**_paired(_TRUE, Verdict.FAILED), **_paired(_FALSE, Verdict.PASSED), **given}
    if "passed" in columns:
        return {**_paired(_TRUE, Verdict.PASSED), **_paired(_FALSE, Verdict.FAILED), **given}
    return {**WORDS, **_opposites(given), **given}


def _paired(words: Iterable[str], verdict: Verdict) -> dict[str, Verdict]:
    return dict.fromkeys(words, verdict)


def _opposites(given: Mapping[str, Verdict]) -> dict[str, Verdict]:
    """Say what 0 means where 1 was said to be a failure, and so on for passes and the other pairs."""
    other = {Verdict.FAILED: Verdict.PASSED, Verdict.PASSED: Verdict.FAILED}
    pairs = dict(zip((*_TRUE, *_FALSE), (*_FALSE, *_TRUE), strict=True))
    return {pairs[word]: other[verdict] for word, verdict in given.items() if word in pairs and verdict in other}
