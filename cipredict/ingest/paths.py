"""PATH arguments into files: what was named, what lies in folders, what globs match.

A path that gives nothing is a `Report` at its place, so that it never sinks the others. One that was named, and not
found, is the user's mistake besides: the report says so, and the command fails once the others are stored.
"""

from __future__ import annotations

import glob
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from cipredict.errors import InputError
from cipredict.ingest.interface import Report, invalid_report


def expand(paths: Iterable[str], suffixes: tuple[str, ...]) -> list[str | Report]:
    """Give every file behind the paths, in order, each once; `-` stays. `suffixes` are those of files in folders.

    Raises
    ------
    InputError
        No path gives a file.
    """
    found = list(dict.fromkeys(item for path in paths for item in _expand(path, suffixes)))
    poor = [item for item in found if isinstance(item, Report)]
    if len(poor) < len(found):
        return found
    message = "; ".join(f"{report.source} {report.problems[0]}" for report in poor) or "No path was given"
    raise InputError(f"{message}.", slug="input-missing" if missing_paths(poor) else "input-empty")


def missing_paths(reports: Iterable[Report]) -> list[str]:
    """Give the paths that the user named and that do not exist."""
    return [report.source for report in reports if report.is_missing]


def spell_suffixes(suffixes: tuple[str, ...]) -> str:
    """Write suffixes for people."""
    return ", ".join(f"*{suffix}" for suffix in suffixes if not suffix.endswith(".gz"))


def label(name: str) -> str:
    """Spell out bytes of a file name that are no text: the store keeps text only."""
    return name.encode("utf-8", "backslashreplace").decode("utf-8")


def _expand(path: str, suffixes: tuple[str, ...]) -> list[str] | list[Report]:
    try:
        if path == "-" or Path(path).is_file():
            return [path]
        if Path(path).is_dir():
            return _in_folder(path, suffixes) or [
                invalid_report(label(path), f"holds no {spell_suffixes(suffixes)} file")
            ]
        if glob.has_magic(path):
            return _matches(path) or [invalid_report(label(path), "matches nothing")]
        if Path(path).exists():  # a pipe: `<(command)` in a shell
            return [path]
    except OSError as error:
        return [invalid_report(label(path), f"cannot be read ({error.strerror})")]
    return [replace(invalid_report(label(path), "does not exist"), is_missing=True)]


def _in_folder(path: str, suffixes: tuple[str, ...]) -> list[str]:
    files = (file for file in Path(path).rglob("*") if file.name.lower().endswith(suffixes) and file.is_file())
    return sorted(map(str, files))


def _matches(pattern: str) -> list[str]:
    return sorted(file for file in glob.glob(pattern, recursive=True) if Path(file).is_file())  # noqa: PTH207  # an absolute pattern is fine
