"""`dart test --reporter json` and `flutter test --machine`: events, a line each; times in ms since the start.

::

    {"type": "suite", "suite": {"id": 0, "path": "test/cart_test.dart"}}
    {"type": "testStart", "test": {"id": 3, "name": "cart is empty", "suiteID": 0}, "time": 120}
    {"type": "testDone", "testID": 3, "result": "success", "skipped": false, "hidden": false, "time": 180}
    {"type": "done", "success": true}
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from cipredict.ingest.formats.interface import Findings, Json, join_id
from cipredict.ingest.formats.json_values import as_object, name, number, seconds
from cipredict.records import CaseRun, Verdict

_VERDICTS = {"success": Verdict.PASSED, "failure": Verdict.FAILED, "error": Verdict.ERROR}


class _Started(NamedTuple):
    path: str
    title: str
    begin_ms: float


def decode_dart(lines: Iterator[Json], findings: Findings) -> Iterator[CaseRun]:
    """Give each test as it ends; hidden ones (loading a file, `setUpAll`) only if they fail."""
    paths: dict[object, str] = {}
    started: dict[object, _Started] = {}
    has_finished = False
    for line in lines:
        kind = line.get("type")
        if kind == "suite":
            suite = as_object(line.get("suite"))
            paths[number(suite.get("id"))] = findings.path(name(suite.get("path")))
        elif kind == "testStart":
            test = as_object(line.get("test"))
            path = paths.get(number(test.get("suiteID")), "")
            started[number(test.get("id"))] = _Started(path, name(test.get("name")), number(line.get("time")) or 0.0)
        elif kind == "testDone":
            yield from _ended(line, started.pop(number(line.get("testID")), None), findings)
        elif kind == "done":
            has_finished = True
    if not has_finished:
        findings.problems.append("the run did not end")


def _ended(line: Json, test: _Started | None, findings: Findings) -> Iterator[CaseRun]:
    verdict = _VERDICTS.get(name(line.get("result")))
    if verdict is Verdict.PASSED and line.get("hidden") is True:
        return
    if verdict is Verdict.PASSED and line.get("skipped") is True:
        verdict = Verdict.SKIPPED
    path, title, begin_ms = test or _Started("", "", 0.0)
    is_loading = bool(path) and title.startswith("loading ")
    took_ms = (number(line.get("time")) or 0.0) - begin_ms
    case_id = path if is_loading else join_id(path, title)
    yield from findings.case(case_id, verdict, seconds(took_ms, units_per_second=1e3))
