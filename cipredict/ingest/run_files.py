"""Files of runs into records: dumps of an API and recorded webhooks, of GitHub or GitLab, all files put together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import BinaryIO, Protocol, cast

from cipredict.ingest.formats.streams import Rewound, utf8
from cipredict.ingest.interface import READ_ERRORS, Report, invalid_report
from cipredict.ingest.payloads import parse_documents
from cipredict.ingest.remedies import whose
from cipredict.ingest.runs import Attempt, Oddities
from cipredict.ingest.sources import Source, open_sources
from cipredict.records import ReportStatus

LARGEST_DUMP_BYTES = 1024**3
"""A file is one text in memory, and several times that as objects."""

_SUFFIXES = (".json", ".jsonl", ".ndjson", ".json.gz", ".jsonl.gz", ".ndjson.gz")
_SHOWN = 3


class Payloads(Protocol):
    """What collects the objects of one CI system."""

    @property
    def oddities(self) -> Oddities:
        """What the source got wrong, counted so far."""

    def add(self, document: object, repository: str = "") -> int:
        """Take what a document holds; give how many runs and jobs that was."""

    def attempts(self) -> Iterator[Attempt]:
        """Put the objects together."""


def read_run_files(paths: Iterable[str], payloads: Payloads, *, standard_input: BinaryIO) -> Iterator[Attempt | Report]:
    """Give a report per file, then every attempt: a run, its jobs and its webhooks may lie in different files.

    Paths are those of `open_sources`.

    Raises
    ------
    InputError
        No path gives a file; before anything is read.
    """
    for item in open_sources(
        paths, standard_input=standard_input, suffixes=_SUFFIXES, max_report_bytes=LARGEST_DUMP_BYTES
    ):
        yield item if isinstance(item, Report) else _read_file(item, payloads)
    yield from payloads.attempts()


def _read_file(source: Source, payloads: Payloads) -> Report:
    try:
        content = utf8(cast(BinaryIO, Rewound(b"", source.stream))).read()
    except READ_ERRORS as error:
        return invalid_report(source.name, f"cannot be read ({error})")
    found, elsewhere, problems = 0, "", []
    for document in parse_documents(content.decode("utf-8", "replace")):
        if isinstance(document, ValueError):
            problems.append(str(document))
            continue
        taken = payloads.add(document)
        found += taken
        elsewhere = elsewhere or ("" if taken else whose(document))
    if elsewhere:
        problems.insert(0, f"holds runs for `cipredict ingest {elsewhere}`")
    if not found:
        return invalid_report(source.name, "; ".join(problems[:_SHOWN]) or "holds neither a run nor a job")
    status = ReportStatus.SUBOPTIMAL if problems else ReportStatus.VALID
    return Report(source.name, status, tuple(problems[:_SHOWN]), size_bytes=len(content))
