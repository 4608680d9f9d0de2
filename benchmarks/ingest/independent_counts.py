"""Counts of a report by the naivest means, to check cipredict's against: no ids, no attempts, no recovery.

XML by `xml.etree`, one JSON document by `json.loads`, JSONL line by line; nothing of cipredict is imported. A file that
a strict parser refuses has no independent count.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree as ET

CASE_TAGS = {"testcase", "test-case", "UnitTestResult"}
FAILING = {"fail", "failed", "failure", "error", "unexpected"}
SKIPPED = {"skip", "skipped", "disabled", "notrun", "ignored", "untested", "inconclusive", "notexecuted"}


class Counts(NamedTuple):
    """Entries of a report, and how many of them failed or were skipped."""

    entries: int
    failed: int
    skipped: int


def count_independently(path: Path) -> Counts | None:
    """Count the entries of a report, None where no strict parser can."""
    text = path.read_bytes().decode("utf-8-sig", "replace").lstrip()
    try:
        if text.startswith("<"):
            return _of_outcomes(map(_xml_outcome, _xml_cases(ET.fromstring(path.read_bytes()))))  # noqa: S314  # files that were handed over
        if text.startswith(("{", "[")):
            return _of_json(text)
    except (ET.ParseError, ValueError, AttributeError, KeyError, IndexError):  # of another shape
        pass
    return None


def _of_outcomes(outcomes: Iterator[str]) -> Counts:
    found = list(outcomes)
    return Counts(len(found), found.count("failed"), found.count("skipped"))


def _xml_cases(root: ET.Element) -> Iterator[ET.Element]:
    tag = root.tag.rpartition("}")[2]
    for element in root.iter():
        name = element.tag.rpartition("}")[2]
        is_own = (tag == "robot" and name == "test") or (
            tag == "Site" and name == "Test" and "Status" in element.attrib
        )
        if name in CASE_TAGS or is_own:
            yield element


def _xml_outcome(case: ET.Element) -> str:
    children = {child.tag.rpartition("}")[2] for child in case}
    status = next((case.get(key) for key in ("outcome", "result", "Status", "status") if case.get(key)), "") or ""
    if case.tag == "test":
        status = case.findall("status")[-1].get("status", "")
    if children & {"failure", "error"} or status.lower() in FAILING:
        return "failed"
    return "skipped" if "skipped" in children or status.lower() in SKIPPED else "passed"


def _of_json(text: str) -> Counts | None:
    try:
        documents = [json.loads(text)]
    except ValueError:
        documents = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    for counter in _COUNTERS:
        found = counter(documents)
        if found is not None:
            return found
    return None


def _jest(documents: list[Any]) -> Counts | None:
    if len(documents) > 1 or "testResults" not in documents[0]:
        return None
    found = documents[0]
    broken = found.get("numRuntimeErrorTestSuites", 0)
    skipped = found["numPendingTests"] + found["numTodoTests"]
    return Counts(found["numTotalTests"] + broken, found["numFailedTests"] + broken, skipped)


def _mocha(documents: list[Any]) -> Counts | None:
    stats = documents[0].get("stats", {}) if isinstance(documents[0], dict) else {}
    return Counts(stats["tests"], stats["failures"], stats["pending"]) if "passes" in stats else None


def _playwright(documents: list[Any]) -> Counts | None:
    stats = documents[0].get("stats", {}) if isinstance(documents[0], dict) else {}
    if "unexpected" not in stats:
        return None
    total = sum(stats[key] for key in ("expected", "unexpected", "flaky", "skipped"))
    return Counts(total, stats["unexpected"], stats["skipped"])


def _rspec(documents: list[Any]) -> Counts | None:
    found = documents[0].get("summary", {}) if isinstance(documents[0], dict) else {}
    if "example_count" not in found:
        return None
    return Counts(found["example_count"], found["failure_count"], found["pending_count"])


def _ctrf(documents: list[Any]) -> Counts | None:
    if not isinstance(documents[0], dict) or documents[0].get("reportFormat") != "CTRF":
        return None
    summary = documents[0]["results"]["summary"]
    return Counts(summary["tests"], summary["failed"], summary["skipped"] + summary["pending"] + summary["other"])


def _pytest_json(documents: list[Any]) -> Counts | None:
    if not isinstance(documents[0], dict) or "collectors" not in documents[0]:
        return None
    summary = documents[0]["summary"]
    skipped = summary.get("skipped", 0) + summary.get("xfailed", 0)
    return Counts(summary["total"], summary.get("failed", 0) + summary.get("error", 0), skipped)


def _cucumber(documents: list[Any]) -> Counts | None:
    if not isinstance(documents[0], list) or not documents[0] or "elements" not in documents[0][0]:
        return None
    scenarios = [item for feature in documents[0] for item in feature["elements"] if item["type"] == "scenario"]
    statuses = [{step["result"]["status"] for step in scenario["steps"]} for scenario in scenarios]
    failed = sum("failed" in found for found in statuses)
    return Counts(len(scenarios), failed, sum("undefined" in found for found in statuses))


def _dart(documents: list[Any]) -> Counts | None:
    if documents[0].get("protocolVersion") is None:
        return None
    ends = [line for line in documents if line.get("type") == "testDone" and not line["hidden"]]
    failed = sum(line["result"] != "success" for line in ends)
    return Counts(len(ends), failed, sum(line["skipped"] for line in ends))


def _go(documents: list[Any]) -> Counts | None:
    if "Action" not in documents[0]:
        return None
    actions = [line["Action"] for line in documents if "Test" in line]
    ends = [action for action in actions if action in {"pass", "fail", "skip"}]
    return Counts(len(ends), ends.count("fail"), ends.count("skip"))


def _reportlog(documents: list[Any]) -> Counts | None:
    if "$report_type" not in documents[0]:
        return None
    phases = [line for line in documents if line["$report_type"].lower().endswith("testreport")]
    names = {line["nodeid"] for line in phases}
    failed = {line["nodeid"] for line in phases if line["outcome"] == "failed"}
    return Counts(len(names), len(failed), len({line["nodeid"] for line in phases if line["outcome"] == "skipped"}))


_COUNTERS: tuple[Callable[[list[Any]], Counts | None], ...] = (
    _jest, _mocha, _playwright, _rspec, _ctrf, _pytest_json, _cucumber, _dart, _go, _reportlog,
)  # fmt: skip
