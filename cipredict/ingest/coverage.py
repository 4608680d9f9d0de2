"""coverage.py's contexts into links: which case executed which file. JSON and the sqlite `.coverage` file.

pytest-cov (`--cov-context=test`) writes contexts as `nodeid|phase`, phase being setup, run or teardown: exact case ids.
Contexts of another shape (coverage's own `test_function`, the empty one of import time) name no case; they are counted
and left out. No coverage.py is needed to read its files.
"""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from cipredict.errors import InputError
from cipredict.ids import case_file
from cipredict.records import CoverageLink

_SQLITE_MAGIC = b"SQLite format 3\0"
_PHASES = frozenset({"setup", "run", "teardown"})


@dataclass(frozen=True, slots=True)
class Coverage:
    """Links sorted by case and path, and what was left out.

    Attributes
    ----------
    ignored_contexts : distinct contexts that name no case
    outside_files : files that do not lie below the root, such as installed packages
    """

    links: tuple[CoverageLink, ...]
    ignored_contexts: int
    outside_files: int


def read_coverage(path: Path, *, root: Path, known_files: frozenset[str] = frozenset()) -> Coverage:
    """Read either format. Absolute paths become relative to `root`, the repository's.

    A report measured elsewhere (another machine, a container) has another root: a path whose tail is one of
    `known_files` is taken for that file.

    Raises
    ------
    InputError
        Missing, neither format, or without any context (`--cov-context=test`, and `--show-contexts` for JSON).
    """
    try:
        with path.open("rb") as stream:
            is_sqlite = stream.read(len(_SQLITE_MAGIC)) == _SQLITE_MAGIC
    except OSError as error:
        raise InputError(f"Cannot read {path}: {error.strerror}.", slug="input-missing") from error
    tally = _Tally(root, known_files)
    for file, context, lines in read_sqlite(path) if is_sqlite else read_json(path):
        tally.add(file, context, lines)
    if not tally.has_contexts:
        hint = "Measure with pytest --cov-context=test, and write JSON with --show-contexts."
        raise InputError(f"{path} holds no contexts.", slug="coverage-contexts", hint=hint)
    return tally.result()


class _Tally:
    """Collects executed lines by case and file: the phases of a case share theirs."""

    def __init__(self, root: Path, known_files: frozenset[str]) -> None:
        self._root = root.resolve().as_posix().rstrip("/") + "/"
        self._known_files = known_files
        self._lines: defaultdict[tuple[str, str], set[int]] = defaultdict(set)
        self._ignored: set[str] = set()
        self._outside: set[str] = set()

    @property
    def has_contexts(self) -> bool:
        return bool(self._lines or self._outside or self._ignored - {""})

    def add(self, file: str, context: str, lines: Iterable[int]) -> None:
        case_id, bar, phase = context.rpartition("|")
        if not bar or phase not in _PHASES or not case_file(case_id):
            self._ignored.add(context)
            return
        path = self._relative(file)
        if path is None:
            self._outside.add(file)
            return
        executed = set(lines)
        if executed:
            self._lines[case_id, path] |= executed

    def _relative(self, file: str) -> str | None:
        return _relative_path(file, self._root, self._known_files)

    def result(self) -> Coverage:
        links = (CoverageLink(case_id, path, len(lines)) for (case_id, path), lines in self._lines.items())
        return Coverage(tuple(sorted(links)), len(self._ignored), len(self._outside))


@lru_cache(maxsize=65536)
def _relative_path(file: str, root: str, known_files: frozenset[str]) -> str | None:
    path = file.replace("\\", "/")
    if path.startswith(root):
        return path[len(root) :]
    if not path.startswith("/") and path[1:3] != ":/":
        return None if path.startswith("../") else path.removeprefix("./")
    parts = path.split("/")
    tails = ("/".join(parts[begin:]) for begin in range(1, len(parts)))
    return next((tail for tail in tails if tail in known_files), None)


def read_json(path: Path) -> Iterator[tuple[str, str, list[int]]]:
    """Give (file, context, lines) of `coverage json --show-contexts`.

    Raises
    ------
    InputError
        Not JSON, or not coverage.py's.
    """
    try:
        files = json.loads(path.read_bytes())["files"]
        for file, entry in files.items():
            for line, contexts in entry.get("contexts", {}).items():
                for context in contexts:
                    yield file, context, [int(line)]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(f"{path} is not a coverage.py JSON report ({error}).", slug="coverage-format") from error


def read_sqlite(path: Path) -> Iterator[tuple[str, str, list[int]]]:
    """Give (file, context, lines) of a `.coverage` file, measured by line (`line_bits`) or by branch (`arc`).

    Raises
    ------
    InputError
        Damaged, or of a schema that is not coverage.py's.
    """
    try:
        connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)
        try:
            for file, context, numbits in connection.execute(_LINES):
                yield file, context, lines_of_numbits(numbits)
            for file, context, first, last in connection.execute(_ARCS):
                yield file, context, [line for line in (first, last) if line > 0]
        finally:
            connection.close()
    except (sqlite3.Error, TypeError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not a coverage.py data file ({error}).", slug="coverage-format") from error


_LINES = """
select file.path, context.context, line_bits.numbits
from line_bits join file on file.id = line_bits.file_id join context on context.id = line_bits.context_id
"""
_ARCS = """
select file.path, context.context, arc.fromno, arc.tono
from arc join file on file.id = arc.file_id join context on context.id = arc.context_id
"""
"""Both tables always exist; one of them is empty. Negative line numbers mean entering and leaving a code object."""


def lines_of_numbits(numbits: bytes) -> list[int]:
    """Give the line numbers of coverage.py's bit map, least significant bit first.

    >>> lines_of_numbits(bytes([0b110, 0b1]))
    [1, 2, 8]
    """
    return [index * 8 + bit for index, byte in enumerate(numbits) for bit in range(8) if byte & 1 << bit]
