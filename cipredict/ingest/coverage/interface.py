"""What every coverage reader of this package gives, and what they make of it together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple, TypeAlias

from cipredict.records import CoverageLink, CoveredFile


class Executed(NamedTuple):
    """A context executed lines of a file; `file` is spelled as the report has it."""

    file: str
    context: str
    lines: Iterable[int]


class Measured(NamedTuple):
    """A file's lines as a report lists them, whoever executed them. A file listed again adds its lines."""

    file: str
    covered: frozenset[int]
    valid: frozenset[int]


class Summed(NamedTuple):
    """A file of which a report states counts only."""

    file: str
    covered_lines: int
    valid_lines: int


Fact: TypeAlias = Executed | Measured | Summed


@dataclass(frozen=True, slots=True)
class Coverage:
    """Links sorted by case and path, files sorted by path, and what was left out.

    Attributes
    ----------
    dialect : the format that was recognised
    files : how much of each file the suite executed; never evidence about a single case
    ignored_contexts : distinct contexts that name no case
    outside_files : files that do not lie below the root, such as installed packages
    """

    dialect: str
    links: tuple[CoverageLink, ...]
    files: tuple[CoveredFile, ...]
    ignored_contexts: int
    outside_files: int


@dataclass(frozen=True, slots=True)
class Places:
    """Where the repository lies, and its tracked paths where they are known."""

    root: str
    known_files: frozenset[str]

    @classmethod
    def of(cls, root: Path, known_files: frozenset[str]) -> Places:
        """Resolve the root."""
        return cls(root.resolve().as_posix().rstrip("/") + "/", known_files)

    def relative(self, file: str) -> str | None:
        """Give a path relative to the root, None for a file outside it."""
        return _relative_path(file, self.root, self.known_files)


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
