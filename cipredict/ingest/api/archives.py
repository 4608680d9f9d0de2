"""A downloaded artifact into cases: the one place where archives of an API meet the readers of reports."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from cipredict.ingest.interface import READ_ERRORS, Report, invalid_report
from cipredict.ingest.junit import read_junit
from cipredict.ingest.sources import open_zip
from cipredict.records import CaseBatch, RunKey


def read_archive(
    path: Path, *, source: str, key: RunKey, job_id: str = "", known_files: frozenset[str] = frozenset()
) -> Iterator[CaseBatch | Report]:
    """Give the cases of every report in a zip, called `source!member`; a damaged zip is one invalid report."""
    try:
        for item in open_zip(path):
            if isinstance(item, Report):
                yield replace(item, source=_renamed(item.source, path, source))
                continue
            name = _renamed(item.name, path, source)
            yield from read_junit(item.stream, source=name, key=key, job_id=job_id, known_files=known_files)
    except READ_ERRORS as error:
        yield invalid_report(source, f"damaged archive ({error or type(error).__name__})")


def archive_of(source: str) -> str:
    """Give the archive that a report was called after."""
    return source.partition("!")[0]


def _renamed(name: str, path: Path, source: str) -> str:
    return source + name.removeprefix(path.as_posix())
