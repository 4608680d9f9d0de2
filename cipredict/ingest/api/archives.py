"""A downloaded artifact into cases: the one place where archives of an API meet the readers of reports."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from cipredict.ingest.interface import Report
from cipredict.ingest.reports import read_report
from cipredict.ingest.sources import REPORT_SUFFIXES, open_sources
from cipredict.records import CaseBatch, RunKey

_MOST_EVENT_BYTES = 64 * 1024**2
"""Of one event file: a plan of 100,000 cases takes a tenth of it."""


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


def keep_events(path: Path, folder: Path) -> bool:
    """Unpack the event files of a zip, by number and not by name, since names in archives are anybody's.

    The folder appears when all are in it. Give whether the zip could be read.
    """
    unfinished = folder.with_name(f"{folder.name}.part")
    unfinished.mkdir(parents=True, exist_ok=True)
    try:
        with zipfile.ZipFile(path) as archive:
            members = [one for one in archive.infolist() if one.filename.endswith(".jsonl")]
            for number, member in enumerate(one for one in members if one.file_size <= _MOST_EVENT_BYTES):
                (unfinished / f"{number}.jsonl").write_bytes(archive.read(member))
    except (zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError):
        return False
    unfinished.rename(folder)
    return True


def archive_of(source: str) -> str:
    """Give the archive that a report was called after."""
    return source.partition("!")[0]


def _renamed(name: str, path: Path, source: str) -> str:
    return source + name.removeprefix(path.as_posix())
