"""The one place that looks at a metrics file and chooses who reads it; every file gets a verdict.

`ruff=report.json` names the reader, `report.json` alone leaves it to the content. What is empty, or an empty list,
tells nobody's name: a tool that crashed writes that, too.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path

from cipredict.ingest.metrics import benchmark_figures, case_reports, plain
from cipredict.ingest.metrics.covered_lines import read_coverage_file
from cipredict.ingest.metrics.forecast_summary import read_forecast_summary
from cipredict.ingest.metrics.interface import MetricsFile, Reading, Unusable
from cipredict.ingest.metrics.json_access import as_object
from cipredict.ingest.metrics.k6 import read_k6
from cipredict.ingest.metrics.linters import read_mypy_json, read_mypy_text, read_ruff, reformat_reader
from cipredict.ingest.metrics.sarif import read_sarif
from cipredict.ingest.metrics.scanners import read_bandit, read_pip_audit, read_semgrep, read_trivy
from cipredict.ingest.metrics.tool_runs import read_tool_run
from cipredict.measures import METRICS_SCHEMA, TOOL_RUN_SCHEMA, Measurement
from cipredict.records import ReportStatus

LARGEST_FILE_BYTES = 200_000_000
BENCHMARKS = "benchmarks"
_ObjectReader = Callable[[Mapping[str, object]], Reading]


@dataclass(frozen=True, slots=True)
class Places:
    """What reading depends on beside the file."""

    root: Path
    now: datetime
    known_files: frozenset[str] = frozenset()


def read_metrics(spelled: str, places: Places) -> MetricsFile:
    """Read one file, `PATH` or `KIND=PATH`; it never raises over what a file holds."""
    kind, path = _split(spelled)
    try:
        reading = _read(kind, Path(path), places)
    except Unusable as error:
        return MetricsFile(path, ReportStatus.INVALID, Reading(kind), (str(error),))
    except OSError as error:
        return MetricsFile(path, ReportStatus.INVALID, Reading(kind), (error.strerror or "cannot be read",))
    measurements = tuple(replace(one, source=one.source or path) for one in reading.measurements)
    told = (*reading.problems, *reading.notes)
    status = ReportStatus.SUBOPTIMAL if told else ReportStatus.VALID
    return MetricsFile(path, status, replace(reading, measurements=measurements), told)


def read_picks(picks: Sequence[plain.Pick]) -> list[Measurement]:
    """Take every configured value out of its file; what cannot be read is a missing metric with its reason."""
    return [_pick(pick) for pick in picks]


def _pick(pick: plain.Pick) -> Measurement:
    try:
        if pick.benchmark:
            return benchmark_figures.pick_benchmark(pick)
        text = _text(Path(pick.file))
        return plain.pick_csv(pick, text) if pick.column else plain.pick_json(pick, _json(text))
    except Unusable as error:
        return Measurement(pick.name, None, pick.file, reason=str(error))
    except OSError as error:
        return Measurement(pick.name, None, pick.file, reason=f"{pick.file}: {error.strerror or 'cannot be read'}")


def _split(spelled: str) -> tuple[str, str]:
    kind, equals, path = spelled.partition("=")
    return (kind, path) if equals and kind in KINDS else ("", spelled)


def _read(kind: str, path: Path, places: Places) -> Reading:
    if path.is_dir():
        if kind == BENCHMARKS:
            return benchmark_figures.read_benchmark_figures(path)
        raise Unusable(f"it is a folder; {BENCHMARKS}=FOLDER reads one of benchmark results")
    if path.stat().st_size > LARGEST_FILE_BYTES:
        raise Unusable(f"larger than {LARGEST_FILE_BYTES // 1_000_000} MB, refused")
    return KINDS[kind](path, places) if kind else _recognise(path, places)


def _recognise(path: Path, places: Places) -> Reading:
    with path.open("rb") as stream:
        head = stream.read(4096)
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if head.startswith(b"PK\3\4"):
        return read_forecast_summary(path, now=places.now)
    if head.startswith(b"SQLite format 3\0"):
        raise Unusable("coverage.py's data file does not know which lines could be executed: run `coverage json`")
    if text.startswith((b"TN:", b"SF:")) or b"<coverage" in text:
        return read_coverage_file(path, root=places.root, known_files=places.known_files)
    if text.startswith(b"<"):
        return case_reports.read_test_report(path)
    if text.startswith((b"{", b"[")):
        return _recognise_json(path, places)
    if not text:
        raise Unusable("it is empty: say which tool wrote it, such as ruff=FILE, if that means that it found nothing")
    return read_mypy_text(_text(path)) if _looks_like_mypy(_text(path)) else _strange()


def _looks_like_mypy(text: str) -> bool:
    return ": error: " in text or "Success: no issues found" in text


def _strange() -> Reading:
    raise Unusable("neither JSON, XML, lcov nor the text of a known tool")


def _recognise_json(path: Path, places: Places) -> Reading:
    text = _text(path)
    first = _first_line(text)
    if isinstance(first, dict) and {"severity", "file", "message"} <= first.keys():
        return read_mypy_json(text)
    try:
        document = _json(text)
    except Unusable:  # lines of JSON, or one that was cut off
        return _of_a_tool(first, path)
    if document == []:
        raise Unusable("an empty list: say which tool wrote it, such as ruff=FILE")
    if isinstance(document, list) and all(isinstance(one, dict) and "location" in one for one in document):
        return read_ruff(document)
    if isinstance(document, dict) and {"files", "totals"} <= document.keys():
        return _coverage(path, places)
    read = _document_reader(document) if isinstance(document, dict) else None
    return read(document) if read and isinstance(document, dict) else _of_a_tool(document, path)


def _of_a_tool(document: object, path: Path) -> Reading:
    """Read the results of a benchmark tool, or else a test report: `document` is the file, or its first line."""
    if benchmark_figures.is_of_a_tool(document):
        return benchmark_figures.read_benchmark_figures(path)
    return case_reports.read_test_report(path)


def _document_reader(document: Mapping[str, object]) -> _ObjectReader | None:
    return next((read for is_it, read in _DOCUMENTS if is_it(document)), None)


def _first_line(text: str) -> object:
    try:
        return json.loads(text.lstrip().partition("\n")[0])
    except (ValueError, RecursionError):
        return None


def _has(*keys: str) -> Callable[[Mapping[str, object]], bool]:
    return lambda document: set(keys) <= document.keys()


def _is_sarif(document: Mapping[str, object]) -> bool:
    return isinstance(document.get("runs"), list) and "version" in document


def _is_semgrep(document: Mapping[str, object]) -> bool:
    return isinstance(document.get("results"), list) and "paths" in document and "errors" in document


def _is_k6(document: Mapping[str, object]) -> bool:
    metrics = document.get("metrics")
    return isinstance(metrics, dict) and bool({"iterations", "http_reqs", "vus", "data_received"} & metrics.keys())


_DOCUMENTS: tuple[tuple[Callable[[Mapping[str, object]], bool], _ObjectReader], ...] = (
    (lambda document: document.get("schema") == METRICS_SCHEMA, plain.read_metrics_document),
    (lambda document: document.get("schema") == TOOL_RUN_SCHEMA, read_tool_run),
    (_is_sarif, read_sarif),
    (_has("results", "errors", "generated_at"), read_bandit),
    (_is_semgrep, read_semgrep),
    (_has("dependencies", "fixes"), read_pip_audit),
    (_has("SchemaVersion", "ArtifactName"), read_trivy),
    (_is_k6, read_k6),
    (plain.is_flat, plain.read_flat),
)


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Unusable("not UTF-8") from error


def _json(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Unusable(f"not JSON ({error})") from error


def _of_object(read: _ObjectReader, path: Path, _places: Places) -> Reading:
    return read(as_object(_json(_text(path)), "the document"))


def _of_text(read: Callable[[str], Reading], path: Path, _places: Places) -> Reading:
    return read(_text(path))


def _ruff(path: Path, _places: Places) -> Reading:
    document = _json(_text(path))
    if not isinstance(document, list):
        raise Unusable("ruff's report is not a list")
    return read_ruff(document)


def _mypy(text: str) -> Reading:
    return read_mypy_json(text) if text.lstrip().startswith("{") else read_mypy_text(text)


def _formatter(tool: str, path: Path, _places: Places) -> Reading:
    return reformat_reader(tool)(_text(path), False)  # noqa: FBT003  # nobody says that it ended


def _coverage(path: Path, places: Places) -> Reading:
    return read_coverage_file(path, root=places.root, known_files=places.known_files)


KINDS: dict[str, Callable[[Path, Places], Reading]] = {
    "coverage": _coverage,
    "tests": lambda path, _places: case_reports.read_test_report(path),
    "ruff": _ruff,
    "mypy": partial(_of_text, _mypy),
    "black": partial(_formatter, "black"),
    "ruff-format": partial(_formatter, "ruff format"),
    "bandit": partial(_of_object, read_bandit),
    "pip-audit": partial(_of_object, read_pip_audit),
    "trivy": partial(_of_object, read_trivy),
    "semgrep": partial(_of_object, read_semgrep),
    "sarif": partial(_of_object, read_sarif),
    "k6": partial(_of_object, read_k6),
    BENCHMARKS: lambda path, _places: benchmark_figures.read_benchmark_figures(path),
    "metrics": partial(_of_object, plain.read_metrics_document),
    "forecast": lambda path, places: read_forecast_summary(path, now=places.now),
}
"""What may stand before `=`."""
