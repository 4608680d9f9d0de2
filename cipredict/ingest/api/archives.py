"""A downloaded artifact into cases: the one place where archives of an API meet the readers of reports."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from cipredict.ingest.interface import Report
from cipredict.ingest.reports import read_report
from cipredict.ingest.sources import REPORT_SUFFIXES, open_sources
from cipredict.records import CaseBatch, RunKey


def read_archive(
    path: Path, *, source: str, key: RunKey, job_id: str = "", known_files: frozenset[str] = frozenset()
) -> Iterator[CaseBatch | Report]:
    """Give the cases of every report in a zip, called `source!member`; a damaged zip is an invalid report."""
    for item in open_sources([str(path)], standard_input=io.BytesIO(), suffixes=REPORT_SUFFIXES):
        if isinstance(item, Report):
            yield replace(item, source=_renamed(item.source, path, source))
            continue
        name = _renamed(item.name, path, source)
        yield from read_report(item.stream, source=name, key=key, job_id=job_id, known_files=known_files)


def archive_of(source: str) -> str:
    """Give the archive that a report was called after."""
    return source.partition("!")[0]


def _renamed(name: str, path: Path, source: str) -> str:
    return source + name.removeprefix(path.as_posix())
