"""pytest-split's `.test_durations`: seconds by node id, without verdicts. They must never count as passes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from cipredict.errors import InputError, cannot_read
from cipredict.ingest.interface import Report
from cipredict.ingest.spellings import LONGEST_CASE_S
from cipredict.records import ReportStatus


@dataclass(frozen=True, slots=True)
class Durations:
    """Seconds (setup, call and teardown) by case id, and what became of the file."""

    seconds: dict[str, float]
    report: Report


def read_durations(path: Path) -> Durations:
    """Read an object of seconds, or the list of pairs that pytest-split wrote before 0.2.

    An entry that is no id with plausible seconds is skipped and counted in the report.

    Raises
    ------
    InputError
        Missing, not JSON, or neither form.
    """
    try:
        content = path.read_bytes()
        document = json.loads(content)
    except OSError as error:
        raise cannot_read(path, error) from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is not JSON: {error}.", slug="durations-format") from error
    entries = list(document.items()) if isinstance(document, dict) else document
    if not isinstance(entries, list):
        raise InputError(f"{path} holds neither an object nor a list of durations.", slug="durations-format")
    seconds = dict(pair for pair in map(_parse_entry, entries) if pair is not None)
    skipped = sum(_parse_entry(entry) is None for entry in entries)
    problems = (f"{skipped} entries are no id with seconds, skipped",) if skipped else ()
    if not seconds:
        problems = (*problems, "holds no durations")
    status = ReportStatus.VALID if not problems else ReportStatus.SUBOPTIMAL if seconds else ReportStatus.INVALID
    report = Report(
        source=path.as_posix(),
        status=status,
        problems=problems,
        dialect="pytest-split",
        entries=len(entries),
        cases=len(seconds),
        cases_s=sum(seconds.values()),
        size_bytes=len(content),
    )
    return Durations(seconds, report)


def _parse_entry(entry: object) -> tuple[str, float] | None:
    if not (isinstance(entry, list | tuple) and len(entry) == 2):
        return None
    case_id, seconds = entry
    if not isinstance(case_id, str) or not case_id or isinstance(seconds, bool):
        return None
    if not isinstance(seconds, int | float) or not 0 <= seconds <= LONGEST_CASE_S:
        return None
    return case_id, float(seconds)
