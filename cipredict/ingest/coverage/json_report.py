"""coverage.py's JSON report: covered lines by file, and contexts by line with `--show-contexts`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cipredict.errors import InputError
from cipredict.ingest.coverage.interface import Executed, Measured, Summed


def read_json_report(path: Path) -> Iterator[Executed | Measured | Summed]:
    """Give each file's lines, its counts where the lines are not listed, and the contexts of each line.

    Raises
    ------
    InputError
        Not JSON, or not coverage.py's.
    """
    try:
        files = json.loads(path.read_bytes())["files"]
        for file, entry in files.items():
            yield from _read_file(file, entry)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(f"{path} is not a coverage.py JSON report ({error}).", slug="coverage-format") from error


def _read_file(file: str, entry: Mapping[str, Any]) -> Iterator[Executed | Measured | Summed]:  # Any: JSON
    if "executed_lines" in entry and "missing_lines" in entry:
        covered = frozenset(map(int, entry["executed_lines"]))
        yield Measured(file, covered, covered.union(map(int, entry["missing_lines"])))
    elif "summary" in entry:
        summary = entry["summary"]
        yield Summed(file, int(summary["covered_lines"]), int(summary["num_statements"]))
    for line, contexts in entry.get("contexts", {}).items():
        for context in contexts:
            yield Executed(file, context, [int(line)])
