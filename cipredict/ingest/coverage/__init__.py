"""Coverage of any format into links between cases and files, and into covered lines by file.

Only coverage.py's contexts (and lcov's test names, where they are case ids) tell which case executed what. What a
format says about files alone stays with the files: it is never turned into links.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from cipredict.errors import InputError, cannot_read
from cipredict.ingest.coverage.cobertura import read_cobertura
from cipredict.ingest.coverage.data_file import MAGIC, read_data_file
from cipredict.ingest.coverage.interface import Coverage, Fact, Places
from cipredict.ingest.coverage.json_report import read_json_report
from cipredict.ingest.coverage.lcov import read_lcov
from cipredict.ingest.coverage.tally import add_up

__all__ = ["Coverage", "open_coverage", "read_coverage"]

_LCOV_KEYS = (b"TN:", b"SF:", b"#", b"VER:")


def read_coverage(path: Path, *, root: Path, known_files: frozenset[str] = frozenset()) -> Coverage:
    """Read a coverage file of any known format. Absolute paths become relative to `root`, the repository's.

    A report measured elsewhere (another machine, a container) has another root: a path whose tail is one of
    `known_files` is taken for that file.

    Raises
    ------
    InputError
        Missing, of no known format, or without anything about cases or files.
    """
    places = Places.of(root, known_files)
    dialect, facts = open_coverage(path, places)
    read = add_up(facts, dialect=dialect, places=places)
    if not (read.links or read.files or read.outside_files or read.ignored_contexts):
        hint = "Measure with pytest --cov-context=test, and write JSON with --show-contexts."
        raise InputError(f"{path} holds neither contexts nor files.", slug="coverage-contexts", hint=hint)
    return read


def open_coverage(path: Path, places: Places) -> tuple[str, Iterable[Fact]]:
    """Give the format and what it says, fact by fact; reading may raise InputError as `read_coverage` does."""
    head = _head(path)
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if head.startswith(MAGIC):
        return "coverage.py data", read_data_file(path)
    if text.startswith(b"<"):
        return "Cobertura", read_cobertura(path, places)
    if text.startswith(_LCOV_KEYS):
        return "lcov", read_lcov(path)
    if text.startswith((b"{", b"[")):
        return "coverage.py JSON", read_json_report(path)
    raise InputError(
        f"{path} is no coverage file that cipredict knows.",
        slug="coverage-format",
        hint="Give .coverage, the output of `coverage json`, lcov or Cobertura XML.",
    )


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(256)
    except OSError as error:
        raise cannot_read(path, error) from error
