"""Where the sample files lie, and one way to read a report in a test."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest

from cipredict.ingest.interface import Report, ReportReader
from cipredict.records import CaseBatch, CaseRun, RunKey

ReadReport = Callable[..., tuple[dict[str, CaseRun], Report]]

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def samples() -> Path:
    """The small files that are part of the repository."""
    return REPOSITORY / "data" / "samples"


@pytest.fixture(scope="session")
def real_formats() -> Path:
    """Real files of many producers, which are not part of the repository."""
    folder = REPOSITORY.parent / "shared" / "data" / "formats"
    if not folder.is_dir():
        pytest.skip(f"{folder} is absent: real files of other projects are not part of this repository")
    return folder


@pytest.fixture(scope="session")
def read_report() -> ReadReport:
    """Read JUnit from bytes, text or a file; give the cases by id, and the report, which must come last and once."""
    junit = pytest.importorskip("cipredict.ingest.junit", reason="needs lxml (pip install 'cipredict[store]')")
    return _with(junit.read_junit)


@pytest.fixture(scope="session")
def read_any() -> ReadReport:
    """Read a report of any format likewise."""
    reports = pytest.importorskip("cipredict.ingest.reports", reason="needs lxml (pip install 'cipredict[store]')")
    return _with(reports.read_report)


def _with(reader: ReportReader) -> ReadReport:
    def read(
        content: bytes | str | Path, *, known_files: frozenset[str] = frozenset()
    ) -> tuple[dict[str, CaseRun], Report]:
        data = content.read_bytes() if isinstance(content, Path) else content
        stream = io.BytesIO(data.encode() if isinstance(data, str) else data)
        *items, report = reader(stream, source="report.xml", key=RunKey("local", "shop", "1"), known_files=known_files)
        assert isinstance(report, Report)
        batches = [item for item in items if isinstance(item, CaseBatch)]
        assert len(batches) == len(items)
        return {case.case_id: case for batch in batches for case in batch.cases}, report

    return read
