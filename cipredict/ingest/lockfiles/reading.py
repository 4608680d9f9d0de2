"""Which reader a lock file gets, by its name; and what went wrong, in one line."""

from __future__ import annotations

import re
from posixpath import basename

from cipredict.errors import InputError
from cipredict.ingest.lockfiles.compiled import read_cargo, read_gems, read_go
from cipredict.ingest.lockfiles.interface import Package, Reader
from cipredict.ingest.lockfiles.javascript import read_bun, read_npm, read_pnpm, read_yarn
from cipredict.ingest.lockfiles.python import (
    read_pdm,
    read_pipfile,
    read_poetry,
    read_pylock,
    read_requirements,
    read_uv,
)

READERS: dict[str, Reader] = {
    "uv.lock": read_uv,
    "poetry.lock": read_poetry,
    "pdm.lock": read_pdm,
    "Pipfile.lock": read_pipfile,
    "package-lock.json": read_npm,
    "npm-shrinkwrap.json": read_npm,
    "pnpm-lock.yaml": read_pnpm,
    "yarn.lock": read_yarn,
    "bun.lock": read_bun,
    "Cargo.lock": read_cargo,
    "go.sum": read_go,
    "Gemfile.lock": read_gems,
    "gems.locked": read_gems,
}
_PYLOCK = re.compile(r"pylock(?:\.[^.]+)?\.toml")
_REQUIREMENTS = re.compile(r"(?:^|/)(?:[^/]*(?:requirements|constraints)[^/]*|requirements/[^/]+)\.txt")


def reader_of(path: str) -> Reader | None:
    """Give the reader of a lock file; None where the name is not one of a lock file."""
    name = basename(path)
    if name in READERS:
        return READERS[name]
    if _PYLOCK.fullmatch(name):
        return read_pylock
    return read_requirements if _REQUIREMENTS.search(path) else None


def read_packages(path: str, content: bytes) -> frozenset[Package]:
    """Give what a lock file pins.

    Raises
    ------
    InputError
        Its name is not one of a lock file, or its content not what the name promises.
    """
    reader = reader_of(path)
    if reader is None:
        known = ", ".join(READERS)
        raise InputError(f"{path} is no lock file that is known: {known}, requirements*.txt.", slug="lockfile-unknown")
    try:
        return frozenset(reader(content))
    except (ValueError, RecursionError) as error:  # JSON, TOML and our own readers raise ValueErrors
        why = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"{path} is not a lock file that can be read: {why}.", slug="lockfile-unreadable") from error
