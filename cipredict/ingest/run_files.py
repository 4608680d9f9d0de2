"""Files of runs into records: dumps of an API and recorded webhooks, of GitHub or GitLab, all files put together."""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol

from cipredict.errors import InputError
from cipredict.ingest.interface import READ_ERRORS, Report, invalid_report
from cipredict.ingest.payloads import parse_documents
from cipredict.ingest.runs import Attempt, Oddities
from cipredict.records import ReportStatus

_GZIP_MAGIC = b"\x1f\x8b"
_SUFFIXES = (".json", ".jsonl", ".ndjson", ".json.gz", ".jsonl.gz", ".ndjson.gz")


class Payloads(Protocol):
    """What collects the objects of one CI system."""

    @property
    def oddities(self) -> Oddities:
        """What the source got wrong, counted so far."""

    def add(self, document: object, repository: str = "") -> int:
        """Take what a document holds; give how many runs and jobs that was."""

    def attempts(self) -> Iterator[Attempt]:
        """Put the objects together."""


def read_run_files(paths: Iterable[str], payloads: Payloads) -> Iterator[Attempt | Report]:
    """Give a report per file, then every attempt: a run, its jobs and its webhooks may lie in different files.

    Raises
    ------
    InputError
        A named path does not exist, or a folder holds no JSON; before anything is read.
    """
    files = [file for path in paths for file in _expand(Path(path))]
    for file in dict.fromkeys(files):
        yield _read_file(file, payloads)
    yield from payloads.attempts()


def _expand(path: Path) -> list[Path]:
    if path.is_dir():
        found = sorted(file for file in path.rglob("*") if file.name.endswith(_SUFFIXES) and file.is_file())
        if not found:
            raise InputError(f"The folder {path} holds no *.json or *.jsonl file.", slug="input-empty")
        return found
    if not path.exists():
        raise InputError(f"{path} does not exist.", slug="input-missing")
    return [path]


def _read_file(path: Path, payloads: Payloads) -> Report:
    try:
        content = path.read_bytes()
        text = (gzip.decompress(content) if content.startswith(_GZIP_MAGIC) else content).decode("utf-8-sig", "replace")
    except READ_ERRORS as error:
        return invalid_report(path.as_posix(), f"cannot be read ({error})")
    found, problems = 0, []
    for document in parse_documents(text):
        if isinstance(document, ValueError):
            problems.append(str(document))
        else:
            found += payloads.add(document)
    if not found:
        return invalid_report(path.as_posix(), "; ".join(problems[:3]) or "holds neither a run nor a job")
    status = ReportStatus.SUBOPTIMAL if problems else ReportStatus.VALID
    return Report(path.as_posix(), status, tuple(problems[:3]), size_bytes=len(content))
