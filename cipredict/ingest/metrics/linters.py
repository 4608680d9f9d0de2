"""Linters, type checkers and formatters: ruff's JSON, mypy's lines and text, what black, isort and ruff would reformat.

A tool that finds nothing writes nothing, and so does one that crashed. Text is believed only where its closing line
says that the tool came to an end, or where the run's exit code is known (`tool_runs.py`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence

from cipredict.ingest.metrics.interface import Category, Finding, Reading, Unusable
from cipredict.ingest.metrics.json_access import as_object, line_at, object_at, text_at

_MYPY_LINE = re.compile(
    r"(?P<path>.+?):(?P<line>\d+):(?:\d+:)? error: (?P<message>.*?)(?:\s+\[(?P<rule>[\w-]+)\])?", re.ASCII
)
_MYPY_END = re.compile(r"(?:Success: no issues found in \d+ |Found (?P<errors>\d+) errors? in )", re.ASCII)
_REFORMAT = {
    "black": re.compile(r"would reformat (.+)"),
    "isort": re.compile(r"ERROR: (.+?) Imports are incorrectly sorted.*"),
    "ruff format": re.compile(r"Would reformat: (.+)|--> (.+?):\d+:\d+|(.+?):\d+:\d+: unformatted.*"),
}
_REFORMAT_END = {
    "black": re.compile(r"All done!|Oh no!"),
    "isort": re.compile(r"(?!)"),  # it never says that it is done
    "ruff format": re.compile(r"\d+ files? (?:would be reformatted|already formatted)"),
}


def read_ruff(entries: Sequence[object]) -> Reading:
    """Read `ruff check --output-format json`; a file that does not parse is a finding of its own."""
    findings = []
    for value in entries:
        one = as_object(value, "an entry")
        rule = text_at(one, "code") or "invalid-syntax"
        path = text_at(one, "filename")
        line = line_at(object_at(one, "location"), "row")
        findings.append(Finding("ruff", Category.LINT, rule, path, line, text_at(one, "message")))
    return Reading("ruff", findings=tuple(findings), tools=(("ruff", Category.LINT),))


def read_mypy_json(text: str) -> Reading:
    """Read `mypy --output json`, one object a line; notes do not count."""
    findings = []
    for line in filter(str.strip, text.splitlines()):
        one = _json_line(line)
        if text_at(one, "severity") == "error":
            path, rule = text_at(one, "file"), text_at(one, "code")
            findings.append(Finding("mypy", Category.TYPES, rule, path, line_at(one, "line"), text_at(one, "message")))
    return _mypy(findings)


def _json_line(line: str) -> Mapping[str, object]:
    try:
        return as_object(json.loads(line), "a line")
    except ValueError as error:
        raise Unusable(f"a line is not JSON: {line[:80]!r}") from error


def read_mypy_text(text: str) -> Reading:
    """Read mypy's own text, whose closing line must be there and count as many errors as there are."""
    findings, end = [], None
    for line in text.splitlines():
        end = _MYPY_END.match(line) or end
        if match := _MYPY_LINE.fullmatch(line):
            rule, number = match["rule"] or "", int(match["line"])
            findings.append(Finding("mypy", Category.TYPES, rule, match["path"], number, match["message"]))
    if end is None:
        raise Unusable("mypy's closing line is missing: it did not come to an end")
    if "errors prevented further checking" in end.string:
        raise Unusable("mypy's errors prevented further checking")
    if len(findings) != int(end["errors"] or 0):
        raise Unusable(f"mypy counted {end['errors'] or 0} errors, but {len(findings)} are listed")
    return _mypy(findings)


def _mypy(findings: Sequence[Finding]) -> Reading:
    return Reading("mypy", findings=tuple(findings), tools=(("mypy", Category.TYPES),))


def reformat_reader(tool: str) -> Callable[[str, bool], Reading]:
    """Give the reader of what a formatter would reformat; its text must show its end, or be known to have ended."""

    def read(text: str, is_ended: bool) -> Reading:  # noqa: FBT001  # one of two facts, named by the caller
        matches = (_REFORMAT[tool].fullmatch(line.strip()) for line in text.splitlines())
        paths = [match[match.lastindex or 1] for match in matches if match]
        if not is_ended and not any(_REFORMAT_END[tool].match(line) for line in text.splitlines()):
            raise Unusable(f"{tool} does not say that it came to an end")
        findings = tuple(
            Finding(tool, Category.FORMAT, "format", path, None, f"{tool} would reformat {path}") for path in paths
        )
        return Reading(tool, findings=findings, tools=((tool, Category.FORMAT),))

    return read
